// The progress of an enrolment: what to do next, how the ring fills, how far it is.

import { within, write } from "./dom.js";
import { Ring } from "./ring.js";
import { play } from "./sounds.js";
import { texts } from "./texts.js";
import { word } from "./wording.js";

const STAYS_MS = 1100; // an instruction is shown at least so long
const USABLE_TOO = "near_copy"; // it adds nothing to learn from, and shows the head all the same
const $ = within("enrol");

export class Progress {
  // `state` is an enrolment that was just opened.
  begin(state, finder) {
    this.ring = new Ring($("sectors"));
    this.finder = finder;
    this.said = { advice: null, until: 0 };
    $("finish").hidden = true;
    $("video").classList.toggle("mirrored", finder.camera.mirrored);
    this.show({ ...state, frames: [] }, true);
  }

  // `state` is what was answered to some frames; `newer`: no later one has been answered yet.
  show(state, newer) {
    for (const frame of state.frames) this.turn(frame);
    if (!newer) return;
    const usable = Math.min(state.usable, state.wanted);
    $("bar").value = usable / state.wanted;
    write($("count"), texts.enrol.captured({ usable, wanted: state.wanted }));
    $("finish").hidden = state.accepted === 0;
    this.advise(state.advice);
  }

  turn({ accepted, reasons, quality }) {
    if (!quality) return;
    const counts = accepted || reasons.every((reason) => reason === USABLE_TOO);
    const { mirrored } = this.finder.camera;
    if (this.ring.turn(quality, { mirrored, counts })) play("step");
  }

  // One instruction at a time, long enough to be read.
  advise(advice) {
    const now = performance.now();
    if (!advice || advice === this.said.advice || (now < this.said.until && advice !== "finish")) return;
    if (this.said.advice) play("turn");
    this.said = { advice, until: now + STAYS_MS };
    write($("hint"), word(texts.advice, advice));
    this.ring.want(advice);
  }

  full() {
    this.ring.fillAll();
    this.ring.want(null);
    play("done");
  }

  sending(files) {
    write($("state"), texts.enrol.sending({ files }));
    $("learned").removeAttribute("value");
  }

  // `state` is an enrolment that is being learned; its first half was the capture.
  learn(state) {
    write($("state"), word(texts.enrolment, state.status));
    $("learned").value = 2 * state.progress - 1;
  }
}
