// The operators' part: what waits and runs, which heads there are and how good they are, keys, and what went wrong.

import { auditTable, keyForm, keyTable } from "./access.js";
import { call } from "./api.js";
import { compareHeads, served } from "./comparison.js";
import { ask, orNotice } from "./dialog.js";
import { $, element } from "./dom.js";
import { Leaf } from "./leaf.js";
import { Section } from "./section.js";
import { errorTable, softwareTable, tiles, workerTable } from "./system.js";
import { NOTHING, table, time, wordCell } from "./table.js";
import { texts } from "./texts.js";
import { tradeoff } from "./tradeoff.js";
import { jobTable } from "./trainings.js";

const CHECKSUM_SHOWN = 16;
let board = null;

export async function enter() {
  board = layOut();
  $("operate-parts").replaceChildren(...Object.values(board.sections).map(({ node }) => node));
  await refresh();
}

function layOut() {
  const keys = new Leaf("v1/keys", refresh);
  const audit = new Leaf("v1/audit", refresh);
  const dashboard = element("p", { hidden: true });
  const sections = {
    parts: new Section(texts.operate.parts),
    workers: new Section(texts.operate.workers),
    jobs: new Section(texts.operate.jobs, dashboard),
    errors: new Section(texts.operate.errors),
    heads: new Section(texts.operate.heads),
    tradeoff: new Section(texts.operate.tradeoff),
    comparison: new Section(texts.operate.comparison),
    backbones: new Section(texts.operate.backbones),
    software: new Section(texts.operate.software),
    keys: new Section(texts.access.keys, keys.buttons, keyForm(refresh)),
    audit: new Section(texts.access.audit, audit.buttons),
  };
  return { sections, keys, audit, dashboard };
}

export async function refresh() {
  const { sections, dashboard, ...leaves } = board;
  const [ready, models, { jobs, queue }, system, { errors }, keys, audit] = await Promise.all([
    call("GET", "readyz"),
    call("GET", "v1/models?limit=20"),
    call("GET", "v1/jobs?limit=20"),
    call("GET", "v1/system"),
    call("GET", "v1/errors?limit=20"),
    leaves.keys.ask(),
    leaves.audit.ask(),
  ]);
  const { parts, workers, disks, links } = system;
  sections.parts.show([ready, queue, disks], () => [tiles(ready.parts, queue, disks)]);
  sections.workers.show([workers, jobs], () => [workers ? workerTable(workers, jobs) : texts.operate.noQueue]);
  sections.jobs.show(jobs, () => [jobTable(jobs, refresh)]);
  sections.errors.show(errors, () => [errorTable(errors)]);
  sections.heads.show(models.heads, () => [headTable(models.heads)]);
  sections.tradeoff.show(models.heads, () => tradeoff(served(models.heads)));
  sections.backbones.show(models.backbones, () => [backboneTable(models.backbones)]);
  sections.software.show(parts, () => [softwareTable(parts)]);
  sections.keys.show(keys, () => [keyTable(keys, refresh)]);
  sections.audit.show(audit, () => [auditTable(audit)]);
  if (dashboard.hidden && links.rq_dashboard) showLink(dashboard, links.rq_dashboard);
  const compared = served(models.heads);
  await sections.comparison.show(compared, () => compareHeads(compared));
}

function showLink(place, href) {
  const link = { href, target: "_blank", rel: "noreferrer" };
  place.replaceChildren(element("a", link, texts.operate.dashboard));
  place.hidden = false;
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
