// Feedback: whether somebody is whom they were taken for, what waits to be asked about, and what was learned of it.

import { call } from "./api.js";
import { whom } from "./correcting.js";
import { ask, notice, orNotice } from "./dialog.js";
import { element } from "./dom.js";
import { locale } from "./languages.js";
import { may } from "./session.js";
import { texts } from "./texts.js";

// Asks whether a face is whom it was taken for, and says so. `which` tells which face, as the API wants it; resolves to
// whether something was said.
export async function sayOf(which, person) {
  const answers = [
    { value: "right", label: texts.feedback.right, look: "primary" },
    { value: "wrong", label: texts.feedback.wrong },
    ...(may("people") ? [{ value: "other", label: texts.feedback.other }] : []),
    { value: "stranger", label: texts.feedback.stranger },
    { value: "", label: texts.question.cancel },
  ];
  const answer = await ask(texts.feedback.isIt(person), answers);
  return answer ? say(which, person, answer) : false;
}

async function say(which, person, answer) {
  const other = answer === "other" ? await whom(texts.feedback.whoInstead, person) : null;
  if (answer === "other" && !other) return false;
  const json = other ? { ...which, verdict: "wrong", person: other.id } : { ...which, verdict: answer };
  await call("POST", "v1/feedback", { json });
  notice(texts.feedback.said);
  return true;
}

// A face that waits, as a card with the answers; `again` shows what is left.
export function card({ id, person }, again) {
  const src = `v1/quarantine/${id}/crop`;
  const picture = element("img", { className: "face", src, alt: "", loading: "lazy" });
  const question = element("strong", {}, texts.feedback.isIt(person));
  const answered = async (answer) => {
    if (await say({ quarantined: id }, person, answer)) await again();
  };
  const button = (answer, label) =>
    element("button", { type: "button", onclick: () => orNotice(answered(answer)) }, label);
  const buttons = [button("right", texts.feedback.yes), button("wrong", texts.feedback.no)];
  if (may("people")) buttons.push(button("other", texts.feedback.other));
  return element("li", { className: "card" }, picture, element("span", {}, question, ...buttons));
}

// What was learned of one person on one day, as a line, with the button that takes it back.
export function learnedLine({ day, person, origin, samples }, again) {
  const on = new Date(`${day}T12:00:00Z`).toLocaleDateString(locale(), { dateStyle: "medium" });
  const told = texts.feedback.learned[origin]({ day: on, name: person.name, count: samples });
  const takeBack = async () => {
    const answer = await ask(texts.feedback.takeBackQuestion({ count: samples, name: person.name }), [
      { value: "yes", label: texts.feedback.takeBack, look: "danger" },
      { value: "", label: texts.question.cancel },
    ]);
    if (!answer) return;
    await call("POST", "v1/learned/take-back", { json: { day, person: person.id, origin } });
    notice(texts.feedback.takenBack);
    await again();
  };
  const button = element("button", { type: "button", onclick: () => orNotice(takeBack()) }, texts.feedback.takeBack);
  return element("li", {}, told, " ", button);
}

// What somebody said that contradicts a picture somebody gave, as a line, with the button that withdraws it.
export function contradictionLine({ id, named, contradicts }, again) {
  const name = contradicts.person?.name ?? named?.name ?? "";
  const withdraw = async () => {
    await call("DELETE", `v1/feedback/${id}`);
    notice(texts.feedback.withdrawn);
    await again();
  };
  const button = element("button", { type: "button", onclick: () => orNotice(withdraw()) }, texts.feedback.withdraw);
  return element("li", {}, texts.feedback.contradicts({ name }), " ", button);
}
