// What is asked while somebody is enrolled. Each answer is a word of its own, null for none.

import { ask } from "./dialog.js";
import { texts } from "./texts.js";

// More numbers of pictures than these are not read.
const SHOWN = 20;

const cancel = () => ({ value: "", label: texts.question.cancel });

// Somebody of that name is enrolled, and the new pictures may be added to theirs: "same" or "other".
export function askWhetherSame(name) {
  return ask(texts.enrol.samePerson({ name }), [
    { value: "same", label: texts.enrol.addPictures, look: "primary" },
    { value: "other", label: texts.enrol.otherOfThatName },
    cancel(),
  ]);
}

// Somebody of that name is enrolled, and this is somebody else: "other".
export function askWhetherOther(name) {
  return ask(texts.enrol.nameTaken({ name }), [
    { value: "other", label: texts.enrol.otherOfThatName, look: "primary" },
    cancel(),
  ]);
}

// The face is known already, says an error of the API: what to do then, as `if_known` takes it, "add" or "new".
function askWhatIfKnown({ details }) {
  const { name } = details.person;
  const percent = Math.round(details.share * 100);
  return ask(texts.enrol.alreadyKnown({ name, percent }), [
    { value: "add", label: texts.enrol.addToKnown({ name }), look: "primary" },
    { value: "new", label: texts.enrol.otherPerson },
    cancel(),
  ]);
}

// Some pictures do not fit, says an error of the API: what to do then, as `if_not_alike` takes it, "leave_out" or "take".
function askWhatIfNotAlike({ details }) {
  const { frames, pictures, person } = details;
  const numbers = frames.length > SHOWN ? [...frames.slice(0, SHOWN).map(numberOf), "…"] : frames.map(numberOf);
  const told = { count: frames.length, pictures, numbers: texts.enrol.pictureNumbers({ numbers }), name: person?.name };
  return ask(person ? texts.enrol.notLike(told) : texts.enrol.notAlike(told), [
    { value: "leave_out", label: texts.enrol.leaveOut, look: "primary" },
    { value: "take", label: texts.enrol.takeNevertheless },
    cancel(),
  ]);
}

// People count from one.
const numberOf = (index) => index + 1;

// What to ask for an error of the API that is a question, and the field of the request that takes the answer.
export const QUESTIONS = {
  already_known: { field: "if_known", askFor: askWhatIfKnown },
  not_alike: { field: "if_not_alike", askFor: askWhatIfNotAlike },
};
