// What the head in service changed, and for whom, against the one before it.

import { call } from "./api.js";
import { element } from "./dom.js";
import { NOTHING, table } from "./table.js";
import { texts } from "./texts.js";

const SERVED = ["live", "superseded"];

// Returns the head in service and the one before it, as far as there are such; `heads` are those the API lists, the
// newest first.
export const served = (heads) => heads.filter((head) => SERVED.includes(head.status)).slice(0, 2);

// Resolves to what shows the difference between these two.
export async function compareHeads([now, before]) {
  if (!(now && before)) return [element("p", { className: "soft" }, texts.operate.nothingBefore)];
  const [one, other] = await Promise.all([reportOf(now), reportOf(before)]);
  const people = new Map([...other, ...one]);
  const rows = [...people.values()].map(({ person }) => {
    const [after, earlier] = [one.get(person.id), other.get(person.id)];
    return { name: person.name, after, earlier, gain: named(after) - named(earlier) };
  });
  const versions = { now: now.version, before: before.version };
  const different = rows.filter(({ after, earlier, gain }) => gain || !after !== !earlier);
  const said = texts.operate.compared({ ...versions, count: different.length });
  const shown = different.length ? [differences(different.sort((a, b) => a.gain - b.gain))] : [];
  return [element("p", { className: "soft" }, said), ...shown];
}

async function reportOf({ version }) {
  const { report } = await call("GET", `v1/models/${version}`);
  return new Map(report.map((each) => [each.person.id, each]));
}

// The share of held-out pictures that were named.
const named = (told) => (told?.held_out ? 1 - told.missed / told.held_out : 0);

const share = (told) => (told?.held_out ? texts.operate.percent({ share: Math.round(100 * named(told)) }) : NOTHING);

const differences = (rows) =>
  table(rows, [
    [texts.column.name, (row) => row.name],
    [texts.column.before, (row) => share(row.earlier)],
    [texts.column.now, (row) => share(row.after)],
  ]);
