// One person: their pictures, what the head says of them in words, what they agreed to; renaming and forgetting them.

import { call } from "./api.js";
import { history, merge, Selection } from "./correcting.js";
import { ask, notice, orNotice } from "./dialog.js";
import { element } from "./dom.js";
import { locale } from "./languages.js";
import { answerTo, askForName } from "./questions.js";
import { may } from "./session.js";
import { texts } from "./texts.js";
import { word } from "./wording.js";

const SAMPLES_A_PAGE = 24;

// A face to show of somebody, or the place for one.
export function face({ id, sample }) {
  if (!sample) return element("span", { className: "face" });
  return element("img", { className: "face", src: `v1/people/${id}/samples/${sample}`, alt: "", loading: "lazy" });
}

// Shows a person in a place.
export async function enter(place, id) {
  const person = await call("GET", `v1/people/${id}`);
  const again = () => enter(place, id);
  const selection = new Selection(person, again);
  const samples = element("ul", { className: "samples" });
  const more = element("button", { type: "button" }, texts.people.morePictures);
  more.onclick = () => orNotice(addSamples(selection, samples, more));
  const putRight = await history(person, again);
  const title = element("h1", { tabIndex: -1 }, person.name);
  const back = element("a", { href: "#people" }, texts.people.back);
  place.replaceChildren(
    back,
    element("header", {}, face(person), element("div", {}, title, since(person), actions(person, place))),
    element("h2", {}, texts.people.reportTitle),
    element("ul", { className: "told" }, ...told(person).map((text) => element("li", {}, text))),
    ...agreed(person),
    element("h2", {}, texts.people.picturesTitle({ count: person.samples })),
    selection.place,
    samples,
    more,
    ...putRight,
  );
  title.focus();
  await addSamples(selection, samples, more);
}

const day = (iso) => new Date(iso).toLocaleDateString(locale(), { dateStyle: "long" });

const since = ({ created_at: at }) => element("p", { className: "soft" }, texts.people.since({ day: day(at) }));

async function addSamples(selection, place, more) {
  const { id } = selection.person;
  const offset = place.children.length;
  const { samples, total } = await call("GET", `v1/people/${id}/samples?limit=${SAMPLES_A_PAGE}&offset=${offset}`);
  const items = samples.map((sample, index) => {
    const picture = face({ id, sample: sample.id });
    picture.alt = texts.people.picture({ number: offset + index + 1 });
    return element("li", {}, selection.choosable(picture, sample.id));
  });
  place.append(...items);
  more.hidden = place.children.length >= total;
}

function actions(person, place) {
  const renaming = () => orNotice(rename(person, place));
  const merging = () => orNotice(mergeAway(person));
  const forgetting = () => orNotice(forget(person));
  const adding = element("a", { className: "button", href: `#enrol/${person.id}` }, texts.people.addPictures);
  const buttons = [
    element("button", { type: "button", onclick: renaming }, texts.people.rename),
    element("button", { type: "button", onclick: merging }, texts.correcting.merge),
    element("button", { type: "button", className: "danger", onclick: forgetting }, texts.people.forget),
  ];
  return element("div", { className: "actions" }, ...(may("enroll") ? [adding] : []), ...buttons);
}

// What the head in service says of them, as sentences.
function told({ live, report, refused }) {
  if (!report) return [live ? texts.people.noReport : texts.people.notLearnedYet];
  const { held_out: heldOut, missed, nearest, weakest, dropped, less_sure: why } = report;
  const sentences = [];
  if (heldOut) sentences.push(texts.people.tried({ heldOut, named: heldOut - missed }));
  if (nearest) sentences.push(texts.people.nearest({ name: nearest.person.name }));
  if (weakest) sentences.push(texts.people.weakest({ direction: word(texts.looking, weakest.direction) }));
  if (dropped.length) sentences.push(texts.people.dropped({ count: dropped.length }));
  if (why) sentences.push(word(texts.lessSure, why));
  const reasons = Object.entries(refused).map(([reason, count]) =>
    texts.people.refusedFor({ count, reason: word(texts.reason, reason) }),
  );
  if (reasons.length) sentences.push(texts.people.refused({ reasons: reasons.join(", ") }));
  return sentences;
}

function agreed({ consent }) {
  const title = element("h2", {}, texts.people.consentTitle);
  if (!consent) return [title, element("p", { className: "soft" }, texts.people.noConsent)];
  const when = element("p", { className: "soft" }, texts.people.agreedOn({ day: day(consent.at) }));
  return [title, when, element("blockquote", {}, consent.to)];
}

async function rename(person, place) {
  const name = await askForName(person.name);
  if (!name || name === person.name) return;
  const json = { name };
  try {
    await call("PATCH", `v1/people/${person.id}`, { json });
  } catch (error) {
    const answer = error.code === "name_taken" ? await askWhetherShared(name) : await answerTo(error);
    if (!answer) return;
    await call("PATCH", `v1/people/${person.id}`, { json: { name, allow_same_name: true } });
  }
  await enter(place, person.id);
}

const askWhetherShared = (name) =>
  ask(texts.people.nameTaken({ name }), [
    { value: "yes", label: texts.enrol.otherOfThatName({ name }), look: "primary" },
    { value: "", label: texts.question.cancel },
  ]);

// Whoever is somebody else is shown as that one.
async function mergeAway(person) {
  const other = await merge(person);
  if (other) window.location.hash = `people/${other}`;
}

// What will be erased is said before it is.
async function forget(person) {
  const { name, samples } = person;
  const answer = await ask(texts.people.forgetQuestion({ name, samples }), [
    { value: "forget", label: texts.people.forgetForGood({ name }), look: "danger" },
    { value: "", label: texts.people.keep },
  ]);
  if (!answer) return;
  await call("DELETE", `v1/people/${person.id}`);
  notice(texts.people.forgotten({ name }));
  window.location.hash = "people";
}
