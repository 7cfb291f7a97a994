// What is said of a face, in a few words.

import { texts } from "./texts.js";
import { word } from "./wording.js";

const CANDIDATES_SHOWN = 3;

export const scoreOf = (each) => each.score.toFixed(3);

// Whose face it is, or why that cannot be said.
export function labelOf(face) {
  if (face.status === "known") return face.person.name;
  if (face.status === "unknown") return texts.decision.unknown;
  return face.reasons.map((reason) => word(texts.reason, reason)).join(", ");
}

// The line below the label: how sure that is, and whom else the face is like.
export function detailsOf(face) {
  const isKnown = face.status === "known";
  const others = face.candidates.slice(isKnown ? 1 : 0, CANDIDATES_SHOWN);
  const candidates = others.map((each) => `${each.person.name} ${scoreOf(each)}`).join(", ");
  const details = [isKnown ? texts.recognise.score({ score: scoreOf(face) }) : word(texts.decision, face.status)];
  if (candidates) details.push(texts.recognise.closest({ candidates }));
  return details.join(" · ");
}

// What is said to the people before the camera, the nearest first, as {look, said, more}.
export function greetingOf(faces) {
  const [nearest] = faces;
  if (!nearest) return { look: "", said: texts.recognise.nobody, more: texts.recognise.nobodyMore };
  const known = faces.filter((face) => face.status === "known");
  if (known.length) {
    const names = new Set(known.map((face) => face.person.name));
    return {
      look: "known",
      said: texts.recognise.hello({ names: [...names].join(", ") }),
      more: texts.recognise.helloMore,
    };
  }
  if (nearest.status === "unknown") {
    return { look: "unknown", said: texts.recognise.unknown, more: texts.recognise.unknownMore };
  }
  const [reason] = nearest.reasons;
  return { look: "rejected", said: word(texts.please, reason), more: texts.recognise.tooBad };
}
