// The document: finding its elements by their ids, and making new ones.

const SVG = "http://www.w3.org/2000/svg";

export const $ = (id) => document.getElementById(id);

// Returns a $ for the elements of one part of the page, whose ids begin with its name.
export const within = (part) => (name) => $(`${part}-${name}`);

export function element(tag, properties = {}, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}

// Makes an element of a drawing.
export function shape(tag, attributes = {}) {
  const made = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  return made;
}

// Writes a text where it is another than before: whoever has it read aloud hears it once.
export function write(place, text) {
  if (place.textContent !== text) place.textContent = text;
}

// Whoever is about to press a button keeps it under the finger: what has not changed is not drawn again.
// Returns a function that tells whether a value differs from the one it was asked about before.
export function rememberLast() {
  let last = null;
  return function changed(value) {
    const before = last;
    last = JSON.stringify(value);
    return last !== before;
  };
}

// What a person chose on this device; a browser may forbid to keep it.
export function recall(name) {
  try {
    return localStorage.getItem(`familiar.${name}`);
  } catch {
    return null;
  }
}

export function keep(name, value) {
  try {
    localStorage.setItem(`familiar.${name}`, value);
  } catch {
    // Then it holds until the page is left.
  }
}
