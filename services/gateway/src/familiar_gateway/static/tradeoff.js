// The detection error trade-off of heads: what another threshold would cost, as curves and in figures.

import { element, shape } from "./dom.js";
import { locale } from "./languages.js";
import { table } from "./table.js";
import { texts } from "./texts.js";

const SIZE = { width: 520, height: 340 };
const EDGE = { left: 72, right: 28, top: 14, bottom: 48 };
const POWERS = { strangers: [-4, 0], missed: [-3, 0] }; // of ten, where the axes begin and end
const DOT = 6;
const LOOKS = ["curve", "curve before"];

// Draws the curves of heads that the API lists, of the first one in force with its figures.
export function tradeoff(heads) {
  const [drawn, silent] = [heads.filter((head) => head.metrics.det), heads.filter((head) => !head.metrics.det)];
  const notes = silent.map(({ version }) => element("p", { className: "soft" }, texts.operate.noCurve({ version })));
  if (!drawn.length) return notes.length ? notes : [element("p", { className: "soft" }, texts.operate.none)];
  const said = drawn.map(sayOf);
  const picture = shape("svg", { viewBox: `0 0 ${SIZE.width} ${SIZE.height}`, role: "img", class: "det" });
  picture.setAttribute("aria-label", said.join(" "));
  picture.append(...axes(), ...drawn.flatMap((head) => curveOf(head, LOOKS[heads.indexOf(head)])));
  const lines = drawn.map((head, index) => element("li", { className: LOOKS[heads.indexOf(head)] }, said[index]));
  return [picture, element("ul", { className: "legend" }, ...lines), figures(drawn[0]), ...notes];
}

function sayOf(head) {
  const place = placeOf(head);
  const { fpir, fnir } = head.metrics.det;
  return texts.operate.curve({ version: head.version, strangers: share(fpir[place]), missed: share(fnir[place]) });
}

// Where the threshold in force is among the points.
function placeOf({ threshold, metrics }) {
  const far = metrics.det.threshold.map((each) => Math.abs(each - threshold));
  return far.indexOf(Math.min(...far));
}

const across = (value) => placed(value, POWERS.strangers, EDGE.left, SIZE.width - EDGE.right);
const down = (value) => placed(value, POWERS.missed, SIZE.height - EDGE.bottom, EDGE.top);

// Where a share is on an axis by its logarithm; what is less than the axis begins with lies there.
function placed(value, [least, most], from, to) {
  const power = Math.max(least, Math.log10(Math.max(value, Number.MIN_VALUE)));
  return from + ((power - least) / (most - least)) * (to - from);
}

function curveOf(head, look) {
  const { fpir, fnir } = head.metrics.det;
  const points = fpir.map((strangers, index) => `${across(strangers).toFixed(1)},${down(fnir[index]).toFixed(1)}`);
  const [cx, cy] = points[placeOf(head)].split(",");
  return [
    shape("polyline", { points: points.join(" "), class: look }),
    shape("circle", { cx, cy, r: DOT, class: look }),
  ];
}

function axes() {
  const [left, bottom] = [EDGE.left, SIZE.height - EDGE.bottom];
  const [right, top] = [SIZE.width - EDGE.right, EDGE.top];
  const strangers = ticks(POWERS.strangers).flatMap((value) => [
    shape("line", { x1: across(value), x2: across(value), y1: top, y2: bottom }),
    label(share(value), { x: across(value), y: bottom + 18, "text-anchor": "middle" }),
  ]);
  const missed = ticks(POWERS.missed).flatMap((value) => [
    shape("line", { x1: left, x2: right, y1: down(value), y2: down(value) }),
    label(share(value), { x: left - 8, y: down(value) + 4, "text-anchor": "end" }),
  ]);
  const middle = (top + bottom) / 2;
  return [
    ...strangers,
    ...missed,
    label(texts.operate.strangersNamed, { x: (left + right) / 2, y: SIZE.height - 8, "text-anchor": "middle" }),
    label(texts.operate.missed, {
      x: 0,
      y: 0,
      "text-anchor": "middle",
      transform: `translate(14 ${middle}) rotate(-90)`,
    }),
  ];
}

const ticks = ([least, most]) => Array.from({ length: most - least + 1 }, (_, index) => 10 ** (least + index));

function label(text, attributes) {
  const made = shape("text", attributes);
  made.textContent = text;
  return made;
}

const share = (value) =>
  new Intl.NumberFormat(locale(), { style: "percent", maximumSignificantDigits: 2 }).format(value);

// The same for those who cannot see a curve, and for those who want to know.
function figures(head) {
  const { threshold, fpir, fnir } = head.metrics.det;
  const rows = threshold.map((each, index) => ({ threshold: each, strangers: fpir[index], missed: fnir[index] }));
  const shown = table(rows, [
    [texts.column.threshold, (row) => row.threshold.toFixed(3)],
    [texts.operate.strangersNamed, (row) => share(row.strangers)],
    [texts.operate.missed, (row) => share(row.missed)],
  ]);
  return element("details", {}, element("summary", {}, texts.recognise.figures), shown);
}
