// Do you know me? A camera that is looked through all the time, or one picture.

import { call, pause } from "./api.js";
import { orNotice } from "./dialog.js";
import { within, write } from "./dom.js";
import { draw } from "./drawing.js";
import { sayOf } from "./feedback.js";
import { showFigures } from "./figures.js";
import { daysKept, may } from "./session.js";
import { texts } from "./texts.js";
import { Tracks } from "./tracks.js";
import { Viewfinder } from "./viewfinder.js";
import { greetingOf } from "./words.js";

const EVERY_MS = 60; // no more frames than so many are asked about
const AT_ONCE = 2; // while one is answered, the next is on its way
const AFTER_TROUBLE_MS = 1000;
const SETTLES_MS = 900; // nobody is called unknown aloud before that has lasted
const PICTURES = /^image\//;
const $ = within("recognise");
const calm = window.matchMedia("(prefers-reduced-motion: reduce)").matches;
const tracks = new Tracks({ smooth: !calm });
const present = { width: 1, mirrored: false, still: false, number: 0, shown: 0, due: 0, answer: null };
let finder = null;

export function setUp() {
  finder = new Viewfinder("recognise", showCamera);
  $("camera").addEventListener("click", () => (finder.on ? finder.stop() : look()));
  $("file").addEventListener("change", (event) => {
    const [file] = event.target.files;
    if (file) orNotice(recogniseFile(file));
    event.target.value = ""; // so that the same file can be chosen again
  });
  $("wrong").addEventListener("click", () => orNotice(doubt()));
  takeDrops($("stage"));
  document.addEventListener("paste", (event) => {
    const file = [...(event.clipboardData?.files ?? [])].find((each) => PICTURES.test(each.type));
    if (file && !$("stage").closest("section").hidden) orNotice(recogniseFile(file));
  });
}

export function enter() {
  const days = daysKept();
  $("remembered").hidden = days === 0;
  $("remembered").textContent = texts.recognise.remembered({ days });
  greet([]);
  look();
}

export function leave() {
  finder.stop();
  clear();
}

function takeDrops(stage) {
  stage.addEventListener("dragover", (event) => {
    event.preventDefault();
    stage.classList.add("over");
  });
  stage.addEventListener("dragleave", () => stage.classList.remove("over"));
  stage.addEventListener("drop", (event) => {
    event.preventDefault();
    stage.classList.remove("over");
    const [file] = event.dataTransfer.files;
    if (file) orNotice(recogniseFile(file));
  });
}

// Whatever turned the camera on or off, this is how it is now.
function showCamera() {
  const { on } = finder;
  $("camera").textContent = on ? texts.camera.turnOff : texts.camera.turnOn;
  $("camera").classList.toggle("primary", !on);
  $("video").hidden = !on;
  $("empty").hidden = on || present.still;
  if (!(on || present.still)) clear();
}

function clear() {
  tracks.clear();
  present.still = false;
  present.number += 1; // what is under way is for nobody any more
  present.shown = present.number;
  $("still").hidden = true;
  $("empty").hidden = finder.on;
  draw($("overlay"), [], 1, false);
  showFigures(null);
  $("door").hidden = true;
  $("wrong").hidden = true;
  present.answer = null;
}

// Asks about whoever was named last; what is asked about is what was shown when the button was pressed.
async function doubt() {
  const { request_id, faces } = present.answer ?? { faces: [] };
  const face = faces.findIndex(({ status }) => status === "known");
  if (face >= 0) await sayOf({ request_id, face }, faces[face].person);
}

async function look() {
  clear();
  if (!(await finder.start())) return;
  const stream = finder.camera.stream;
  requestAnimationFrame((time) => animate(stream, time));
  for (let count = 0; count < AT_ONCE; count += 1) askOn(stream);
}

const isCurrent = (stream) => finder.camera.stream === stream;

// Draws what is known on each picture of the screen.
function animate(stream, before) {
  requestAnimationFrame((now) => {
    if (!isCurrent(stream)) return;
    const { videoWidth, videoHeight } = $("video");
    shape(videoWidth, videoHeight);
    const shown = tracks.move(now - before, now);
    draw($("overlay"), shown, present.width, finder.camera.mirrored);
    greet(shown, now);
    animate(stream, now);
  });
}

// Asks about one frame after another, until the camera is turned off or is another one.
async function askOn(stream) {
  while (isCurrent(stream)) {
    const now = performance.now();
    const wait = document.hidden ? AFTER_TROUBLE_MS : present.due - now;
    if (wait > 0) {
      await pause(wait);
      continue;
    }
    present.due = now + EVERY_MS;
    await askAboutOne(stream);
  }
}

async function askAboutOne(stream) {
  present.number += 1;
  const { number } = present;
  const frame = await finder.frame();
  if (!(frame && isCurrent(stream))) return;
  try {
    const answer = await recognise(frame.blob);
    if (!isCurrent(stream) || number < present.shown) return; // a later frame was answered before
    present.shown = number;
    present.answer = answer;
    present.width = frame.width;
    tracks.update(answer.faces, performance.now());
    showFigures(answer);
    trouble("");
  } catch (error) {
    if (!isCurrent(stream)) return;
    trouble(error.message);
    await pause(error.waitMs || AFTER_TROUBLE_MS);
  }
}

const recognise = (blob) =>
  call("POST", "v1/recognize", { body: blob, type: blob.type || "application/octet-stream", patience: 1 });

async function recogniseFile(file) {
  finder.stop();
  clear();
  const { number } = present;
  const picture = await read(file);
  if (number !== present.number) return; // another picture was chosen meanwhile, or the camera turned on
  if (!picture) throw new Error(texts.recognise.notAPicture);
  present.still = true;
  const { naturalWidth: width, naturalHeight: height } = picture;
  shape(width, height);
  const still = $("still");
  still.width = width;
  still.height = height;
  still.getContext("2d").drawImage(picture, 0, 0);
  still.hidden = false;
  $("empty").hidden = true;
  trouble("");
  const { faces, ...answer } = await call("POST", "v1/recognize", { body: file, type: file.type });
  if (number !== present.number) return;
  const shown = faces.map((face) => ({ box: face.box, face, since: 0 }));
  draw($("overlay"), shown, width, false);
  present.answer = { faces, ...answer };
  showFigures(present.answer);
  greet(shown, SETTLES_MS);
}

// Resolves to the picture in a file, null if it cannot be shown.
function read(file) {
  const picture = new Image();
  const address = URL.createObjectURL(file);
  return new Promise((resolve) => {
    picture.onload = () => resolve(picture);
    picture.onerror = () => resolve(null);
    picture.src = address;
  }).finally(() => URL.revokeObjectURL(address));
}

function shape(width, height) {
  if (width) $("stage").style.setProperty("--ratio", String(width / height));
}

function trouble(text) {
  $("trouble").hidden = !text;
  write($("trouble"), text);
}

function greet(shown, now = 0) {
  const settled = shown.filter(({ face, since }) => face.status === "known" || now - since >= SETTLES_MS);
  if (shown.length && !settled.length) return; // it may be somebody known at the next look
  const { look: state, said, more } = greetingOf(settled.map(({ face }) => face));
  $("answer").className = `answer ${state}`;
  write($("said"), said);
  write($("more"), more);
  $("wrong").hidden = !(daysKept() && may("sightings") && settled.some(({ face }) => face.status === "known"));
  $("door").hidden = state !== "unknown" || !may("enroll");
}
