// Talking to the API: one error class, and patience where the server says that trying again may work.
//
// Addresses are relative to the page, so that it works wherever it is put.

import { texts } from "./texts.js";
import { word } from "./wording.js";

const PATIENCE = 4; // tries
const PAUSE_MS = 400;
const LONGEST_PAUSE_MS = 10_000;
const NO_CONTENT = 204;
const UNAUTHORIZED = 401;

// What every request carries, and who is told that nobody is signed in any more; `session.js` sets both.
export const credentials = { csrf: null, ended: () => {}, renew: () => Promise.resolve(false) };

export class ApiError extends Error {
  constructor({ code, message, retryable, details }, { status = 0, waitMs = 0 } = {}) {
    super(word(texts.problem, code, message));
    this.code = code;
    this.retryable = retryable;
    this.details = details;
    this.status = status;
    this.waitMs = waitMs; // what the server asks for before the next try
  }
}

// Resolves to the JSON of the answer, null if it has none. `key` is the idempotency key; `patience` how often it is
// tried where that may help; `signal` ends it, and with `keepalive` it outlives the page.
export async function call(method, path, { patience = PATIENCE, ...content } = {}) {
  const request = requestOf(method, content);
  for (let attempt = 1; ; attempt += 1) {
    const answer = await once(path, request);
    if (!(answer instanceof ApiError)) return answer;
    if (content.signal?.aborted) throw answer;
    const renewed = answer.code === "csrf_failed" && attempt === 1 && (await credentials.renew());
    if (!renewed && (!answer.retryable || attempt >= patience)) throw answer;
    if (!renewed) await pause(Math.min(answer.waitMs || PAUSE_MS * attempt, LONGEST_PAUSE_MS));
  }
}

function requestOf(method, { json, body, type, key, signal, keepalive }) {
  const headers = {};
  if (json !== undefined) headers["Content-Type"] = "application/json";
  if (type) headers["Content-Type"] = type;
  if (key) headers["Idempotency-Key"] = key;
  return { method, headers, body: json === undefined ? body : JSON.stringify(json), signal, keepalive };
}

async function once(path, request) {
  if (credentials.csrf) request.headers["X-CSRF-Token"] = credentials.csrf;
  const response = await fetch(path, request).catch(() => null);
  if (response === null) return unreachable();
  if (response.status === NO_CONTENT) return null;
  const content = await response.json().catch(() => null);
  const notReady = path === "readyz" && content?.parts; // a 503 that says what is missing is an answer
  if (response.ok || notReady) return content;
  const waitMs = 1000 * Number(response.headers.get("Retry-After") ?? 0);
  const error = new ApiError(content?.error ?? wordless(response.status), { status: response.status, waitMs });
  if (error.status === UNAUTHORIZED && error.code !== "sign_in_failed") credentials.ended();
  return error;
}

const unreachable = () =>
  new ApiError({ code: "unreachable", message: texts.problem.unreachable, retryable: true, details: {} });

const wordless = (status) => ({
  code: "unknown",
  message: texts.server.status({ status }),
  retryable: status >= 502,
  details: {},
});

export const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

// crypto.randomUUID exists on https and localhost only.
export function newKey() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
