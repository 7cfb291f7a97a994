// What is asked while somebody is enrolled. Each answer is a word of its own, null for none.

import { ask } from "./dialog.js";
import { texts } from "./texts.js";

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
export function askWhatIfKnown({ details }) {
  const { name } = details.person;
  const percent = Math.round(details.share * 100);
  return ask(texts.enrol.alreadyKnown({ name, percent }), [
    { value: "add", label: texts.enrol.addToKnown({ name }), look: "primary" },
    { value: "new", label: texts.enrol.otherPerson },
    cancel(),
  ]);
}
