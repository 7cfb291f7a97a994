// Languages: the one that the browser asks for, or that was chosen here.

import { $, element, keep, recall } from "./dom.js";
import { texts } from "./texts.js";

const CHOICE = "language";
const FIRST = "en";
const NAMES = { en: "English", de: "Deutsch", es: "Español", fr: "Français" };
const known = (code) => Object.keys(NAMES).includes(code);

// Puts the texts of the language in the place of the English ones.
export async function speak() {
  const code = chosen();
  if (code !== FIRST) {
    const { translation } = await import(`./texts.${code}.js`);
    for (const [part, theirs] of Object.entries(translation)) Object.assign(texts[part], theirs);
  }
  document.documentElement.lang = code;
}

export function offerLanguages() {
  const options = Object.entries(NAMES).map(([value, name]) => element("option", { value, lang: value }, name));
  $("language").replaceChildren(...options);
  $("language").value = document.documentElement.lang;
  $("language").addEventListener("change", (event) => {
    keep(CHOICE, event.target.value);
    window.location.reload();
  });
}

// How dates are written here.
export function locale() {
  const { lang } = document.documentElement;
  return navigator.language?.startsWith(lang) ? navigator.language : lang;
}

function chosen() {
  const here = recall(CHOICE);
  if (known(here)) return here;
  const asked = (navigator.languages ?? []).map((tag) => tag.slice(0, 2).toLowerCase());
  return asked.find(known) ?? FIRST;
}
