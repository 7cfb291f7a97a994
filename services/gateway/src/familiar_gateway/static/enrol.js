// Get to know me: consent, a name, the live face or files, the learning, a greeting. One step is shown at a time.

import { call, newKey } from "./api.js";
import { capture } from "./capture.js";
import { agreedTo, showConsent } from "./consent.js";
import { isAsking, notice, orNotice } from "./dialog.js";
import { element, within } from "./dom.js";
import { greet } from "./greeting.js";
import { forgetUnlearned, watch } from "./learning.js";
import { Progress } from "./progress.js";
import { answerTo, choicesAfter } from "./questions.js";
import { may } from "./session.js";
import { areOn, play, turn } from "./sounds.js";
import { texts } from "./texts.js";
import { Viewfinder } from "./viewfinder.js";
import { word } from "./wording.js";

const $ = within("enrol");
let finder = null;
let progress = null;
// What is asked for: fields of the request that opens an enrolment.
let wish = {};
// The enrolment that is open: {id, way, files, closed, enough, stop}; `closed`: it takes no more frames; `enough`: it
// should go on with those there are; `stop` ends what is under way.
let current = null;
// Enrolments of the person that failed, one after the other.
let failed = [];
// Files that were too few, to which others are added.
let kept = [];

export function setUp() {
  finder = new Viewfinder("enrol", () => {
    if (!finder.on && $("video").closest("[data-step]").hidden === false && current?.way === "camera") orNotice(lost());
  });
  progress = new Progress();
  $("agree").addEventListener("click", () => agree());
  $("form").addEventListener("submit", (event) => {
    event.preventDefault();
    begin("camera");
  });
  $("files").addEventListener("change", (event) => {
    const files = [...event.target.files];
    event.target.value = ""; // so that the same files can be chosen again
    if (files.length && $("form").reportValidity()) begin("files", [...kept, ...files]);
  });
  $("finish").addEventListener("click", () => {
    if (current) current.enough = true;
  });
  $("cancel").addEventListener("click", () => orNotice(giveUp()));
  $("sound").addEventListener("click", () => {
    turn(!areOn());
    showSound();
  });
  window.addEventListener("pagehide", withdrawAtOnce);
  showSound();
}

// `personId` is somebody enrolled of whom more pictures are wanted.
export async function enter(personId) {
  wish = {};
  kept = [];
  failed = [];
  $("name").value = "";
  $("name-field").hidden = Boolean(personId);
  $("name").required = !personId;
  $("name-title").textContent = texts.enrol.nameTitle;
  showConsent();
  go("consent");
  if (!personId) return;
  const { name } = await call("GET", `v1/people/${personId}`);
  wish = { person_id: personId };
  $("name-title").textContent = texts.enrol.moreOf({ name });
}

export function leave() {
  finder.stop();
  if (current && !current.closed) orNotice(giveUp());
  current = null;
}

function go(step) {
  for (const each of $("form").parentElement.children) each.hidden = each.dataset.step !== step;
  const place = document.querySelector(`#enrol [data-step="${step}"]`);
  if (step === "name" && !$("name-field").hidden) $("name").focus();
  else place.querySelector("h1").focus({ preventScroll: true });
  if (step !== "capture") window.scrollTo(0, 0);
}

function showSound() {
  $("sound").setAttribute("aria-pressed", String(areOn()));
}

function agree() {
  wish.consent = agreedTo();
  go("name");
}

async function begin(way, files = []) {
  if (!wish.person_id) wish.name = $("name").value;
  const enrollment = { way, files, closed: false, enough: false, stop: new AbortController() };
  current = enrollment;
  try {
    const state = await (way === "camera" ? fromCamera(enrollment) : fromFiles(enrollment));
    if (state && current === enrollment) await learn(enrollment, state);
  } catch (error) {
    if (current !== enrollment) return; // given up meanwhile
    await giveUp();
    notice(error.message);
  }
}

// Tries until there is an answer, or nobody wants one any more; what was answered to a question holds from then on.
// Resolves to null if it was given up, to {next} if something else is to be done first.
async function insist(attempt, way, fields) {
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      const answer = await answerTo(error, way);
      if (!answer || answer.next) return answer;
      Object.assign(fields, answer.fields);
    }
  }
}

async function fromCamera(enrollment) {
  if (!(await finder.start())) return stay("name");
  const { consent, name, person_id, allow_same_name } = wish;
  const asked = { consent, name, person_id, allow_same_name };
  const opening = () => call("POST", "v1/enrollments", { json: asked, key: newKey() });
  const opened = await insist(opening, "camera", asked);
  if (!opened?.id) return stay("name");
  if (current !== enrollment) return null;
  Object.assign(wish, asked);
  enrollment.id = opened.id;
  progress.begin(opened, finder);
  go("capture");
  return collect(enrollment);
}

