// The page: which view is open, and what is asked anew while it is shown. A view's address is `#view` or `#view/which`.

import { isAsking, orNotice } from "./dialog.js";
import { $ } from "./dom.js";
import { offerLanguages, speak } from "./languages.js";
import { showReadiness } from "./readiness.js";
import { begin, daysKept, isShut, may } from "./session.js";
import { texts } from "./texts.js";
import { writeTexts } from "./wording.js";

const REFRESH_MS = 2500;
const HOME = "home";
// What is behind a view comes when it is opened for the first time, so that the first one is there soon. `scope` is what
// one must be let to do to see it; one that is not `there` is not offered.
const views = {
  home: {},
  recognise: { scope: "recognize", load: () => import("./recognise.js") },
  enrol: { scope: "enroll", load: () => import("./enrol.js") },
  people: { scope: "people", load: () => import("./people.js") },
  visitors: { scope: "sightings", there: () => daysKept() > 0, load: () => import("./visitors.js") },
  photos: { scope: "people", load: () => import("./photos.js") },
  operate: { scope: "operate", load: () => import("./operate.js") },
};
let opened = HOME;

async function open(name, which) {
  views[opened].module?.leave?.();
  opened = name;
  mark(name);
  const shut = isShut();
  if (!shut) await load(views[name]); // what can be pressed does something from the beginning
  if (opened !== name || isShut() !== shut) return; // another view was asked for meanwhile
  for (const section of $("main").children) section.hidden = section.id !== (shut ? "sign-in" : name);
  window.scrollTo(0, 0);
  if (shut) $("sign-in-title").focus();
  else await views[name].module?.enter(which);
}

// A module may have setUp(), called once, enter(which), called when its view is opened, refresh(), called from time to
// time, and leave().
async function load(view) {
  if (view.module || !view.load) return;
  const module = await view.load();
  if (!view.module) module.setUp?.(); // it may have been asked for twice
  view.module = module;
}

// Says which view is open, and offers those that may be seen.
function mark(name) {
  for (const link of document.querySelectorAll("nav a, a.door")) {
    const leads = link.getAttribute("href").slice(1);
    link.hidden = isShut() || !isOffered(views[leads]);
    if (leads === name) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  document.title = name === HOME ? texts.page.name : texts.page.title({ view: texts.page[name] });
}

const isOffered = ({ scope, there }) => (!scope || may(scope)) && (!there || there());

function openAddressed() {
  const [name, which = ""] = window.location.hash.slice(1).split("/");
  const known = Object.keys(views).includes(name) && isOffered(views[name]);
  return orNotice(open(known ? name : HOME, which));
}

async function refresh() {
  if (document.hidden) return;
  showReadiness();
  if (!(isAsking() || isShut())) await views[opened].module?.refresh?.().catch(() => {}); // the readiness tells what is away
}

async function start() {
  await speak().catch(() => {}); // in English, which is here already
  writeTexts();
  offerLanguages();
  $("skip").addEventListener("click", (event) => {
    event.preventDefault();
    $("main").focus();
  });
  await begin(openAddressed).catch(() => {}); // the gateway is away; the readiness says so
  for (const part of document.querySelectorAll("header, main, footer")) part.hidden = false; // not without its texts
  openAddressed();
  window.addEventListener("hashchange", openAddressed);
  window.addEventListener("pagehide", () => views[opened].module?.leave?.());
  showReadiness();
  setInterval(refresh, REFRESH_MS);
}

start();
