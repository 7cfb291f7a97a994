// Capture: frames are sent while the next ones are taken, until the server has enough of them.

import { call, pause } from "./api.js";

const EVERY_MS = 80;
const FRAMES_A_REQUEST = 3;
const AT_ONCE = 3; // requests under way
// Whoever enrols sits before the camera; a larger frame would only take longer on its way.
const SIDE_PX = 640;
const PATIENCE = 12; // tries of one request while the server is busy

// Takes and sends frames until there are enough, `enough()` says so, or `signal` ends it. `told` is called with each
// newer state of the enrolment, which tells what was said of the frames; resolves when all has been answered.
export async function capture(id, finder, { enough, told, signal }) {
  const under = new Set();
  const present = { received: -1, full: false, failed: null };
  const goesOn = () => finder.on && !(present.full || present.failed || signal.aborted || enough());
  while (goesOn()) {
    const form = await take(finder, goesOn);
    if (!form) break;
    const sending = send(id, form, signal).then(
      (state) => answered(state, present, told),
      (error) => refused(error, present),
    );
    under.add(sending);
    sending.finally(() => under.delete(sending));
    if (under.size >= AT_ONCE) await Promise.race(under);
  }
  await Promise.all(under);
  if (present.failed) throw present.failed;
}

const send = (id, body, signal) => call("POST", `v1/enrollments/${id}/frames`, { body, signal, patience: PATIENCE });

// Answers may overtake each other; the one that has seen more frames is the newer one.
function answered(state, present, told) {
  const newer = state.received > present.received;
  present.received = Math.max(present.received, state.received);
  present.full ||= state.advice === "finish";
  told(state, newer);
}

function refused(error, present) {
  if (error.code === "capture_full") present.full = true;
  else present.failed ??= error;
}

// Resolves to a form of some frames; null if the camera went off before there was one.
async function take(finder, goesOn) {
  const form = new FormData();
  let count = 0;
  while (count < FRAMES_A_REQUEST && goesOn()) {
    const due = performance.now() + EVERY_MS;
    const frame = await finder.frame(SIDE_PX);
    if (!frame) break;
    form.append("frames", frame.blob, "frame.jpg");
    count += 1;
    await pause(Math.max(0, due - performance.now()));
  }
  return count ? form : null;
}
