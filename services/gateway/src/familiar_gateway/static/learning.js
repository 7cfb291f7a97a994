// Learning: an enrolment is watched until it is live or has failed, and nobody stays who could not be learned.

import { call, pause } from "./api.js";

const POLL_MS = 1000;
const ENDED = ["live", "failed"];

// Calls `told` with each state; resolves to the last one, null if it was deleted. A stream tells it at once; where
// there is none, or it breaks off for good, the enrolment is asked for instead.
export async function watch(id, told) {
  const last = await streamed(id, told);
  return last === undefined ? polled(id, told) : last;
}

// Resolves to undefined if the stream ended before the enrolment did.
function streamed(id, told) {
  return new Promise((resolve) => {
    const events = new EventSource(`v1/enrollments/${id}/events`);
    const end = (value) => {
      events.close();
      resolve(value);
    };
    events.addEventListener("state", (event) => {
      const state = JSON.parse(event.data);
      told(state);
      if (ENDED.includes(state.status)) end(state);
    });
    events.addEventListener("deleted", () => end(null));
    events.addEventListener("error", () => {
      if (events.readyState === EventSource.CLOSED) end(undefined);
    });
  });
}

async function polled(id, told) {
  for (;;) {
    try {
      const state = await call("GET", `v1/enrollments/${id}`);
      told(state);
      if (ENDED.includes(state.status)) return state;
    } catch (error) {
      if (error.code === "enrollment_not_found") return null;
      if (!error.retryable) throw error;
    }
    await pause(POLL_MS);
  }
}

// What could not be learned is not left behind; somebody learned before stays.
export async function forgetUnlearned(ids) {
  for (const id of ids) await call("DELETE", `v1/enrollments/${id}`).catch(passOver);
}

// One that is gone already is forgotten.
function passOver(error) {
  if (error.code !== "enrollment_not_found") throw error;
}
