// Readiness: whether every part of the system is there, in a word at the top of the page.

import { call } from "./api.js";
import { $, write } from "./dom.js";
import { texts } from "./texts.js";
import { word } from "./wording.js";

export async function showReadiness() {
  const chip = $("readiness");
  try {
    const { ready, parts } = await call("GET", "readyz", { patience: 1 });
    write(chip, ready ? texts.readiness.ready : texts.readiness.missing({ parts: missing(parts) }));
    chip.title = parts.map(describe).join("\n");
    mark(chip, ready);
  } catch (error) {
    write(chip, error.message);
    mark(chip, false);
  }
}

function mark(chip, ready) {
  chip.classList.toggle("ok", ready);
  chip.classList.toggle("missing", !ready);
}

const nameOf = (part) => word(texts.readinessPart, part.name);

function missing(parts) {
  const names = parts.filter((part) => !part.ok).map(nameOf);
  return names.join(", ");
}

const describe = (part) => texts.readiness.part({ part: nameOf(part), message: part.message });
