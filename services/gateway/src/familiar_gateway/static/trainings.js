// Trainings: what waits, what runs and how far it is, what failed and why, and trying that again.

import { call } from "./api.js";
import { ask, orNotice } from "./dialog.js";
import { element } from "./dom.js";
import { NOTHING, table, time, wordCell } from "./table.js";
import { texts } from "./texts.js";

// `again` is called when one was asked for.
export const jobTable = (jobs, again) =>
  table(jobs, [
    [texts.column.asked, (job) => time(job.created_at)],
    [texts.column.kind, (job) => wordCell(texts.training, job.kind)],
    [texts.column.status, (job) => wordCell(texts.stage, job.status)],
    [texts.column.progress, (job) => (job.ended_at ? NOTHING : bar(job.progress))],
    [texts.column.head, (job) => job.head_version ?? NOTHING],
    [texts.column.attempts, (job) => job.attempts],
    [texts.column.error, (job) => element("td", { className: "long" }, job.error?.message ?? "")],
    [texts.column.action, (job) => retryButton(job, again)],
  ]);

function bar(progress) {
  const made = element("progress", { max: 1, value: progress });
  made.setAttribute("aria-label", texts.column.progress);
  return made;
}

function retryButton(job, again) {
  if (!job.can_retry) return "";
  return element("button", { type: "button", onclick: () => orNotice(retry(job, again)) }, texts.operate.retry);
}

async function retry({ id }, again) {
  const answer = await ask(texts.operate.retryQuestion, [
    { value: "yes", label: texts.operate.retry, look: "primary" },
    { value: "", label: texts.question.cancel },
  ]);
  if (!answer) return;
  await call("POST", `v1/jobs/${id}/retry`);
  await again();
}
