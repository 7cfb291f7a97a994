// Sounds: who turns the head aside does not see the screen, and hears how it goes.

import { keep, recall } from "./dom.js";

const CHOICE = "sounds";
const TUNES = { step: [660], turn: [520, 780], done: [523, 659, 784, 1047], wrong: [240] };
const NOTE_S = 0.13;
const LOUD = 0.08;
let on = recall(CHOICE) !== "off";
let context = null;

export const areOn = () => on;

export function turn(value) {
  on = value;
  keep(CHOICE, on ? "on" : "off");
  if (on) play("step");
}

// A browser lets a page be heard once somebody has pressed something.
export function play(name) {
  if (!on) return;
  const Sounding = window.AudioContext;
  if (!Sounding) return;
  context ??= new Sounding();
  if (context.state === "suspended") context.resume();
  TUNES[name].forEach((hertz, index) => {
    note(hertz, context.currentTime + index * NOTE_S);
  });
}

function note(hertz, at) {
  const tone = context.createOscillator();
  const gain = context.createGain();
  tone.frequency.value = hertz;
  gain.gain.setValueAtTime(LOUD, at);
  gain.gain.exponentialRampToValueAtTime(0.001, at + NOTE_S);
  tone.connect(gain).connect(context.destination);
  tone.start(at);
  tone.stop(at + NOTE_S);
}
