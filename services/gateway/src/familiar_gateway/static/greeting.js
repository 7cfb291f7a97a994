// The greeting at the end: whoever was just learned is recognised by the camera, and shown as it saw them.

import { call, pause } from "./api.js";

const LOOKS_FOR_MS = 8000;
const WAITS_FOR_A_LOOK_MS = 1500; // for one straight into the camera
const STRAIGHT_DEG = 8;
const PAUSE_MS = 150;
const MARGIN = 0.35; // around the face, in heights of it

// Resolves to a picture of the person, a canvas, as soon as the camera knows them; null if it does not in some seconds.
export async function greet(personId, finder) {
  const begun = performance.now();
  let picture = null;
  while (finder.on && performance.now() - begun < (picture ? WAITS_FOR_A_LOOK_MS : LOOKS_FOR_MS)) {
    const frame = await finder.frame();
    if (!frame) break;
    const face = await find(personId, frame.blob);
    if (face) picture = portrait(finder, face.box);
    if (face && Math.abs(face.quality.yaw_deg) < STRAIGHT_DEG) break;
    await pause(PAUSE_MS);
  }
  return picture;
}

async function find(personId, body) {
  const answer = await call("POST", "v1/recognize", { body, type: body.type, patience: 1 }).catch(() => null);
  return answer?.faces.find((face) => face.person?.id === personId);
}

// The face cut out of the frame that was recognised, which is still on the camera's canvas.
function portrait({ camera }, { x_min, y_min, x_max, y_max }) {
  const side = (y_max - y_min) * (1 + 2 * MARGIN);
  const [left, top] = [(x_min + x_max - side) / 2, (y_min + y_max - side) / 2];
  const cut = document.createElement("canvas");
  cut.width = 320;
  cut.height = 320;
  const pen = cut.getContext("2d");
  if (camera.mirrored) pen.setTransform(-1, 0, 0, 1, cut.width, 0);
  pen.drawImage(camera.canvas, left, top, side, side, 0, 0, cut.width, cut.height);
  return cut;
}
