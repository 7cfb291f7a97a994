// The page: tabs, readiness, people, models and jobs.

import { ask, call, element, notice } from "./api.js";
import * as enrol from "./enrol.js";
import * as recognise from "./recognise.js";

const REFRESH_MS = 2500;
const $ = (id) => document.getElementById(id);
const panels = { recognise, enrol, people: { refresh: showPeople }, models: { refresh: showModels } };
let open = "recognise";

function select(name) {
  if (!(name in panels) || name === open) return;
  panels[open].leave?.();
  open = name;
  for (const each of Object.keys(panels)) {
    $(each).hidden = each !== name;
    $(`tab-${each}`).setAttribute("aria-selected", String(each === name));
  }
  history.replaceState(null, "", `#${name}`);
  refresh();
}

async function refresh() {
  try {
    await panels[open].refresh?.();
  } catch (error) {
    notice(error.message);
  }
}

async function showReadiness() {
  const chip = $("readiness");
  try {
    const { ready, parts } = await call("GET", "/readyz");
    const missing = parts.filter((part) => !part.ok);
    chip.className = `chip ${ready ? "ok" : "missing"}`;
    chip.textContent = ready ? "ready" : `missing: ${missing.map((part) => part.name).join(", ")}`;
    chip.title = parts.map((part) => `${part.name}: ${part.message}`).join("\n");
  } catch (error) {
    chip.className = "chip missing";
    chip.textContent = error.message;
  }
}

const faces = new Map(); // person id -> address of a crop, so that a refresh asks for nothing twice

async function faceOf(person) {
  if (!faces.has(person.id) && person.samples) {
    const { samples } = await call("GET", `/v1/people/${person.id}/samples?limit=1`);
    if (samples.length) faces.set(person.id, `/v1/people/${person.id}/samples/${samples[0].id}`);
  }
  return faces.get(person.id);
}

// Whoever is about to press a button keeps it under the finger: what has not changed is not drawn again.
const shown = {};
const changed = (name, value) => shown[name] !== (shown[name] = JSON.stringify(value));

async function showPeople() {
  const { people } = await call("GET", "/v1/people?limit=200");
  if (!changed("people", people)) return;
  const cards = await Promise.all(people.map(card));
  $("people-list").replaceChildren(...cards);
  $("people-empty").hidden = people.length > 0;
}

async function card(person) {
  const address = await faceOf(person).catch(() => null);
  const face = address ? element("img", { src: address, alt: "" }) : element("span", { className: "noface" });
  const about = element("div", {}, element("strong", {}, person.name), element("small", {}, `${person.samples} samples · ${person.live ? "recognised" : "not learned yet"}`));
  const rename = element("button", { type: "button", onclick: () => renamePerson(person) }, "Rename");
  const erase = element("button", { type: "button", className: "danger", onclick: () => erasePerson(person) }, "Delete");
  return element("li", { className: "card" }, face, about, element("div", { className: "actions" }, rename, erase));
}

async function renamePerson(person) {
  const name = prompt("New name", person.name);
  if (!name || name === person.name) return;
  await call("PATCH", `/v1/people/${person.id}`, { json: { name } }).catch((error) => notice(error.message));
  refresh();
}

async function erasePerson(person) {
  const answer = await ask(`Delete ${person.name} with all pictures, and make the models forget them? This cannot be undone.`, [["erase", "Delete", "danger"], ["", "Keep"]]);
  if (!answer) return;
  await call("DELETE", `/v1/people/${person.id}`).then(() => notice(`${person.name} is deleted; the models are being made anew.`), (error) => notice(error.message));
  refresh();
}

async function showModels() {
  const [models, jobs] = await Promise.all([call("GET", "/v1/models?limit=20"), call("GET", "/v1/jobs?limit=20")]);
  if (!changed("models", [models, jobs.jobs])) return;
  table("heads", ["version", "status", "serving", "people", "samples", "threshold", "backbone", "since", ""], models.heads.map((head) => [
    head.version, head.status, head.serving ?? "–", head.people, head.samples ?? "–", head.threshold?.toFixed(3) ?? "–", head.backbone_version, when(head.live_at ?? head.created_at),
    head.status === "superseded" ? element("button", { onclick: () => rollBack(head.version) }, "Bring back") : "",
  ]));
  table("backbones", ["version", "name", "serving", "input", "dim", "licence", "sha256"], models.backbones.map((each) => [
    each.version, each.name, each.serving ?? "–", `${each.input_px} px`, each.dim, each.licence, each.weights_sha256.slice(0, 16),
  ]));
  table("jobs", ["asked", "kind", "status", "head", "attempts", "error"], jobs.jobs.map((job) => [
    when(job.created_at), job.kind, job.status, job.head_version ?? "–", job.attempts, job.error?.message ?? "",
  ]));
}

function table(id, names, rows) {
  const head = element("tr", {}, ...names.map((name) => element("th", {}, name)));
  const body = rows.map((row) => element("tr", {}, ...row.map((cell) => element("td", { className: typeof cell === "string" && /^[A-Za-z]+$/.test(cell) ? cell : "" }, cell instanceof Node ? cell : String(cell)))));
  $(id).replaceChildren(head, ...(body.length ? body : [element("tr", {}, element("td", { colSpan: names.length }, "none yet"))]));
}

async function rollBack(version) {
  if (!(await ask(`Bring the weights of head ${version} back into service?`, [["yes", "Bring back", "primary"], ["", "Cancel"]]))) return;
  await call("POST", `/v1/models/${version}/rollback`).catch((error) => notice(error.message));
  refresh();
}

const when = (time) => (time ? new Date(time).toLocaleString([], { dateStyle: "short", timeStyle: "medium" }) : "–");

recognise.setUp();
enrol.setUp();
for (const name of Object.keys(panels)) $(`tab-${name}`).addEventListener("click", () => select(name));
window.addEventListener("hashchange", () => select(location.hash.slice(1)));
window.addEventListener("pagehide", () => panels[open].leave?.());
select(location.hash.slice(1));
showReadiness();
setInterval(() => {
  if (document.hidden) return;
  showReadiness();
  if (!$("question").open) refresh();
}, REFRESH_MS);
