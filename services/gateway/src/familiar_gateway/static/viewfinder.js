// A viewfinder: a camera with what stands around it, which one it is, and what is the matter with it.

import { Camera, list } from "./camera.js";
import { element, keep, recall, within } from "./dom.js";
import { texts } from "./texts.js";
import { word } from "./wording.js";

const CHOICE = "camera";

export class Viewfinder {
  // `part` is the part of the page it stands in; `changed` is called when the camera goes on or off, whoever did it.
  constructor(part, changed) {
    this.$ = within(part);
    this.changed = changed;
    this.camera = new Camera(this.$("video"), (kind) => this.lost(kind));
    this.$("cameras").addEventListener("change", () => this.choose(this.$("cameras").value));
    navigator.mediaDevices?.addEventListener?.("devicechange", () => this.on && this.offer());
  }

  get on() {
    return this.camera.on;
  }

  // Resolves to whether the camera is on now; if not, it is said why.
  async start(id = recall(CHOICE) ?? "") {
    this.say("");
    try {
      if (!(await this.camera.start(id))) return false; // turned off before it was on
    } catch (error) {
      this.say(error.kind ?? "failed");
      this.changed();
      return false;
    }
    this.$("video").classList.toggle("mirrored", this.camera.mirrored);
    this.changed();
    await this.offer();
    return true;
  }

  stop() {
    this.camera.stop();
    this.changed();
  }

  frame(sidePx) {
    return this.camera.frame(sidePx);
  }

  async choose(id) {
    keep(CHOICE, id);
    await this.start(id);
  }

  lost(kind) {
    this.say(kind);
    this.changed();
  }

  say(kind) {
    const place = this.$("trouble");
    place.hidden = !kind;
    place.textContent = kind ? word(texts.camera, kind) : "";
  }

  async offer() {
    const cameras = await list();
    const options = cameras.map(({ id, label }, index) =>
      element("option", { value: id }, label || texts.camera.numbered({ number: index + 1 })),
    );
    this.$("cameras").replaceChildren(...options);
    this.$("cameras").value = this.camera.id;
    this.$("choice").hidden = cameras.length < 2;
  }
}
