// The camera, and drawing frames with what was found on them. The camera's picture is shown as in a mirror.

const SIDE_PX = 640;
const JPEG_QUALITY = 0.9;
const COLOURS = { known: "#2dd4bf", unknown: "#fbbf24", rejected: "#9ca3af" };

export class Camera {
  async start() {
    if (!navigator.mediaDevices?.getUserMedia) {
      throw new Error("this browser gives no camera here: it needs https or localhost");
    }
    this.stream = await navigator.mediaDevices.getUserMedia({ video: { width: 1280, height: 720, facingMode: "user" } });
    this.video = Object.assign(document.createElement("video"), { srcObject: this.stream, muted: true, playsInline: true });
    await this.video.play();
  }

  get on() { return Boolean(this.stream); }

  stop() {
    this.stream?.getTracks().forEach((track) => track.stop());
    this.stream = null;
  }

  // Returns the present frame as {canvas, blob}.
  async frame() {
    const { videoWidth: width, videoHeight: height } = this.video;
    const scale = Math.min(1, SIDE_PX / Math.max(width, height));
    const canvas = new OffscreenCanvas(Math.round(width * scale), Math.round(height * scale));
    canvas.getContext("2d").drawImage(this.video, 0, 0, canvas.width, canvas.height);
    return { canvas, blob: await canvas.convertToBlob({ type: "image/jpeg", quality: JPEG_QUALITY }) };
  }
}

export function label(face) {
  if (face.status === "known") return face.person.name;
  return face.status === "unknown" ? "unknown" : face.reasons.map((reason) => reason.replaceAll("_", " ")).join(", ");
}

export function draw(view, picture, faces = [], mirrored = false) {
  view.width = picture.width;
  view.height = picture.height;
  const pen = view.getContext("2d");
  pen.save();
  if (mirrored) pen.setTransform(-1, 0, 0, 1, view.width, 0);
  pen.drawImage(picture, 0, 0);
  pen.restore();
  const unit = Math.max(view.width, view.height) / 640;
  for (const face of faces) drawFace(pen, face, unit, mirrored ? view.width : 0);
}

function drawFace(pen, face, unit, mirrorAt) {
  const { x_min, y_min, x_max, y_max } = face.box;
  const left = mirrorAt ? mirrorAt - x_max : x_min;
  const width = x_max - x_min;
  pen.strokeStyle = pen.fillStyle = COLOURS[face.status];
  pen.lineWidth = 3 * unit;
  pen.beginPath();
  pen.roundRect(left, y_min, width, y_max - y_min, 10 * unit);
  pen.stroke();
  for (const { x, y } of Object.values(face.landmarks)) {
    pen.beginPath();
    pen.arc(mirrorAt ? mirrorAt - x : x, y, 1.8 * unit, 0, 7);
    pen.fill();
  }
  const text = face.score === null ? label(face) : `${label(face)}  ${face.score.toFixed(2)}`;
  pen.font = `600 ${15 * unit}px system-ui, sans-serif`;
  const room = 8 * unit;
  const wide = pen.measureText(text).width + 2 * room;
  const top = y_min - 28 * unit < 0 ? y_max + 4 * unit : y_min - 28 * unit;
  const start = Math.max(0, Math.min(left, pen.canvas.width - wide));
  pen.beginPath();
  pen.roundRect(start, top, wide, 24 * unit, 6 * unit);
  pen.fill();
  pen.fillStyle = "#06201d";
  pen.textBaseline = "middle";
  pen.fillText(text, start + room, top + 12.5 * unit);
}
