// Talking to the API: one error class, a patient retry where the server says that trying again may work.

const RETRIES = 3;

export class ApiError extends Error {
  constructor(error) {
    super(error.message);
    this.code = error.code;
    this.retryable = error.retryable;
    this.details = error.details;
  }
}

export async function call(method, path, { json, body, type, key } = {}) {
  const headers = {};
  if (json !== undefined) [body, headers["Content-Type"]] = [JSON.stringify(json), "application/json"];
  if (type) headers["Content-Type"] = type;
  if (key) headers["Idempotency-Key"] = key;
  for (let attempt = 1; ; attempt += 1) {
    const answer = await once(method, path, headers, body);
    if (!(answer instanceof ApiError)) return answer;
    if (!answer.retryable || attempt === RETRIES) throw answer;
    await pause(400 * attempt);
  }
}

async function once(method, path, headers, body) {
  let answer;
  try {
    answer = await fetch(path, { method, headers, body });
  } catch {
    return new ApiError({ code: "unreachable", message: "the server does not answer", retryable: true, details: {} });
  }
  if (answer.status === 204) return null;
  const content = await answer.json().catch(() => null);
  if (answer.ok || (path === "/readyz" && content?.parts)) return content;
  return new ApiError(content?.error ?? { code: "unknown", message: `status ${answer.status}`, retryable: false, details: {} });
}

export const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

// crypto.randomUUID exists on https and localhost only.
export const newKey = () => [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");

export function notice(text) {
  const place = document.getElementById("notice");
  place.textContent = text;
  place.hidden = false;
  clearTimeout(notice.timer);
  notice.timer = setTimeout(() => { place.hidden = true; }, 6000);
}

// Asks a question; answers is a list of [value, label, class]. Resolves to the value chosen, null if none was.
export function ask(text, answers) {
  const dialog = document.getElementById("question");
  document.getElementById("question-text").textContent = text;
  const buttons = answers.map(([value, label, look]) => element("button", { value, className: look ?? "" }, label));
  document.getElementById("question-answers").replaceChildren(...buttons);
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((resolve) => dialog.addEventListener("close", () => resolve(dialog.returnValue || null), { once: true }));
}

export function element(tag, properties = {}, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}
