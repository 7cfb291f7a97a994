// The camera of this device.

import { texts } from "./texts.js";

const WANTED = { video: { width: 1280, height: 720, facingMode: "user" } };
const JPEG = { type: "image/jpeg", quality: 0.9 };

export class Camera {
  async start() {
    if (!navigator.mediaDevices?.getUserMedia) throw new Error(texts.camera.noneHere);
    const stream = await navigator.mediaDevices.getUserMedia(WANTED);
    this.stop(); // who pressed the button twice has two streams, and would see the light of the first for ever
    this.stream = stream;
    this.video = Object.assign(document.createElement("video"), { srcObject: stream, muted: true, playsInline: true });
    await this.video.play();
  }

  get on() {
    return Boolean(this.stream);
  }

  stop() {
    for (const track of this.stream?.getTracks() ?? []) track.stop();
    this.stream = null;
  }

  // Resolves to the present frame as {canvas, blob}; its longer side is `sidePx` at most.
  async frame(sidePx = Number.POSITIVE_INFINITY) {
    const { videoWidth: width, videoHeight: height } = this.video;
    const scale = Math.min(1, sidePx / Math.max(width, height));
    const canvas = new OffscreenCanvas(Math.round(width * scale), Math.round(height * scale));
    canvas.getContext("2d").drawImage(this.video, 0, 0, canvas.width, canvas.height);
    return { canvas, blob: await canvas.convertToBlob(JPEG) };
  }
}