async function collect(enrollment) {
  await capture(enrollment.id, finder, {
    enough: () => enrollment.enough,
    told: (state, newer) => current === enrollment && progress.show(state, newer),
    signal: enrollment.stop.signal,
  });
  if (current !== enrollment || !(finder.on || enrollment.enough)) return null;
  progress.full();
  const fields = { if_known: "ask" };
  const finishing = () => call("POST", `v1/enrollments/${enrollment.id}/finish`, { json: fields });
  const finished = await insist(finishing, "camera", fields);
  enrollment.enough = false;
  if (finished?.next === "more") return collect(enrollment);
  if (!finished) await giveUp();
  return finished;
}

async function fromFiles(enrollment) {
  const fields = { ...wish };
  kept = [];
  const sending = () => {
    progress.sending(enrollment.files.length);
    go("learning");
    return call("POST", "v1/enroll", { body: formOf(enrollment.files, fields) });
  };
  const state = await insist(sending, "files", fields);
  if (state?.next === "camera") {
    current = null;
    begin("camera");
    return null;
  }
  if (state?.next === "files") kept = enrollment.files;
  if (!state?.id) return stay("name", state?.next === "files");
  if (state.cut_off) notice(texts.enrol.cutOff({ frames: state.frames.length }));
  enrollment.id = state.id;
  return state;
}

function formOf(files, fields) {
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) {
    if (value !== undefined) form.append(name, String(value));
  }
  for (const file of files) form.append("frames", file, file.name);
  return form;
}

// Goes back to a step; nothing is open any more. Resolves to nothing.
function stay(step, chooseFiles = false) {
  current = null;
  finder.stop();
  go(step);
  if (chooseFiles) $("files").click();
  return null;
}

async function learn(enrollment, state) {
  enrollment.closed = true;
  enrollment.id = state.id;
  go("learning");
  const last = await watch(state.id, (each) => current === enrollment && progress.learn(each));
  if (current !== enrollment) return;
  if (last?.status === "live") await welcome(last);
  else explain(enrollment, last);
}

async function welcome(state) {
  const { name, id } = state.person;
  const looks = finder.on && may("recognize");
  const portrait = looks ? await greet(id, finder) : null;
  const unseen = looks && finder.on && !portrait;
  finder.stop();
  const doubt = state.warning ? texts.enrol.oftenMissed(state.warning) : "";
  const trying = element("a", { className: "button large primary", href: "#recognise" }, texts.enrol.tryIt);
  const another = element(
    "button",
    { type: "button", className: "large", onclick: () => enter() },
    texts.enrol.another,
  );
  end({
    title: texts.enrol.greeting({ name }),
    text: doubt || (unseen ? texts.enrol.notSeenYet : texts.enrol.knowYouNow),
    choices: may("recognize") ? [trying, another] : [another],
    portrait,
  });
  play("done");
}

function explain(enrollment, state) {
  if (!state?.error) {
    end({ title: texts.enrol.gone, text: "", choices: [] });
    return;
  }
  const { code, message, person } = state.error;
  const alike = code === "too_alike" && person;
  const choices = choicesAfter(state).map(({ value, label, look = "" }) =>
    element(
      "button",
      { type: "button", className: `large ${look}`, onclick: () => orNotice(goOn(value, enrollment, state)) },
      label,
    ),
  );
  finder.stop();
  play("wrong");
  end({
    title: texts.enrolment.failed,
    text: alike ? texts.enrol.tooAlike({ name: person.name }) : word(texts.problem, code, message),
    choices,
  });
}

// After a failure: the same again, the same for the person it is too like, or nothing is kept.
async function goOn(choice, enrollment, { id, person, error }) {
  current = null;
  const { consent } = wish;
  failed.push(id);
  if (choice === "again") {
    wish = { consent, person_id: person.id };
  } else {
    await forgetUnlearned(failed);
    failed = [];
    if (choice === "add") wish = { consent, person_id: error.person.id };
  }
  if (!choice) window.location.hash = "home";
  else if (enrollment.way === "files" && choice === "add") await begin("files", enrollment.files);
  else if (enrollment.way === "files") go("name");
  else await begin("camera");
}

function end({ title, text, choices, portrait = null }) {
  $("greeting").textContent = title;
  $("ending").textContent = text;
  $("choices").replaceChildren(...choices);
  $("portrait").hidden = !portrait;
  $("portrait").replaceChildren(...(portrait ? [portrait] : []));
  go("end");
}

// The camera went off under our hands: why is said where it can be turned on again.
async function lost() {
  if (isAsking() || current.closed) return;
  await giveUp();
}

async function giveUp() {
  const enrollment = current;
  current = null;
  enrollment?.stop.abort();
  finder.stop();
  go("name");
  if (!enrollment?.id || enrollment.closed) return;
  await call("DELETE", `v1/enrollments/${enrollment.id}`).catch(() => {}); // or it is given up for us after a while
}

// Whoever closes the page leaves nothing open.
function withdrawAtOnce() {
  if (!current?.id || current.closed) return;
  call("DELETE", `v1/enrollments/${current.id}`, { patience: 1, keepalive: true });
}
