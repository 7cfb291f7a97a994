// The document: finding its elements by their ids, and making new ones.

export const $ = (id) => document.getElementById(id);

// Returns a $ for the elements of one part of the page, whose ids begin with its name.
export const within = (part) => (name) => $(`${part}-${name}`);

export function element(tag, properties = {}, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
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
