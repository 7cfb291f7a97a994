// Talking to the API: one error class, a patient retry where the server says that trying again may work.

import { texts } from "./texts.js";

const RETRIES = 3;
const RETRY_PAUSE_MS = 400;
const NO_CONTENT = 204;

export class ApiError extends Error {
  constructor({ code, message, retryable, details }) {
    super(message);
    this.code = code;
    this.retryable = retryable;
    this.details = details;
  }
}

// Resolves to the JSON of the answer, null if it has none. `key` is the idempotency key.
export async function call(method, path, { json, body, type, key } = {}) {
  const headers = {};
  if (json !== undefined) headers["Content-Type"] = "application/json";
  if (type) headers["Content-Type"] = type;
  if (key) headers["Idempotency-Key"] = key;
  const request = { method, headers, body: json === undefined ? body : JSON.stringify(json) };
  for (let attempt = 1; ; attempt += 1) {
    const answer = await once(path, request);
    if (!(answer instanceof ApiError)) return answer;
    if (!answer.retryable || attempt === RETRIES) throw answer;
    await pause(RETRY_PAUSE_MS * attempt);
  }
}

async function once(path, request) {
  const response = await fetch(path, request).catch(() => null);
  if (response === null) return unreachable();
  if (response.status === NO_CONTENT) return null;
  const content = await response.json().catch(() => null);
  const notReady = path === "/readyz" && content?.parts; // a 503 that says what is missing is an answer
  if (response.ok || notReady) return content;
  return new ApiError(content?.error ?? wordless(response.status));
}

const unreachable = () =>
  new ApiError({ code: "unreachable", message: texts.server.silent, retryable: true, details: {} });

const wordless = (status) => ({
  code: "unknown",
  message: texts.server.status({ status }),
  retryable: false,
  details: {},
});

export const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

// crypto.randomUUID exists on https and localhost only.
export function newKey() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
