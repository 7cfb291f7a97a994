// The page: its tabs, of which one is open, and what is asked anew while it is shown.

import { orNotice } from "./dialog.js";
import { $ } from "./dom.js";
import * as enrol from "./enrol.js";
import * as models from "./models.js";
import * as people from "./people.js";
import { showReadiness } from "./readiness.js";
import * as recognise from "./recognise.js";
import { writeTexts } from "./wording.js";

const REFRESH_MS = 2500;
// A tab may have refresh(), called when it is opened and from time to time, and leave(), called when it is left.
const tabs = { recognise, enrol, people, models };
let opened = "recognise";

function open(name) {
  if (!(name in tabs) || name === opened) return;
  tabs[opened].leave?.();
  opened = name;
  for (const each of Object.keys(tabs)) {
    $(each).hidden = each !== name;
    $(`tab-${each}`).setAttribute("aria-selected", String(each === name));
  }
  history.replaceState(null, "", `#${name}`);
  refresh();
}

async function refresh() {
  const tab = tabs[opened];
  if (tab.refresh) await orNotice(tab.refresh());
}

const openAddressed = () => open(location.hash.slice(1));

writeTexts();
for (const part of document.querySelectorAll("header, main")) part.hidden = false; // nobody sees it without its texts
recognise.setUp();
enrol.setUp();
for (const name of Object.keys(tabs)) $(`tab-${name}`).addEventListener("click", () => open(name));
window.addEventListener("hashchange", openAddressed);
window.addEventListener("pagehide", () => tabs[opened].leave?.());
openAddressed();
showReadiness();
setInterval(() => {
  if (document.hidden) return;
  showReadiness();
  if (!$("question").open) refresh();
}, REFRESH_MS);
