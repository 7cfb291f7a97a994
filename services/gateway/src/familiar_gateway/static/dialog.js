// Dialogs: a notice that goes away by itself, and a question that waits for an answer.

import { $, element } from "./dom.js";

const NOTICE_MS = 6000;
let noticeEnd = null;

export function notice(text) {
  const place = $("notice");
  place.textContent = text;
  place.hidden = false;
  clearTimeout(noticeEnd);
  noticeEnd = setTimeout(() => {
    place.hidden = true;
  }, NOTICE_MS);
}

// Waits for some work, and shows its error, if it ends in one, instead of passing it on.
export const orNotice = (work) => work.catch((error) => notice(error.message));

// Asks a question. `answers` is a list of {value, label, look}; resolves to the value chosen, null if none was.
export function ask(text, answers) {
  const dialog = $("question");
  const buttons = answers.map(({ value, label, look = "" }) => element("button", { value, className: look }, label));
  $("question-text").textContent = text;
  $("question-answers").replaceChildren(...buttons);
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue || null), { once: true });
  });
}
