// Enrol: live before the camera with advice, or from files; then watch it being learned.

import { ApiError, ask, call, element, newKey, notice } from "./api.js";
import { Camera, draw } from "./view.js";

const FRAMES_A_REQUEST = 3;
const $ = (id) => document.getElementById(`enrol-${id}`);
const camera = new Camera();
const WANTED = { turn_left: "left", turn_right: "right", look_up: "up", look_down: "down", look_straight: "straight" };
const STATES = { queued: "waiting to be learned", training: "learning", evaluating: "checking that nobody else suffers", loading: "loading the new head", live: "Done: recognised from now on.", failed: "This did not work." };
let current = null;

export function setUp() {
  $("form").addEventListener("submit", (event) => { event.preventDefault(); capture(); });
  $("files").addEventListener("change", (event) => { const files = [...event.target.files]; event.target.value = ""; upload(files); });
  $("finish").addEventListener("click", () => { if (current) current.enough = true; });
  $("cancel").addEventListener("click", giveUp);
}

export function leave() {
  camera.stop();
  if (current && !current.closed) giveUp();
}

async function capture() {
  const opened = await open({ name: $("name").value }).catch((error) => { notice(error.message); return null; });
  if (!opened) return;
  const enrollment = { id: opened.id, enough: false, closed: false };
  current = enrollment;
  try {
    await camera.start();
    $("empty").hidden = true;
    tell(opened);
    await collect(enrollment);
  } catch (error) {
    if (current !== enrollment) return; // given up meanwhile
    notice(error.message);
    await giveUp();
  } finally {
    if (current === enrollment) {
      camera.stop();
      $("hint").hidden = true;
    }
  }
}

async function open(body) {
  try {
    return await call("POST", "/v1/enrollments", { json: body, key: newKey() });
  } catch (error) {
    if (error.code !== "name_taken") throw error;
    const [person] = error.details.people;
    const answer = await ask(`${person.name} is enrolled already. Is this the same person?`, [["same", "The same person: add pictures", "primary"], ["other", "Another person of that name"], ["", "Cancel"]]);
    if (answer === "same") return open({ person_id: person.id });
    return answer === "other" ? open({ ...body, allow_same_name: true }) : null;
  }
}

async function collect(enrollment) {
  while (current === enrollment && camera.on) {
    const form = new FormData();
    for (let count = 0; count < FRAMES_A_REQUEST; count += 1) {
      const { canvas, blob } = await camera.frame();
      draw($("view"), canvas, [], true);
      form.append("frames", blob, "frame.jpg");
      await new Promise(requestAnimationFrame);
    }
    const state = await call("POST", `/v1/enrollments/${enrollment.id}/frames`, { body: form });
    if (current !== enrollment) return;
    tell(state);
    if (state.advice === "finish" || enrollment.enough) {
      enrollment.enough = false;
      camera.stop();
      return void (await finish(enrollment));
    }
  }
}

async function finish(enrollment, if_known = "ask") {
  try {
    tell(await call("POST", `/v1/enrollments/${enrollment.id}/finish`, { json: { if_known } }));
    enrollment.closed = true;
    watch(enrollment.id);
  } catch (error) {
    if (error.code !== "already_known") throw error;
    const answer = await sameOrOther(error);
    await (answer ? finish(enrollment, answer) : giveUp());
  }
}

async function sameOrOther(error) {
  const name = error.details.person.name;
  const share = Math.round(error.details.share * 100);
  return ask(`This face is already known as ${name} (${share} % of the pictures).`, [["add", `It is ${name}: add the pictures`, "primary"], ["new", "It is another person"], ["", "Cancel"]]);
}

async function upload(files, more = {}) {
  if (!files.length) return;
  const form = new FormData();
  form.append("name", $("name").value);
  for (const [name, value] of Object.entries(more)) form.append(name, value);
  files.forEach((file) => form.append("frames", file, file.name));
  $("progress").hidden = false;
  $("state").textContent = `sending ${files.length} file${files.length > 1 ? "s" : ""} …`;
  try {
    const state = await call("POST", "/v1/enroll", { body: form });
    current = { id: state.id, closed: true };
    tell(state);
    watch(state.id);
  } catch (error) {
    $("progress").hidden = true;
    if (error.code === "already_known") {
      const answer = await sameOrOther(error);
      if (answer) await upload(files, { ...more, if_known: answer });
    } else if (error.code === "name_taken") {
      const answer = await ask(`${$("name").value} is enrolled already.`, [["true", "Another person of that name", "primary"], ["", "Cancel"]]);
      if (answer) await upload(files, { ...more, allow_same_name: "true" });
    } else {
      notice(error.message);
    }
  }
}

function watch(id) {
  const events = new EventSource(`/v1/enrollments/${id}/events`);
  events.addEventListener("state", (event) => {
    const state = JSON.parse(event.data);
    if (current?.id === id) tell(state);
    if (["live", "failed"].includes(state.status)) events.close();
  });
  events.addEventListener("deleted", () => events.close());
}

async function giveUp() {
  const enrollment = current;
  current = null;
  camera.stop();
  $("progress").hidden = true;
  $("hint").hidden = true;
  $("empty").hidden = false;
  if (!enrollment || enrollment.closed) return;
  try {
    await call("DELETE", `/v1/enrollments/${enrollment.id}`);
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
  }
}

function tell(state) {
  const capturing = ["open", "capturing"].includes(state.status);
  $("progress").hidden = false;
  $("bar").value = state.progress;
  $("state").textContent = capturing ? `${Math.min(state.usable, state.wanted)} of ${state.wanted} frames, ${state.accepted} kept` : STATES[state.status] + (state.error ? ` ${state.error.message}` : "");
  $("hint").hidden = !capturing;
  $("hint").textContent = state.hint ?? "";
  for (const place of $("poses").children) {
    place.querySelector("b").textContent = state.poses[place.dataset.pose];
    place.classList.toggle("wanted", capturing && WANTED[state.advice] === place.dataset.pose);
  }
  $("refused").replaceChildren(...Object.entries(state.refused).map(([reason, count]) => element("li", {}, `${count} × ${reason.replaceAll("_", " ")}`)));
  $("finish").hidden = $("cancel").hidden = !capturing;
}
