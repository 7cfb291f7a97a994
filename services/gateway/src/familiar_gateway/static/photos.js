// Photos: folders that are sorted by who is on their pictures; one of them is shown by `album.js`.

import * as album from "./album.js";
import { call } from "./api.js";
import { notice, orNotice } from "./dialog.js";
import { element, rememberLast, within, write } from "./dom.js";
import { texts } from "./texts.js";
import { word } from "./wording.js";

const AT_ONCE = 2; // pictures that are sent at the same time
const MOST_LISTED = 100;
const $ = within("photos");
const changed = rememberLast();
let one = ""; // the id of the job that is shown, if one is
let under = ""; // what is said of the sending that is under way

export function setUp() {
  $("form").addEventListener("submit", (event) => {
    event.preventDefault();
    orNotice(begin({ folder: $("folder").value.trim() }));
  });
  $("files").addEventListener("change", () => {
    const files = [...$("files").files];
    $("files").value = "";
    if (files.length) orNotice(send(files));
  });
}

export async function enter(id) {
  one = id;
  $("all").hidden = Boolean(id);
  $("one").hidden = !id;
  if (id) await album.enter($("one"), id);
  else await refresh();
}

export async function refresh() {
  if (one) return album.refresh();
  const { photos } = await call("GET", `v1/photos?limit=${MOST_LISTED}`);
  if (one) return null;
  if (changed(photos)) $("list").replaceChildren(...photos.map(card));
  return write($("shown"), under || (photos.length ? "" : texts.photos.none));
}

function card(job) {
  const about = element(
    "span",
    {},
    element("strong", {}, job.folder),
    element("small", {}, word(texts.photoStatus, job.status)),
    element("small", {}, texts.photos.counts(job)),
  );
  return element("li", {}, element("a", { className: "card", href: `#photos/${job.id}` }, about));
}

async function begin(json) {
  const { id } = await call("POST", "v1/photos", { json });
  window.location.hash = `photos/${id}`;
}

// Sends pictures of this device, each of which is looked at and not kept; then they are sorted.
async function send(files) {
  const pictures = files.filter((file) => /\.(jp(e|eg|g)|jfif|png|webp|hei[cf]|hif|avif)$/i.test(file.name));
  const { id } = await call("POST", "v1/photos", { json: { upload: nameOf(files[0]) } });
  let next = 0;
  let sent = 0;
  const sender = async () => {
    while (next < pictures.length) {
      const file = pictures[next];
      next += 1;
      await sendOne(id, file);
      sent += 1;
      under = texts.photos.sending({ sent, total: pictures.length });
      write($("shown"), under);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, sender)).finally(() => {
    under = "";
  });
  await call("POST", `v1/photos/${id}/resume`);
  window.location.hash = `photos/${id}`;
}

async function sendOne(id, file) {
  const path = encodeURIComponent(file.webkitRelativePath || file.name);
  try {
    await call("POST", `v1/photos/${id}/pictures?path=${path}`, { body: file, type: "application/octet-stream" });
  } catch (error) {
    if (!["too_large", "invalid_query"].includes(error.code)) throw error;
    notice(texts.photos.notSent({ name: file.name, why: error.message }));
  }
}

const nameOf = (file) => file.webkitRelativePath?.split("/")[0] || file.name;
