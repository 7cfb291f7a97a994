// Figures: what stands behind an answer, for those who want to know.

import { element, rememberLast, within } from "./dom.js";
import { texts } from "./texts.js";
import { word } from "./wording.js";
import { detailsOf, labelOf } from "./words.js";

const $ = within("recognise");
const changed = rememberLast();

// Shows the figures of an answer; of null, none.
export function showFigures(answer) {
  if (!changed(answer)) return;
  const faces = (answer?.faces ?? []).map((face) => {
    const label = element("strong", {}, labelOf(face));
    return element("li", { className: face.status }, label, element("small", {}, detailsOf(face)));
  });
  $("faces").replaceChildren(...faces);
  if (!answer) {
    $("facts").replaceChildren();
    return;
  }
  const facts = [
    [texts.recognise.facesFound, answer.faces_found],
    [texts.recognise.headVersion, answer.head_version],
    [texts.recognise.backboneVersion, answer.backbone_version],
    [texts.recognise.threshold, answer.threshold.toFixed(3)],
  ];
  for (const [name, ms] of Object.entries(answer.timings_ms)) {
    facts.push([word(texts.timing, name), texts.recognise.milliseconds({ time: ms.toFixed(1) })]);
  }
  const rows = facts.flatMap(([name, value]) => [element("dt", {}, name), element("dd", {}, String(value))]);
  $("facts").replaceChildren(...rows);
}
