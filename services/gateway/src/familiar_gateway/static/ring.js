// The ring around a live face: its sectors fill as the head turns.

import { shape } from "./dom.js";

const SECTORS = 24;
const GAP = 0.18; // of a sector
const RADIUS = 92;
const ENOUGH = 2; // frames that fill a sector
const FULL_TURN = 2 * Math.PI;
// A head turned so far from where it is level looks aside, as the server counts it (familiar.direction).
const TURNED_DEG = 12;
const TILTED_DEG = 8;
const LEVEL_PITCH_DEG = -5;
const MARK = { radius: 5, reach: 70, furthest: 1.15 };
// Where a person who sees themselves in a mirror is asked to look: angles from the right, counted as the clock goes.
const TOWARDS = { turn_right: 0, look_down: 0.25, turn_left: 0.5, look_up: 0.75 };
const QUARTER = 0.125;

export class Ring {
  constructor(drawing) {
    this.sectors = Array.from({ length: SECTORS }, (_, index) => shape("path", { d: arc(index) }));
    this.mark = shape("circle", { r: MARK.radius });
    drawing.replaceChildren(...this.sectors, this.mark);
    this.clear();
  }

  clear() {
    this.filled = this.sectors.map(() => 0);
    for (const sector of this.sectors) sector.setAttribute("class", "");
    this.point(0, 0);
  }

  // Takes where a head was turned, in degrees, its own left and up being more than 0; returns whether a sector is new.
  // `mirrored` tells whether the person sees themselves as in a mirror, and `counts` whether the frame was any good.
  turn({ yaw_deg, pitch_deg }, { mirrored, counts }) {
    const across = ((mirrored ? -1 : 1) * yaw_deg) / TURNED_DEG;
    const down = (LEVEL_PITCH_DEG - pitch_deg) / TILTED_DEG;
    this.point(across, down);
    if (!counts || Math.hypot(across, down) < 1) return false;
    const index = Math.round((Math.atan2(down, across) / FULL_TURN) * SECTORS + SECTORS) % SECTORS;
    const before = this.filled[index];
    for (const near of [-1, 0, 1]) this.fill((index + near + SECTORS) % SECTORS, near === 0 ? ENOUGH : 1);
    return before < ENOUGH;
  }

  // Shows which part is wanted next; `advice` is a word of the API.
  want(advice) {
    const towards = TOWARDS[advice];
    this.sectors.forEach((sector, index) => {
      const far = Math.abs(((index / SECTORS - towards + 1.5) % 1) - 0.5);
      sector.classList.toggle("wanted", towards !== undefined && far < QUARTER);
    });
  }

  fillAll() {
    for (let index = 0; index < SECTORS; index += 1) this.fill(index, ENOUGH);
  }

  fill(index, by) {
    this.filled[index] += by;
    this.sectors[index].classList.toggle("full", this.filled[index] >= ENOUGH);
    this.sectors[index].classList.add("some");
  }

  point(across, down) {
    const far = Math.max(1, Math.hypot(across, down) / MARK.furthest);
    const at = [across, down].map((way) => ((way / far) * MARK.reach).toFixed(1));
    this.mark.setAttribute("transform", `translate(${at.join()})`);
  }
}

function arc(index) {
  const [from, to] = [index - 0.5 + GAP, index + 0.5 - GAP].map((place) => {
    const angle = (place / SECTORS) * FULL_TURN;
    return [Math.cos(angle), Math.sin(angle)].map((way) => (way * RADIUS).toFixed(2)).join();
  });
  return `M${from}A${RADIUS},${RADIUS},0,0,1,${to}`;
}
