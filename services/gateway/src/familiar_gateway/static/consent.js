// What whoever is to be recognised agrees to, before anything else.

import { within } from "./dom.js";
import { daysKept } from "./session.js";
import { texts } from "./texts.js";

const MOST_CHARACTERS = 4000; // as many as are kept
const $ = within("enrol");

export function showConsent() {
  const days = daysKept();
  for (const part of ["sightings-title", "sightings"]) $(part).hidden = days === 0;
  $("sightings").textContent = texts.consent.sightings({ days });
}

// What was agreed to, in the words that were read.
export function agreedTo() {
  const words = [...$("consent").children].filter((each) => !each.hidden).map((each) => each.textContent);
  return words.join("\n").slice(0, MOST_CHARACTERS);
}
