// Drawing boxes and names over a picture, in points of the screen, so that letters are as large on any picture.

import { labelOf } from "./words.js";

const COLOURS = { known: "#2dd4bf", unknown: "#fbbf24", rejected: "#c3c9d0" };
const INK = "#06201d";
const LINE_PX = 3;
const CORNER_PX = 14;
const AROUND = { side: 0.14, above: 0.28, below: 0.1 }; // of the face's width and height, for hair and chin
const CAPTION = { height: 34, distance: 6, corner: 10, padding: 12, font: 18 };

// Draws `tracks` on a canvas that lies over a picture `width` pixels wide; `mirrored` tells whether it is shown so.
export function draw(overlay, tracks, width, mirrored) {
  const density = window.devicePixelRatio || 1;
  overlay.width = Math.round(overlay.clientWidth * density);
  overlay.height = Math.round(overlay.clientHeight * density);
  const pen = overlay.getContext("2d");
  pen.scale(density, density);
  const scale = overlay.clientWidth / width;
  for (const { box, face } of tracks) drawFace(pen, face, placed(box, scale, mirrored && overlay.clientWidth));
}

// Returns where a box of the picture is on the screen; `across` is the width it is mirrored in, if it is.
function placed({ x_min, y_min, x_max, y_max }, scale, across) {
  const left = across ? across - x_max * scale : x_min * scale;
  const width = (x_max - x_min) * scale;
  const height = (y_max - y_min) * scale;
  return {
    left: left - AROUND.side * width,
    top: y_min * scale - AROUND.above * height,
    width: width * (1 + 2 * AROUND.side),
    height: height * (1 + AROUND.above + AROUND.below),
  };
}

function drawFace(pen, face, box) {
  pen.strokeStyle = COLOURS[face.status];
  pen.fillStyle = COLOURS[face.status];
  pen.lineWidth = LINE_PX;
  roundedBox(pen, box.left, box.top, box.width, box.height, CORNER_PX);
  pen.stroke();
  drawCaption(pen, labelOf(face), box);
}

// Above the box, or below it where there is no room above; never beyond the sides.
function drawCaption(pen, text, box) {
  const room = CAPTION.height + CAPTION.distance;
  pen.font = `600 ${CAPTION.font}px system-ui, sans-serif`;
  const width = pen.measureText(text).width + 2 * CAPTION.padding;
  const edge = pen.canvas.clientWidth;
  const left = Math.max(0, Math.min(box.left + (box.width - width) / 2, edge - width));
  const top = box.top < room ? box.top + box.height + CAPTION.distance : box.top - room;
  roundedBox(pen, left, top, width, CAPTION.height, CAPTION.corner);
  pen.fill();
  pen.fillStyle = INK;
  pen.textBaseline = "middle";
  pen.fillText(text, left + CAPTION.padding, top + CAPTION.height / 2 + 1);
}

// What roundRect does where a browser has it: Safari from 16 on.
function roundedBox(pen, left, top, width, height, radius) {
  const r = Math.min(radius, width / 2, height / 2);
  const right = left + width;
  const bottom = top + height;
  pen.beginPath();
  pen.moveTo(left + r, top);
  pen.arcTo(right, top, right, bottom, r);
  pen.arcTo(right, bottom, left, bottom, r);
  pen.arcTo(left, bottom, left, top, r);
  pen.arcTo(left, top, right, top, r);
  pen.closePath();
}
