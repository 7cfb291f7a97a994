// Recognise: a camera in a loop, or one picture.

import { call, element, notice, pause } from "./api.js";
import { Camera, draw, label } from "./view.js";

const PACE_MS = 80;
const $ = (id) => document.getElementById(`recognise-${id}`);
const camera = new Camera();

export function setUp() {
  $("camera").addEventListener("click", () => (camera.on ? leave() : look()));
  $("file").addEventListener("change", (event) => { if (event.target.files[0]) show(event.target.files[0]); event.target.value = ""; });
  const stage = $("stage");
  stage.addEventListener("dragover", (event) => { event.preventDefault(); stage.classList.add("over"); });
  stage.addEventListener("dragleave", () => stage.classList.remove("over"));
  stage.addEventListener("drop", (event) => {
    event.preventDefault();
    stage.classList.remove("over");
    if (event.dataTransfer.files[0]) show(event.dataTransfer.files[0]);
  });
}

export function leave() {
  camera.stop();
  $("camera").textContent = "Turn the camera on";
}

async function look() {
  try {
    await camera.start();
  } catch (error) {
    notice(`No camera: ${error.message}`);
    return;
  }
  $("camera").textContent = "Turn the camera off";
  while (camera.on) {
    const { canvas, blob } = await camera.frame();
    await recognise(blob, canvas, true);
    await pause(PACE_MS);
  }
}

export async function show(file) {
  leave();
  let picture;
  try {
    picture = await createImageBitmap(file);
  } catch {
    notice("This file is not a picture that can be shown.");
    return;
  }
  await recognise(file, picture, false);
}

async function recognise(blob, picture, mirrored) {
  $("empty").hidden = true;
  try {
    const answer = await call("POST", "/v1/recognize", { body: blob, type: blob.type || "application/octet-stream" });
    draw($("view"), picture, answer.faces, mirrored);
    tell(answer);
  } catch (error) {
    draw($("view"), picture, [], mirrored);
    notice(error.message);
    await pause(1000);
  }
}

function tell(answer) {
  const faces = answer.faces.map((face) => {
    const others = face.candidates.slice(face.status === "known" ? 1 : 0, 3).map((each) => `${each.person.name} ${each.score.toFixed(2)}`);
    const line = [face.status === "known" ? `score ${face.score.toFixed(2)}` : face.status, others.length ? `closest: ${others.join(", ")}` : ""];
    return element("li", { className: face.status }, element("strong", {}, label(face)), element("small", {}, line.filter(Boolean).join(" · ")));
  });
  $("faces").replaceChildren(...(faces.length ? faces : [element("li", {}, "no face in sight")]));
  const facts = { "head version": answer.head_version, "backbone version": answer.backbone_version, threshold: answer.threshold.toFixed(3), ...Object.fromEntries(Object.entries(answer.timings_ms).map(([stage, ms]) => [stage, `${ms.toFixed(1)} ms`])) };
  $("facts").replaceChildren(...Object.entries(facts).flatMap(([name, value]) => [element("dt", {}, name), element("dd", {}, String(value))]));
}
