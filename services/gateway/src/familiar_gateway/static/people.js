// People: who is enrolled, to look for and to leaf through; one of them is shown by `person.js`.

import { call } from "./api.js";
import { orNotice } from "./dialog.js";
import { element, rememberLast, within, write } from "./dom.js";
import * as person from "./person.js";
import { texts } from "./texts.js";

const A_PAGE = 24;
const TYPING_MS = 250;
const $ = within("people");
const changed = rememberLast();
const wanted = { search: "", offset: 0 };
let one = ""; // the id of the person who is shown, if one is
let typed = null;

export function setUp() {
  $("search").addEventListener("input", () => {
    clearTimeout(typed);
    typed = setTimeout(() => go({ search: $("search").value.trim(), offset: 0 }), TYPING_MS);
  });
  $("previous").addEventListener("click", () => go({ offset: Math.max(0, wanted.offset - A_PAGE) }));
  $("next").addEventListener("click", () => go({ offset: wanted.offset + A_PAGE }));
}

export async function enter(id) {
  one = id;
  $("all").hidden = Boolean(id);
  $("one").hidden = !id;
  $("one").replaceChildren();
  if (id) await person.enter($("one"), id);
  else await refresh();
}

export async function refresh() {
  if (one) return;
  const { search, offset } = wanted;
  const query = new URLSearchParams({ limit: A_PAGE, offset, ...(search && { search }) });
  const found = await call("GET", `v1/people?${query}`);
  if (one || search !== wanted.search || offset !== wanted.offset) return; // another page was asked for meanwhile
  if (offset && !found.people.length) await go({ offset: Math.max(0, offset - A_PAGE) });
  else if (changed([search, found])) show(search, found);
}

function go(where) {
  Object.assign(wanted, where);
  return orNotice(refresh());
}

function show(search, { people, total, offset }) {
  $("list").replaceChildren(...people.map(card));
  const range = { from: offset + 1, to: offset + people.length, total };
  const nobody = search ? texts.people.nobodyFound({ search }) : texts.people.nobody;
  write($("shown"), people.length ? texts.people.shown(range) : nobody);
  $("pages").hidden = total <= A_PAGE;
  $("previous").disabled = offset === 0;
  $("next").disabled = range.to >= total;
}

function card(someone) {
  const describe = someone.live ? texts.people.recognised : texts.people.notLearned;
  const samples = element("small", {}, describe({ samples: someone.samples }));
  const about = element("span", {}, element("strong", {}, someone.name), samples);
  const link = element("a", { className: "card", href: `#people/${someone.id}` }, person.face(someone), about);
  return element("li", {}, link);
}
