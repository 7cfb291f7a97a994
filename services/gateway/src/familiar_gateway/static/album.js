// One folder of photos: how far it is, who is on its pictures, and a page of the faces of each; putting that right.

import { call } from "./api.js";
import { ask, notice, orNotice } from "./dialog.js";
import { element, rememberLast } from "./dom.js";
import { answerTo, askForName } from "./questions.js";
import { texts } from "./texts.js";
import { word } from "./wording.js";

const FACES = 200;
const changed = rememberLast();
let place = null;
let id = "";
let shown = null; // whose faces are shown: {person} or {stranger}

export async function enter(where, job) {
  place = where;
  id = job;
  shown = null;
  changed(null);
  place.replaceChildren();
  await refresh();
  place.querySelector("h1")?.focus();
}

export async function refresh() {
  const asked = id;
  const [job, found] = await Promise.all([
    call("GET", `v1/photos/${id}`),
    call("GET", `v1/photos/${id}/people?limit=1000`),
  ]);
  const faces = shown ? await facesOf(shown) : null;
  if (asked === id && changed([job, found, faces])) draw(job, found, faces);
}

const facesOf = (whose) => call("GET", `v1/photos/${id}/faces?limit=${FACES}&${new URLSearchParams(whose)}`);

function draw(job, found, faces) {
  const bar = element("progress", { max: 1, hidden: job.progress === null, value: job.progress ?? 0 });
  bar.setAttribute("aria-label", texts.enrol.progress);
  place.replaceChildren(
    element("a", { href: "#photos" }, texts.photos.back),
    element("h1", { tabIndex: -1 }, job.folder),
    element("p", { className: "soft" }, word(texts.photoStatus, job.status), " · ", texts.photos.counts(job)),
    ...(job.error ? [element("p", { className: "trouble" }, job.error.message)] : []),
    bar,
    actions(job),
    ...(faces ? page(faces) : everybody(found)),
  );
}

function actions(job) {
  const buttons = [];
  const button = (label, work, className = "") =>
    buttons.push(element("button", { type: "button", className, onclick: () => orNotice(work()) }, label));
  if (["queued", "sorting"].includes(job.status)) button(texts.photos.pause, () => act("pause"));
  else button(job.status === "done" ? texts.photos.again : texts.photos.resume, () => act("resume"));
  const results = [
    element("a", { className: "button", href: `v1/photos/${id}/faces.csv` }, texts.photos.table),
    element("a", { className: "button", href: `v1/photos/${id}/results.zip` }, texts.photos.results),
  ];
  buttons.push(...results);
  button(texts.photos.remove, remove, "danger");
  return element("div", { className: "actions" }, ...buttons);
}

async function act(what) {
  await call("POST", `v1/photos/${id}/${what}`);
  await refresh();
}

async function remove() {
  const answer = await ask(texts.photos.removeQuestion, [
    { value: "remove", label: texts.photos.remove, look: "danger" },
    { value: "", label: texts.question.cancel },
  ]);
  if (!answer) return;
  await call("DELETE", `v1/photos/${id}`);
  window.location.hash = "photos";
}

function everybody({ people, strangers }) {
  const known = people.map((each) => card(each, each.person.name, { person: each.person.id }));
  const unknown = strangers.map((each) => card(each, texts.photos.stranger, { stranger: each.id }));
  return [
    element("h2", {}, texts.page.people),
    element("ul", { className: "cards" }, ...known),
    element("h2", {}, texts.photos.strangers),
    element("ul", { className: "cards" }, ...unknown),
  ];
}

function card(group, name, whose) {
  const about = element(
    "span",
    {},
    element("strong", {}, name),
    element("small", {}, texts.photos.group({ faces: group.faces, photos: group.photos })),
  );
  const open = () => orNotice(show(whose));
  const picture = face(group.face, "");
  return element("li", {}, element("button", { type: "button", className: "card", onclick: open }, picture, about));
}

const face = (faceId, alt) =>
  element("img", { className: "face", src: `v1/photos/${id}/faces/${faceId}`, alt, loading: "lazy" });

async function show(whose) {
  shown = whose;
  await refresh();
  place.querySelector("h2")?.focus();
}

// The page of one person, or of one stranger.
function page({ faces, total }) {
  const name = faces[0]?.person?.name ?? texts.photos.stranger;
  const naming = () => orNotice(nameThem({ ...shown }));
  const back = element("button", { type: "button", onclick: () => orNotice(show(null)) }, texts.photos.everybody);
  const buttons = [back];
  if (shown.stranger) {
    buttons.push(element("button", { type: "button", className: "primary", onclick: naming }, texts.photos.whoIsThis));
  }
  const items = faces.map((each) => {
    const wrong = () => orNotice(unname(each.id));
    const button = element("button", { type: "button", onclick: wrong }, texts.photos.notThem);
    const files = element("small", {}, each.files.join(", "));
    return element("li", {}, face(each.id, each.files[0] ?? ""), files, ...(each.person ? [button] : []));
  });
  return [
    element("h2", { tabIndex: -1 }, name, ` (${total})`),
    element("div", { className: "actions" }, ...buttons),
    element("ul", { className: "samples" }, ...items),
  ];
}

// Says who a stranger is: an enrolment, which asks what any other does.
async function nameThem(whose) {
  const fields = { ...whose, name: await askForName("") };
  if (!fields.name) return;
  for (;;) {
    try {
      await call("POST", `v1/photos/${id}/name`, { json: fields });
      notice(texts.photos.named({ name: fields.name ?? "" }));
      await show(null);
      return;
    } catch (error) {
      if (error.code === "too_few_samples") throw error;
      const answer = await answerTo(error, "files");
      if (!answer || answer.next) return;
      Object.assign(fields, answer.fields);
    }
  }
}

async function unname(faceId) {
  await call("POST", `v1/photos/${id}/unname`, { json: { faces: [faceId] } });
  await refresh();
}
