// Dialogs: a notice that goes away by itself, and a question that waits for an answer.

import { $, element } from "./dom.js";

const NOTICE_MS = 8000;
let noticeEnd = null;
let answer = null; // ends the question that is open

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

export const isAsking = () => answer !== null;

// Asks a question. `answers` is a list of {value, label, look}; resolves to the value chosen, "" if none was. The first
// one is chosen by Enter, too.
export async function ask(text, answers) {
  const { value } = await open(text, answers, null);
  return value;
}

// Asks for a text, which begins as `before`; resolves to it, "" if none was given.
export async function askFor(text, before, answers) {
  const { value, typed } = await open(text, answers, before);
  return value ? typed.trim() : "";
}

function open(text, answers, before) {
  answer?.({ value: "", typed: "" });
  const dialog = $("question");
  $("question-text").textContent = text;
  $("question-field").hidden = before === null;
  const input = $("question-input");
  input.value = before ?? "";
  input.setAttribute("aria-label", text);
  return new Promise((resolve) => {
    const back = document.activeElement;
    answer = (given) => {
      answer = null;
      hide(dialog);
      back?.focus?.();
      resolve(given);
    };
    const choose = (value) => answer?.({ value, typed: input.value });
    $("question-answers").replaceChildren(...answers.map((each) => button(each, choose)));
    $("question-form").onsubmit = (event) => {
      event.preventDefault();
      choose(answers[0].value);
    };
    dialog.oncancel = (event) => {
      event.preventDefault();
      choose("");
    };
    show(dialog);
    if (before === null) harmless($("question-answers")).focus();
    else input.select();
  });
}

const harmless = (answers) => answers.querySelector(":not(.danger)");

function button({ value, label, look = "" }, choose) {
  return element("button", { type: "button", className: look, onclick: () => choose(value) }, label);
}

// Safari has dialogs from 15.4 on.
function show(dialog) {
  if (dialog.showModal) {
    dialog.showModal();
    return;
  }
  dialog.setAttribute("open", "");
  dialog.setAttribute("role", "dialog");
  dialog.onkeydown = (event) => {
    if (event.key === "Escape") dialog.oncancel(event);
  };
}

function hide(dialog) {
  if (dialog.close) dialog.close();
  else dialog.removeAttribute("open");
}
