// Keys and the audit, for operators: who may do what, and who did what.

import { call } from "./api.js";
import { ask, notice, orNotice } from "./dialog.js";
import { element } from "./dom.js";
import { may } from "./session.js";
import { NOTHING, table, time, wordCell } from "./table.js";
import { texts } from "./texts.js";
import { word } from "./wording.js";

const SCOPES = ["recognize", "enroll", "people", "sightings", "events", "operate"];

// `again` is called when a key was made or revoked.
export const keyTable = ({ keys }, again) =>
  table(keys, [
    [texts.column.name, (key) => key.name],
    [texts.column.kind, (key) => word(texts.keyKind, key.kind)],
    [texts.column.scopes, (key) => key.scopes.map((scope) => word(texts.scope, scope)).join(", ")],
    [texts.column.camera, (key) => key.camera ?? NOTHING],
    [texts.column.status, (key) => wordCell(texts.keyStatus, key.status)],
    [texts.column.used, (key) => time(key.used_at)],
    [texts.column.expires, (key) => time(key.expires_at)],
    [texts.column.action, (key) => revokeButton(key, again)],
  ]);

export const auditTable = ({ entries }) =>
  table(entries, [
    [texts.column.at, (entry) => time(entry.at)],
    [texts.column.who, (entry) => entry.who?.name ?? NOTHING],
    [texts.column.address, (entry) => entry.address ?? NOTHING],
    [texts.column.action, (entry) => word(texts.audit, entry.action)],
    [texts.column.target, (entry) => entry.name ?? entry.target],
  ]);

function revokeButton(key, again) {
  if (key.status !== "valid") return "";
  const revoking = () => orNotice(revoke(key, again));
  return element("button", { type: "button", className: "danger", onclick: revoking }, texts.access.revoke);
}

async function revoke({ id, name }, again) {
  const answer = await ask(texts.access.revokeQuestion({ name }), [
    { value: "yes", label: texts.access.revoke, look: "danger" },
    { value: "", label: texts.question.cancel },
  ]);
  if (!answer) return;
  await call("DELETE", `v1/keys/${id}`);
  await again();
}

// A form that makes a key, which is shown once.
export function keyForm(again) {
  const name = element("input", { required: true, maxLength: 80, autocomplete: "off" });
  const camera = element("input", { maxLength: 80, autocomplete: "off" });
  const until = element("input", { type: "date", min: dayOf(new Date()) });
  const boxes = SCOPES.filter(may).map((value) => element("input", { type: "checkbox", value }));
  const scopes = boxes.map((box) => element("label", { className: "check" }, box, word(texts.scope, box.value)));
  const form = element(
    "form",
    { className: "actions" },
    element("label", { className: "field" }, texts.access.keyName, name),
    element("fieldset", {}, element("legend", {}, texts.column.scopes), ...scopes),
    element("label", { className: "field" }, texts.access.keyCamera, camera),
    element("label", { className: "field" }, texts.access.keyUntil, until),
    element("button", { className: "primary" }, texts.access.make),
  );
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const chosen = boxes.filter((box) => box.checked).map((box) => box.value);
    const wanted = {
      name: name.value,
      scopes: chosen,
      camera: camera.value.trim() || null,
      expires_at: endOf(until.value),
    };
    if (chosen.length) orNotice(make(wanted, again).then(() => form.reset()));
    else notice(texts.access.noScope);
  });
  return form;
}

// A day as its field has it, where the page is.
const dayOf = (date) =>
  [date.getFullYear(), date.getMonth() + 1, date.getDate()].map((part) => String(part).padStart(2, "0")).join("-");

// A key is good until the end of the day that is chosen, where the page is.
function endOf(day) {
  if (!day) return null;
  const [year, month, date] = day.split("-").map(Number);
  return new Date(year, month - 1, date + 1).toISOString();
}

async function make(wanted, again) {
  const { secret } = await call("POST", "v1/keys", { json: wanted });
  await ask(texts.access.made({ secret }), [{ value: "yes", label: texts.access.kept, look: "primary" }]);
  await again();
}
