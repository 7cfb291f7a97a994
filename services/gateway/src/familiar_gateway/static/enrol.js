// Enrol: live before the camera with advice, or from files; then watch it being learned.

import { ApiError, call, newKey } from "./api.js";
import { Camera } from "./camera.js";
import { notice } from "./dialog.js";
import { within } from "./dom.js";
import { draw } from "./drawing.js";
import { hideHint, hideProgress, showProgress, showSending } from "./progress.js";
import { askWhetherOther, askWhetherSame, QUESTIONS } from "./questions.js";
import { texts } from "./texts.js";

const FRAMES_A_REQUEST = 3;
// Whoever enrols sits before the camera; a larger frame would only take longer on its way.
const SIDE_PX = 640;
const $ = within("enrol");
const camera = new Camera();
// The enrolment that is shown: {id, enough, closed}. `enough`: finish with the frames there are; `closed`: it takes no
// more of them.
let current = null;

export function setUp() {
  $("form").addEventListener("submit", (event) => {
    event.preventDefault();
    capture();
  });
  $("files").addEventListener("change", (event) => {
    const files = [...event.target.files];
    event.target.value = ""; // so that the same files can be chosen again
    if (files.length) upload(files);
  });
  $("finish").addEventListener("click", () => {
    if (current) current.enough = true;
  });
  $("cancel").addEventListener("click", giveUp);
}

export function leave() {
  camera.stop();
  giveUpCapture();
}

async function capture() {
  const opened = await openOrNotice({ name: $("name").value });
  if (!opened) return;
  await giveUpCapture();
  const enrollment = { id: opened.id, enough: false, closed: false };
  current = enrollment;
  try {
    await camera.start();
    $("empty").hidden = true;
    showProgress(opened);
    await collect(enrollment);
  } catch (error) {
    if (current !== enrollment) return; // given up meanwhile
    notice(error.message);
    await giveUp();
  } finally {
    if (current === enrollment) {
      camera.stop();
      hideHint();
    }
  }
}

async function openOrNotice(body) {
  try {
    return await open(body);
  } catch (error) {
    notice(error.message);
    return null;
  }
}

async function open(body) {
  try {
    return await call("POST", "/v1/enrollments", { json: body, key: newKey() });
  } catch (error) {
    if (error.code !== "name_taken") throw error;
    const [person] = error.details.people;
    const answer = await askWhetherSame(person.name);
    if (answer === "same") return open({ person_id: person.id });
    return answer === "other" ? open({ ...body, allow_same_name: true }) : null;
  }
}

async function collect(enrollment) {
  while (current === enrollment && camera.on) {
    const body = await takeFrames();
    const state = await call("POST", `/v1/enrollments/${enrollment.id}/frames`, { body });
    if (current !== enrollment) return;
    showProgress(state);
    if (state.advice === "finish" || enrollment.enough) {
      enrollment.enough = false;
      camera.stop();
      await finish(enrollment);
      return;
    }
  }
}

async function takeFrames() {
  const form = new FormData();
  for (let count = 0; count < FRAMES_A_REQUEST; count += 1) {
    const { canvas, blob } = await camera.frame(SIDE_PX);
    draw($("view"), canvas, [], true);
    form.append("frames", blob, "frame.jpg");
    await new Promise(requestAnimationFrame);
  }
  return form;
}

// `answers` are fields of the request that questions were answered with.
async function finish(enrollment, answers = {}) {
  try {
    const state = await call("POST", `/v1/enrollments/${enrollment.id}/finish`, { json: answers });
    showProgress(state);
    enrollment.closed = true;
    watch(enrollment.id);
  } catch (error) {
    const answer = await answerTo(error);
    if (answer === undefined) throw error;
    await (answer ? finish(enrollment, { ...answers, ...answer }) : giveUp());
  }
}

async function upload(files, answers = {}) {
  await giveUpCapture();
  showSending(files.length);
  const name = $("name").value;
  try {
    const state = await call("POST", "/v1/enroll", { body: formOf(files, { name, ...answers }) });
    current = { id: state.id, closed: true };
    showProgress(state);
    if (state.cut_off) notice(texts.enrol.cutOff({ frames: state.frames.length }));
    watch(state.id);
  } catch (error) {
    hideProgress();
    const answer = await answerToUpload(error, name);
    if (answer) await upload(files, { ...answers, ...answer });
  }
}

function formOf(files, fields) {
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) form.append(name, value);
  for (const file of files) form.append("frames", file, file.name);
  return form;
}

// Resolves to the fields to try again with, null if there are none, undefined if the error asks nothing.
async function answerTo(error) {
  if (!Object.hasOwn(QUESTIONS, error.code)) return undefined;
  const { field, askFor } = QUESTIONS[error.code];
  const answer = await askFor(error);
  return answer && { [field]: answer };
}

async function answerToUpload(error, name) {
  if (error.code === "name_taken") {
    const answer = await askWhetherOther(name);
    return answer && { allow_same_name: "true" };
  }
  const answer = await answerTo(error);
  if (answer === undefined) notice(error.message);
  return answer;
}

function watch(id) {
  const events = new EventSource(`/v1/enrollments/${id}/events`);
  events.addEventListener("state", (event) => {
    const state = JSON.parse(event.data);
    if (current?.id === id) showProgress(state);
    if (["live", "failed"].includes(state.status)) events.close();
  });
  events.addEventListener("deleted", () => events.close());
}

// Whatever begins next must not leave the camera on, nor a capture open that nobody sees any more.
async function giveUpCapture() {
  if (current && !current.closed) await giveUp();
}

async function giveUp() {
  const enrollment = current;
  current = null;
  camera.stop();
  hideProgress();
  hideHint();
  $("empty").hidden = false;
  if (!enrollment || enrollment.closed) return;
  try {
    await call("DELETE", `/v1/enrollments/${enrollment.id}`);
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
  }
}
