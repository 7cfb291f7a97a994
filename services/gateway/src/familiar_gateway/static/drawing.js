// Drawing a picture with what was found on it. The camera's picture is shown as in a mirror; its writing is not.

import { labelOf, scoreOf } from "./face.js";

const COLOURS = { known: "#2dd4bf", unknown: "#fbbf24", rejected: "#9ca3af" };
const INK = "#06201d";
const FULL_TURN = 2 * Math.PI;
// Lines and letters are given for a picture of this side, and grow with it.
const SIDE_PX = 640;
const LINE = 3;
const CORNER = 10;
const DOT = 1.8;
const CAPTION = { height: 24, distance: 4, corner: 6, padding: 8, font: 15, baseline: 12.5 };

export function draw(view, picture, faces = [], mirrored = false) {
  view.width = picture.width;
  view.height = picture.height;
  const pen = view.getContext("2d");
  drawPicture(pen, picture, mirrored);
  const unit = Math.max(view.width, view.height) / SIDE_PX;
  const across = mirrored ? (x) => view.width - x : (x) => x;
  for (const face of faces) drawFace(pen, face, unit, across);
}

function drawPicture(pen, picture, mirrored) {
  pen.save();
  if (mirrored) pen.setTransform(-1, 0, 0, 1, picture.width, 0);
  pen.drawImage(picture, 0, 0);
  pen.restore();
}

// `across` gives where an x of the picture is on the view.
function drawFace(pen, face, unit, across) {
  const { x_min, y_min, x_max, y_max } = face.box;
  const left = Math.min(across(x_min), across(x_max));
  pen.strokeStyle = COLOURS[face.status];
  pen.fillStyle = COLOURS[face.status];
  pen.lineWidth = LINE * unit;
  pen.beginPath();
  pen.roundRect(left, y_min, x_max - x_min, y_max - y_min, CORNER * unit);
  pen.stroke();
  for (const { x, y } of Object.values(face.landmarks)) {
    pen.beginPath();
    pen.arc(across(x), y, DOT * unit, 0, FULL_TURN);
    pen.fill();
  }
  const text = face.score === null ? labelOf(face) : `${labelOf(face)}  ${scoreOf(face)}`;
  drawCaption(pen, text, { left, top: y_min, bottom: y_max }, unit);
}

// Above the box, or below it where there is no room above; never beyond the sides.
function drawCaption(pen, text, box, unit) {
  const room = (CAPTION.height + CAPTION.distance) * unit;
  const padding = CAPTION.padding * unit;
  pen.font = `600 ${CAPTION.font * unit}px system-ui, sans-serif`;
  const width = pen.measureText(text).width + 2 * padding;
  const left = Math.max(0, Math.min(box.left, pen.canvas.width - width));
  const top = box.top < room ? box.bottom + CAPTION.distance * unit : box.top - room;
  pen.beginPath();
  pen.roundRect(left, top, width, CAPTION.height * unit, CAPTION.corner * unit);
  pen.fill();
  pen.fillStyle = INK;
  pen.textBaseline = "middle";
  pen.fillText(text, left + padding, top + CAPTION.baseline * unit);
}
