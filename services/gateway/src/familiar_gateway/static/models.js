// Models and jobs: the versions of head and backbone, the trainings, and bringing an earlier head back.

import { call } from "./api.js";
import { ask, orNotice } from "./dialog.js";
import { $, element, rememberLast } from "./dom.js";
import { fillTable, NOTHING, time, wordCell } from "./table.js";
import { texts } from "./texts.js";

const CHECKSUM_SHOWN = 16;
const changed = rememberLast();

export async function refresh() {
  const [models, { jobs }] = await Promise.all([call("GET", "/v1/models?limit=20"), call("GET", "/v1/jobs?limit=20")]);
  if (!changed([models, jobs])) return;
  showHeads(models.heads);
  showBackbones(models.backbones);
  showJobs(jobs);
}

function showHeads(heads) {
  fillTable($("heads"), heads, [
    [texts.column.version, (head) => head.version],
    [texts.column.status, (head) => wordCell(texts.head, head.status)],
    [texts.column.serving, (head) => wordCell(texts.serving, head.serving)],
    [texts.column.people, (head) => head.people],
    [texts.column.samples, (head) => head.samples ?? NOTHING],
    [texts.column.threshold, (head) => head.threshold?.toFixed(3) ?? NOTHING],
    [texts.column.backbone, (head) => head.backbone_version],
    [texts.column.since, (head) => time(head.live_at ?? head.created_at)],
    ["", rollBackButton],
  ]);
}

function showBackbones(backbones) {
  fillTable($("backbones"), backbones, [
    [texts.column.version, (backbone) => backbone.version],
    [texts.column.name, (backbone) => backbone.name],
    [texts.column.serving, (backbone) => wordCell(texts.serving, backbone.serving)],
    [texts.column.input, (backbone) => texts.models.pixels({ count: backbone.input_px })],
    [texts.column.dim, (backbone) => backbone.dim],
    [texts.column.licence, (backbone) => backbone.licence],
    [texts.column.sha256, (backbone) => backbone.weights_sha256.slice(0, CHECKSUM_SHOWN)],
  ]);
}

function showJobs(jobs) {
  fillTable($("jobs"), jobs, [
    [texts.column.asked, (job) => time(job.created_at)],
    [texts.column.kind, (job) => wordCell(texts.training, job.kind)],
    [texts.column.status, (job) => wordCell(texts.stage, job.status)],
    [texts.column.head, (job) => job.head_version ?? NOTHING],
    [texts.column.attempts, (job) => job.attempts],
    [texts.column.error, (job) => job.error?.message ?? ""],
  ]);
}

// Only a head that has served can be brought back.
function rollBackButton(head) {
  if (head.status !== "superseded") return "";
  return element("button", { onclick: () => rollBack(head.version) }, texts.models.rollBack);
}

async function rollBack(version) {
  const answer = await ask(texts.models.rollBackQuestion({ version }), [
    { value: "yes", label: texts.models.rollBack, look: "primary" },
    { value: "", label: texts.question.cancel },
  ]);
  if (!answer) return;
  await orNotice(call("POST", `/v1/models/${version}/rollback`));
  await orNotice(refresh());
}
