// Putting right, on the card of one person: chosen pictures go to somebody else, become a new person or are nobody's; the
// person turns out to be somebody else; and what was put right is undone.

import { call } from "./api.js";
import { ask, askFor, notice, orNotice } from "./dialog.js";
import { element } from "./dom.js";
import { locale } from "./languages.js";
import { texts } from "./texts.js";
import { word } from "./wording.js";

const MOST_OFFERED = 6;
const MOST_SHOWN = 10;
const CANCEL = () => ({ value: "", label: texts.question.cancel });

// Chosen pictures of a person, and what can be done with them; `again` shows the person anew.
export class Selection {
  constructor(person, again) {
    this.person = person;
    this.again = again;
    this.chosen = new Set();
    this.count = element("p", { className: "soft" });
    this.count.setAttribute("role", "status");
    const does = (label, work) => element("button", { type: "button", onclick: () => orNotice(work()) }, label);
    this.buttons = element(
      "div",
      { className: "actions", hidden: true },
      does(texts.correcting.move, () => this.move()),
      does(texts.correcting.split, () => this.split()),
      does(texts.correcting.setAside, () => this.setAside()),
    );
    this.place = element("div", { className: "chosen" }, this.count, this.buttons);
    this.tell();
  }

  // Makes a picture one that can be chosen.
  choosable(picture, id) {
    const button = element("button", { type: "button", className: "choice" }, picture);
    button.setAttribute("aria-pressed", "false");
    button.onclick = () => {
      if (!this.chosen.delete(id)) this.chosen.add(id);
      button.setAttribute("aria-pressed", String(this.chosen.has(id)));
      this.tell();
    };
    return button;
  }

  tell() {
    const count = this.chosen.size;
    this.count.textContent = count ? texts.correcting.chosen({ count }) : texts.correcting.choose;
    this.buttons.hidden = count === 0;
  }

  async move() {
    const other = await whom(texts.correcting.moveTo({ count: this.chosen.size }), this.person);
    if (other) await this.correct("move", { to: other.id }, texts.correcting.moved({ name: other.name }));
  }

  async split() {
    const name = await askFor(texts.correcting.newName, "", [
      { value: "yes", label: texts.correcting.split, look: "primary" },
      CANCEL(),
    ]);
    if (name) await this.correct("split", { name }, texts.correcting.moved({ name }));
  }

  async setAside() {
    const { name } = this.person;
    const answer = await ask(texts.correcting.setAsideQuestion({ count: this.chosen.size, name }), [
      { value: "yes", label: texts.correcting.setAside, look: "primary" },
      CANCEL(),
    ]);
    if (answer) await this.correct("move", { to: null }, texts.correcting.wasSetAside);
  }

  async correct(how, fields, said) {
    const json = { samples: [...this.chosen], ...fields };
    await call("POST", `v1/people/${this.person.id}/${how}`, { json });
    notice(said);
    await this.again();
  }
}

// Makes the person one with somebody else, who is asked for and stays; resolves to the id of that one, "" for none.
export async function merge(person) {
  const other = await whom(texts.correcting.sameAs({ name: person.name }), person);
  if (!other) return "";
  const names = { name: person.name, other: other.name };
  const answer = await ask(texts.correcting.mergeQuestion(names), [
    { value: "yes", label: texts.correcting.merge, look: "primary" },
    CANCEL(),
  ]);
  if (!answer) return "";
  await call("POST", `v1/people/${other.id}/merge`, { json: { person_id: person.id } });
  notice(texts.correcting.merged(names));
  return other.id;
}

// Asks for the name of somebody enrolled other than `person`; resolves to them, or to null.
export async function whom(question, person) {
  const search = await askFor(question, "", [
    { value: "yes", label: texts.correcting.find, look: "primary" },
    CANCEL(),
  ]);
  if (!search) return null;
  const found = await call("GET", `v1/people?${new URLSearchParams({ search, limit: MOST_OFFERED + 1 })}`);
  const others = found.people.filter(({ id }) => id !== person.id).slice(0, MOST_OFFERED);
  if (!others.length) {
    notice(texts.people.nobodyFound({ search }));
    return null;
  }
  const offers = others.map(({ id, name, samples }) => ({
    value: id,
    label: texts.correcting.offer({ name, samples }),
  }));
  const chosen = await ask(texts.correcting.which, [...offers, CANCEL()]);
  return others.find(({ id }) => id === chosen) ?? null;
}

// What was put right about somebody, as elements to show; `again` shows the person anew after something was undone.
export async function history(person, again) {
  const { corrections } = await call("GET", `v1/corrections?person=${person.id}&limit=${MOST_SHOWN}`);
  if (!corrections.length) return [];
  const lines = corrections.map((correction) => {
    const line = element("li", {}, told(correction, person), " ");
    if (correction.status === "open") line.append(undoButton(correction, person, again));
    else line.append(element("small", {}, word(texts.correctionStatus, correction.status)));
    return line;
  });
  return [element("h2", {}, texts.correcting.title), element("ul", { className: "told" }, ...lines)];
}

function told({ kind, person, to, samples: count, created_at: at }, shown) {
  const day = new Date(at).toLocaleDateString(locale(), { dateStyle: "medium" });
  const name = (to?.id === shown.id ? person?.name : to?.name) ?? texts.correcting.somebody;
  if (kind === "add") return texts.correcting.toldAdd({ count, day });
  if (kind === "merge") return texts.correcting.toldMerge({ name: person?.name ?? texts.correcting.somebody, day });
  if (to === null) return texts.correcting.toldNobody({ count, day });
  return to.id === shown.id
    ? texts.correcting.toldFrom({ count, name, day })
    : texts.correcting.toldTo({ count, name, day });
}

function undoButton({ id, kind, person, to, undoable_until: until }, shown, again) {
  const undoing = async () => {
    const answer = kind === "add" ? await askWhetherErased() : "yes";
    if (!answer) return;
    await call("POST", `v1/corrections/${id}/undo`);
    notice(texts.correcting.undone);
    // Whoever was made of another one's pictures is no more.
    if (kind === "split" && to?.id === shown.id) window.location.hash = `people/${person?.id ?? ""}`;
    else await again();
  };
  const button = element("button", { type: "button", onclick: () => orNotice(undoing()) }, texts.correcting.undo);
  const day = new Date(until).toLocaleString(locale(), { dateStyle: "medium", timeStyle: "short" });
  button.title = texts.correcting.undoUntil({ day });
  return button;
}

const askWhetherErased = () =>
  ask(texts.correcting.takeBackQuestion, [
    { value: "yes", label: texts.correcting.takeBack, look: "danger" },
    CANCEL(),
  ]);
