// The system: which parts there are and what they are made of, who is at the queue, how much room there is, and what
// went wrong of late.

import { element } from "./dom.js";
import { locale } from "./languages.js";
import { NOTHING, table, time, wordCell } from "./table.js";
import { texts } from "./texts.js";
import { word } from "./wording.js";

const UNITS = ["byte", "kilobyte", "megabyte", "gigabyte", "terabyte"];
const STEP = 1000;

// Tiles of the parts, of the queue and of the disks: what is missing, or little, is seen at once.
export function tiles(parts, queue, disks) {
  const shown = parts.map(({ name, ok, message }) => tile(word(texts.readinessPart, name), ok, message));
  const counts = queue ? texts.operate.queue(queue) : texts.operate.noQueue;
  shown.push(tile(texts.operate.waiting, queue !== null, counts), ...disks.map(roomTile));
  return element("dl", { className: "tiles" }, ...shown);
}

function tile(name, ok, message, said = ok ? texts.readiness.ready : texts.operate.missing) {
  const state = element("dd", {}, said);
  state.append(element("small", {}, message));
  return element("div", { className: ok ? "tile" : "tile missing" }, element("dt", {}, name), state);
}

function roomTile({ name, taken_bytes: taken, free_bytes: free, size_bytes: size, low }) {
  const room =
    free === null ? texts.operate.roomElsewhere : texts.operate.room({ free: bytes(free), size: bytes(size) });
  const message = low ? texts.operate.roomLow({ room }) : room;
  return tile(texts.operate.disk({ what: word(texts.disk, name) }), !low, message, bytes(taken));
}

function bytes(count) {
  const power = Math.min(UNITS.length - 1, Math.floor(Math.log(Math.max(count, 1)) / Math.log(STEP)));
  const style = { style: "unit", unit: UNITS[power], maximumFractionDigits: 1 };
  return new Intl.NumberFormat(locale(), style).format(count / STEP ** power);
}

// `jobs` are those that are listed: a worker that is at one of them shows how far it is.
export const workerTable = (workers, jobs) =>
  table(workers, [
    [texts.column.name, (worker) => worker.name],
    [texts.column.status, (worker) => wordCell(texts.workerState, worker.state)],
    [texts.column.job, (worker) => jobOf(worker, jobs)],
    [texts.column.since, (worker) => time(worker.since)],
    [texts.column.seen, (worker) => time(worker.seen)],
  ]);

function jobOf({ job: id }, jobs) {
  const job = jobs.find((each) => each.id === id);
  return job
    ? texts.operate.atJob({ kind: word(texts.training, job.kind), stage: word(texts.stage, job.status) })
    : (id ?? NOTHING);
}

export const softwareTable = (parts) =>
  table(parts, [
    [texts.column.part, (part) => word(texts.part, part.name)],
    [texts.column.madeOf, ({ software }) => (software === null ? texts.operate.away : madeOf(software))],
  ]);

const madeOf = (software) =>
  Object.entries(software)
    .map(([name, version]) => `${name} ${version}`)
    .join(", ") || texts.operate.notTold;

export const errorTable = (errors) =>
  table(errors, [
    [texts.column.last, (error) => time(error.last_at)],
    [texts.column.part, (error) => word(texts.part, error.part)],
    [texts.column.place, (error) => word(texts.training, error.place, error.place)],
    [texts.column.error, (error) => element("td", { className: "long" }, error.message)],
    [texts.column.code, (error) => error.code],
    [texts.column.times, (error) => error.times],
    [texts.column.request, (error) => error.request_id ?? error.job ?? NOTHING],
  ]);
