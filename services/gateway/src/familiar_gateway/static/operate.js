// The operators' part: what waits and runs, which heads there are and how good they are, keys, and what went wrong.

import { auditTable, keyForm, keyTable } from "./access.js";
import { call } from "./api.js";
import { compareHeads } from "./comparison.js";
import { ask, orNotice } from "./dialog.js";
import { $, element, rememberLast } from "./dom.js";
import { NOTHING, table, time, wordCell } from "./table.js";
import { texts } from "./texts.js";
import { word } from "./wording.js";

const CHECKSUM_SHOWN = 16;
const changed = rememberLast();
const comparison = element("div");

export { refresh as enter };

export async function refresh() {
  const [ready, models, { jobs, queue }, keys, audit] = await Promise.all([
    call("GET", "readyz"),
    call("GET", "v1/models?limit=20"),
    call("GET", "v1/jobs?limit=20"),
    call("GET", "v1/keys?limit=20"),
    call("GET", "v1/audit?limit=20"),
  ]);
  const typing = $("operate-parts").contains(document.activeElement) && document.activeElement.matches("input");
  if (typing || !changed([ready, models, jobs, queue, keys, audit])) return;
  $("operate-parts").replaceChildren(
    ...part(texts.operate.parts, tiles(ready.parts, queue)),
    ...part(texts.operate.jobs, jobTable(jobs)),
    ...part(texts.operate.heads, headTable(models.heads)),
    ...part(texts.operate.comparison, comparison),
    ...part(texts.operate.backbones, backboneTable(models.backbones)),
    ...part(texts.access.keys, keyTable(keys, refresh)),
    keyForm(refresh),
    ...part(texts.access.audit, auditTable(audit)),
  );
  await compareHeads(comparison, models.heads);
}

const part = (title, content) => [element("h2", {}, title), content];

function tiles(parts, queue) {
  const shown = parts.map(({ name, ok, message }) => tile(word(texts.readinessPart, name), ok, message));
  const counts = queue ? texts.operate.queue(queue) : texts.operate.noQueue;
  shown.push(tile(texts.operate.waiting, queue !== null, counts));
  return element("dl", { className: "tiles" }, ...shown);
}

function tile(name, ok, message) {
  const state = element("dd", {}, ok ? texts.readiness.ready : texts.operate.missing);
  state.append(element("small", {}, message));
  return element("div", { className: ok ? "tile" : "tile missing" }, element("dt", {}, name), state);
}

const headTable = (heads) =>
  table(heads, [
    [texts.column.version, (head) => head.version],
    [texts.column.status, (head) => wordCell(texts.head, head.status)],
    [texts.column.serving, (head) => wordCell(texts.serving, head.serving)],
    [texts.column.people, (head) => head.people],
    [texts.column.samples, (head) => head.samples ?? NOTHING],
    [texts.column.threshold, (head) => head.threshold?.toFixed(3) ?? NOTHING],
    [texts.column.backbone, (head) => head.backbone_version],
    [texts.column.since, (head) => time(head.live_at ?? head.created_at)],
    [texts.column.action, rollBackButton],
  ]);

const backboneTable = (backbones) =>
  table(backbones, [
    [texts.column.version, (backbone) => backbone.version],
    [texts.column.name, (backbone) => backbone.name],
    [texts.column.serving, (backbone) => wordCell(texts.serving, backbone.serving)],
    [texts.column.input, (backbone) => texts.operate.pixels({ count: backbone.input_px })],
    [texts.column.dim, (backbone) => backbone.dim],
    [texts.column.licence, (backbone) => backbone.licence],
    [texts.column.sha256, (backbone) => backbone.weights_sha256.slice(0, CHECKSUM_SHOWN)],
  ]);

const jobTable = (jobs) =>
  table(jobs, [
    [texts.column.asked, (job) => time(job.created_at)],
    [texts.column.kind, (job) => wordCell(texts.training, job.kind)],
    [texts.column.status, (job) => wordCell(texts.stage, job.status)],
    [texts.column.progress, (job) => (job.ended_at ? NOTHING : bar(job.progress))],
    [texts.column.head, (job) => job.head_version ?? NOTHING],
    [texts.column.attempts, (job) => job.attempts],
    [texts.column.error, (job) => element("td", { className: "long" }, job.error?.message ?? "")],
  ]);

function bar(progress) {
  const made = element("progress", { max: 1, value: progress });
  made.setAttribute("aria-label", texts.column.progress);
  return made;
}

// Only a head that has served can be brought back.
function rollBackButton(head) {
  if (head.status !== "superseded") return "";
  return element("button", { type: "button", onclick: () => orNotice(rollBack(head.version)) }, texts.operate.rollBack);
}

async function rollBack(version) {
  const answer = await ask(texts.operate.rollBackQuestion({ version }), [
    { value: "yes", label: texts.operate.rollBack, look: "primary" },
    { value: "", label: texts.question.cancel },
  ]);
  if (!answer) return;
  await call("POST", `v1/models/${version}/rollback`);
  await refresh();
}
