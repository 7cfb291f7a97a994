// A table of what the API lists.

import { element } from "./dom.js";
import { locale } from "./languages.js";
import { texts } from "./texts.js";
import { word } from "./wording.js";

export const NOTHING = "–";

// Fills a table. `columns` is a list of [title, content]: content is asked for each row, and returns a text, a number,
// a node, or the cell itself.
function fillTable(place, rows, columns) {
  const titles = columns.map(([title]) => element("th", { scope: "col" }, title));
  const lines = rows.map((row) => element("tr", {}, ...columns.map(([, content]) => cell(content(row)))));
  const none = element("tr", {}, element("td", { colSpan: columns.length }, texts.operate.none));
  place.replaceChildren(element("tr", {}, ...titles), ...(lines.length ? lines : [none]));
}

// Returns a table that is scrolled sideways where it is too wide.
export function table(rows, columns) {
  const made = element("table");
  fillTable(made, rows, columns);
  return element("div", { className: "scroll", tabIndex: 0 }, made);
}

// A word of the API as its text; the cell's look depends on the word.
export function wordCell(words, name) {
  if (name === null) return NOTHING;
  return element("td", { className: name }, word(words, name));
}

export function time(iso) {
  if (!iso) return NOTHING;
  return new Date(iso).toLocaleString(locale(), { dateStyle: "short", timeStyle: "medium" });
}

const cell = (content) => (content instanceof HTMLTableCellElement ? content : element("td", {}, content));
