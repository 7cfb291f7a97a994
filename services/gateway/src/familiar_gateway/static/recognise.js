// Recognise: a camera in a loop, or one picture.

import { call, pause } from "./api.js";
import { Camera } from "./camera.js";
import { notice } from "./dialog.js";
import { element, within } from "./dom.js";
import { draw } from "./drawing.js";
import { detailsOf, labelOf } from "./face.js";
import { texts } from "./texts.js";
import { word } from "./wording.js";

const PACE_MS = 80;
const PACE_AFTER_ERROR_MS = 1000;
const $ = within("recognise");
const camera = new Camera();

export function setUp() {
  $("camera").addEventListener("click", () => (camera.on ? leave() : look()));
  $("file").addEventListener("change", (event) => {
    const [file] = event.target.files;
    if (file) recogniseFile(file);
    event.target.value = ""; // so that the same file can be chosen again
  });
  takeDrops($("stage"));
}

export function leave() {
  camera.stop();
  $("camera").textContent = texts.recognise.cameraOn;
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
    if (file) recogniseFile(file);
  });
}

async function look() {
  try {
    await camera.start();
  } catch (error) {
    notice(texts.recognise.noCamera({ why: error.message }));
    return;
  }
  $("camera").textContent = texts.recognise.cameraOff;
  while (camera.on) {
    const { canvas, blob } = await camera.frame();
    await recognise(blob, canvas, true);
    await pause(PACE_MS);
  }
}

async function recogniseFile(file) {
  leave();
  const picture = await createImageBitmap(file).catch(() => null);
  if (picture) await recognise(file, picture, false);
  else notice(texts.recognise.notAPicture);
}

async function recognise(blob, picture, mirrored) {
  $("empty").hidden = true;
  try {
    const type = blob.type || "application/octet-stream";
    const answer = await call("POST", "/v1/recognize", { body: blob, type });
    draw($("view"), picture, answer.faces, mirrored);
    showFaces(answer.faces);
    showFacts(answer);
  } catch (error) {
    draw($("view"), picture, [], mirrored);
    notice(error.message);
    await pause(PACE_AFTER_ERROR_MS);
  }
}

function showFaces(faces) {
  const items = faces.map((face) => {
    const label = element("strong", {}, labelOf(face));
    const details = element("small", {}, detailsOf(face));
    return element("li", { className: face.status }, label, details);
  });
  const nobody = element("li", {}, texts.recognise.noFace);
  $("faces").replaceChildren(...(items.length ? items : [nobody]));
}

function showFacts(answer) {
  const facts = [
    [texts.recognise.facesFound, answer.faces_found],
    [texts.recognise.headVersion, answer.head_version],
    [texts.recognise.backboneVersion, answer.backbone_version],
    [texts.recognise.threshold, answer.threshold.toFixed(3)],
  ];
  for (const [name, ms] of Object.entries(answer.timings_ms)) {
    facts.push([word(texts.timing, name), texts.recognise.milliseconds({ time: ms.toFixed(1) })]);
  }
  $("facts").replaceChildren(
    ...facts.flatMap(([name, value]) => [element("dt", {}, name), element("dd", {}, String(value))]),
  );
}
