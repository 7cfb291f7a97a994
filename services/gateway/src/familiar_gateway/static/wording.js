// Wording: from a word of the API, or a key in the document, to the text that is shown.

import { texts } from "./texts.js";

// Returns the text for a word of the API, out of a part of the texts. A server that is newer than this page may say
// a word that has no text yet.
export function word(words, name, otherwise = name?.split("_").join(" ")) {
  return Object.keys(words).includes(name) ? words[name] : otherwise;
}

// Writes the texts into the places of the document that name one by its key, as in data-text="enrol.name".
export function writeTexts() {
  for (const place of document.querySelectorAll("[data-text]")) writeFirst(place, textAt(place.dataset.text));
  for (const place of document.querySelectorAll("[data-placeholder]")) {
    place.placeholder = textAt(place.dataset.placeholder);
  }
  for (const place of document.querySelectorAll("[data-label]")) {
    place.setAttribute("aria-label", textAt(place.dataset.label));
  }
}

function textAt(key) {
  const [part, name] = key.split(".");
  return texts[part][name];
}

// A label keeps the input inside it, and a text that was written before gives way.
function writeFirst(place, text) {
  if (place.firstChild?.nodeType === Node.TEXT_NODE) place.firstChild.data = text;
  else place.prepend(text);
}
