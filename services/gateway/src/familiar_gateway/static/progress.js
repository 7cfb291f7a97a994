// The progress of an enrolment: how far it is, what to do next, which directions are there, what was refused.

import { element, within } from "./dom.js";
import { texts } from "./texts.js";
import { word } from "./wording.js";

const $ = within("enrol");
const DIRECTION_WANTED = {
  turn_left: "left",
  turn_right: "right",
  look_up: "up",
  look_down: "down",
  look_straight: "straight",
};

export function showSending(files) {
  $("progress").hidden = false;
  $("state").textContent = texts.enrol.sending({ files });
}

export function hideProgress() {
  $("progress").hidden = true;
}

export function hideHint() {
  $("hint").hidden = true;
}

// `state` is an enrolment as the API shows it.
export function showProgress(state) {
  const capturing = ["open", "capturing"].includes(state.status);
  $("progress").hidden = false;
  $("bar").value = state.progress;
  $("state").textContent = capturing ? captured(state) : learned(state);
  $("hint").hidden = !capturing;
  $("hint").textContent = word(texts.advice, state.advice, state.hint ?? "");
  showDirections(state.poses, capturing ? DIRECTION_WANTED[state.advice] : null);
  showRefused(state.refused);
  $("finish").hidden = !capturing;
  $("cancel").hidden = !capturing;
}

function captured({ usable, wanted, accepted }) {
  return texts.enrol.captured({ usable: Math.min(usable, wanted), wanted, kept: accepted });
}

function learned({ status, error, warning }) {
  const text = word(texts.enrolment, status);
  const more = (error && failure(error)) || (warning && doubt(warning));
  return more ? `${text} ${more}` : text;
}

function failure({ code, message, person }) {
  return code === "too_alike" && person ? texts.enrol.tooAlike({ name: person.name }) : message;
}

function doubt({ code, message, held_out: heldOut, missed }) {
  return code === "often_missed" ? texts.enrol.oftenMissed({ heldOut, missed }) : message;
}

function showDirections(samples, wanted) {
  for (const place of $("poses").children) {
    const direction = place.dataset.pose;
    place.querySelector("b").textContent = samples[direction];
    place.classList.toggle("wanted", direction === wanted);
  }
}

function showRefused(refused) {
  const items = Object.entries(refused).map(([reason, count]) =>
    element("li", {}, texts.enrol.refused({ count, reason: word(texts.reason, reason) })),
  );
  $("refused").replaceChildren(...items);
}
