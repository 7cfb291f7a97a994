// People: who is enrolled, with a face; renaming and deleting them.

import { call } from "./api.js";
import { ask, notice, orNotice } from "./dialog.js";
import { $, element, rememberLast } from "./dom.js";
import { texts } from "./texts.js";

const changed = rememberLast();
const faces = new Map(); // person id -> address of a crop, so that a refresh asks for nothing twice

export async function refresh() {
  const { people } = await call("GET", "/v1/people?limit=200");
  if (!changed(people)) return;
  const cards = await Promise.all(people.map(card));
  $("people-list").replaceChildren(...cards);
  $("people-empty").hidden = people.length > 0;
}

async function card(person) {
  const address = await faceOf(person).catch(() => null);
  const face = address ? element("img", { src: address, alt: "" }) : element("span", { className: "noface" });
  const describe = person.live ? texts.people.recognised : texts.people.notLearned;
  const samples = element("small", {}, describe({ samples: person.samples }));
  const about = element("div", {}, element("strong", {}, person.name), samples);
  return element("li", { className: "card" }, face, about, actions(person));
}

async function faceOf(person) {
  if (!faces.has(person.id) && person.samples) {
    const { samples } = await call("GET", `/v1/people/${person.id}/samples?limit=1`);
    if (samples.length) faces.set(person.id, `/v1/people/${person.id}/samples/${samples[0].id}`);
  }
  return faces.get(person.id);
}

function actions(person) {
  const renaming = { type: "button", onclick: () => rename(person) };
  const erasing = { type: "button", className: "danger", onclick: () => erase(person) };
  return element(
    "div",
    { className: "actions" },
    element("button", renaming, texts.people.rename),
    element("button", erasing, texts.people.erase),
  );
}

async function rename(person) {
  const name = prompt(texts.people.newName, person.name);
  if (!name || name === person.name) return;
  await orNotice(call("PATCH", `/v1/people/${person.id}`, { json: { name } }));
  await orNotice(refresh());
}

async function erase(person) {
  const answer = await ask(texts.people.eraseQuestion(person), [
    { value: "erase", label: texts.people.erase, look: "danger" },
    { value: "", label: texts.people.keep },
  ]);
  if (!answer) return;
  const erased = call("DELETE", `/v1/people/${person.id}`);
  await orNotice(erased.then(() => notice(texts.people.erased(person))));
  await orNotice(refresh());
}
