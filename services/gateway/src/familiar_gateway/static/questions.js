// What is asked while somebody is enrolled. Each answer says how it goes on, as fields of the next request (`fields`),
// as something to do first (`next`), or both; null ends it.

import { call } from "./api.js";
import { ask, askFor } from "./dialog.js";
import { texts } from "./texts.js";

// More numbers of pictures than these are not read.
const MOST_NUMBERS = 20;
const MOST_FACES = 8;

const stop = () => ({ value: "", label: texts.question.stop });

// What can be asked about, by the code of the error that asks. `way` is "camera" or "files".
const QUESTIONS = {
  name_taken: (error) => (error.details.enrollment_id ? askAboutLateName(error) : askAboutName(error)),
  already_known: askWhetherKnown,
  not_alike: askWhetherAlike,
  too_few_samples: askForMore,
  several_faces: askWhichFace,
};

// Resolves to how it goes on after an error of the API; passes on those that nobody can be asked about.
export function answerTo(error, way) {
  const question = QUESTIONS[error.code];
  if (!question) throw error;
  return question(error, way);
}

// Somebody of that name is enrolled: the same person, another one, or was the name a slip?
async function askAboutName({ details }) {
  const [person] = details.people;
  const { name } = person;
  const answer = await ask(texts.enrol.nameTaken({ name }), [
    { value: "same", label: texts.enrol.samePerson({ name }), look: "primary" },
    { value: "other", label: texts.enrol.otherOfThatName({ name }) },
    { value: "rename", label: texts.enrol.otherName },
    stop(),
  ]);
  const ways = {
    same: { fields: { person_id: person.id, name: undefined } },
    other: { fields: { allow_same_name: true } },
    rename: { next: "name" },
  };
  return ways[answer] ?? null;
}

// Somebody else was enrolled under that name while this capture went on; the name stands with the person already.
async function askAboutLateName({ details }) {
  const { person } = await call("GET", `v1/enrollments/${details.enrollment_id}`);
  const { name } = person;
  const answer = await ask(texts.enrol.nameTakenMeanwhile({ name }), [
    { value: "rename", label: texts.enrol.otherName, look: "primary" },
    { value: "other", label: texts.enrol.otherOfThatName({ name }) },
    stop(),
  ]);
  if (!answer) return null;
  const other = answer === "rename" ? await askForName(name) : name;
  if (!other) return null;
  const json = { name: other, allow_same_name: answer === "other" };
  await call("PATCH", `v1/enrollments/${details.enrollment_id}`, { json });
  return { fields: {} };
}

export const askForName = (name) =>
  askFor(texts.people.newName, name, [
    { value: "yes", label: texts.question.save, look: "primary" },
    { value: "", label: texts.question.cancel },
  ]);

// The face is known already.
async function askWhetherKnown({ details }) {
  const { name } = details.person;
  const percent = Math.round(details.share * 100);
  const answer = await ask(texts.enrol.alreadyKnown({ name, percent }), [
    { value: "add", label: texts.enrol.addToKnown({ name }), look: "primary" },
    { value: "new", label: texts.enrol.otherPerson({ name }) },
    stop(),
  ]);
  return answer ? { fields: { if_known: answer } } : null;
}

// Some of the pictures show somebody else. Which ones, says something of files only; people count them from one.
async function askWhetherAlike({ details }, way) {
  const { frames, pictures, person } = details;
  const numbers = frames.slice(0, MOST_NUMBERS).map((index) => index + 1);
  const which = texts.enrol.pictureNumbers({ numbers, more: frames.length > MOST_NUMBERS });
  const told = { count: frames.length, pictures, which: way === "files" ? which : "" };
  const question = person ? texts.enrol.notLike({ ...told, name: person.name }) : texts.enrol.notAlike(told);
  const answer = await ask(question, [
    { value: "leave_out", label: texts.enrol.leaveOut, look: "primary" },
    { value: "take", label: texts.enrol.takeNevertheless },
    stop(),
  ]);
  return answer ? { fields: { if_not_alike: answer } } : null;
}

// A group picture: people count its faces from the left.
async function askWhichFace({ details }) {
  const faces = [...details.faces].sort((one, other) => one.box.x_min - other.box.x_min).slice(0, MOST_FACES);
  const offers = faces.map(({ index }, place) => ({
    value: String(index),
    label: texts.enrol.face({ number: place + 1 }),
  }));
  const answer = await ask(texts.enrol.severalFaces({ count: details.faces.length }), [...offers, stop()]);
  return answer ? { fields: { face: answer } } : null;
}

// Too few of the frames can be used.
async function askForMore({ details }, way) {
  const { accepted, needed } = details;
  const more = { value: "more", label: texts.enrol.takeMore, look: "primary" };
  const files = { value: "files", label: texts.enrol.moreFiles, look: "primary" };
  const camera = { value: "camera", label: texts.enrol.useCamera };
  const answer = await ask(texts.enrol.tooFew({ accepted, needed, why: texts.enrol.why(details.refused) }), [
    ...(way === "camera" ? [more] : [files, camera]),
    stop(),
  ]);
  return answer ? { next: answer } : null;
}

// What to do with an enrolment that failed: "add" (the two are one person), "again" or "" (nothing is kept).
export function choicesAfter({ error }) {
  const again = { value: "again", label: texts.enrol.tryAgain };
  const leave = { value: "", label: texts.enrol.forgetAgain };
  if (error.code !== "too_alike" || !error.person) return [{ ...again, look: "primary" }, leave];
  const { name } = error.person;
  return [{ value: "add", label: texts.enrol.addToKnown({ name }), look: "primary" }, again, leave];
}
