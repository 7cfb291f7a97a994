// The session: what may be done here, by whom, and signing in where that is asked for.

import { call, credentials } from "./api.js";
import { orNotice } from "./dialog.js";
import { $ } from "./dom.js";
import { texts } from "./texts.js";

const EVERYTHING = ["recognize", "enroll", "people", "sightings", "events", "operate"];
const KEY_PREFIX = "fam_";
const DAY_S = 86400;
// Until it is known: what is not allowed is refused, and then it is.
let present = { access: "loopback", who: null, scopes: EVERYTHING };
let changed = () => {};

export const may = (scope) => present.scopes.includes(scope);

// For how many days each face that is recognised is kept; 0 where none is.
export const daysKept = () => Math.ceil((present.sightings_kept_s ?? 0) / DAY_S);

// Whether nobody is let in who has not signed in.
export const isShut = () => present.access === "keys" && present.who === null;

// Asks who is signed in; `whenChanged` is called whenever that is another, or nobody any more.
export async function begin(whenChanged) {
  changed = whenChanged;
  credentials.ended = () => {
    if (!isShut()) ask().catch(() => {}); // the next answer asks again
  };
  credentials.renew = ask;
  $("sign-in-form").addEventListener("submit", (event) => {
    event.preventDefault();
    signIn();
  });
  $("sign-out").addEventListener("click", () => orNotice(signOut()));
  await ask();
}

// Resolves to whether there is a session now.
async function ask() {
  take(await call("GET", "v1/session"));
  return present.who !== null;
}

function take(session) {
  const before = JSON.stringify([present.access, present.who, present.scopes]);
  present = session;
  credentials.csrf = session.csrf;
  $("open-to-all").hidden = session.access !== "open";
  $("sign-out").hidden = session.who === null;
  $("sign-out").textContent = session.who ? texts.session.signOut({ name: session.who.name }) : "";
  if (JSON.stringify([session.access, session.who, session.scopes]) !== before) changed();
}

async function signIn() {
  const name = $("sign-in-name").value.trim();
  const secret = $("sign-in-secret").value.trim();
  const json = name && !secret.startsWith(KEY_PREFIX) ? { name, password: secret } : { key: secret };
  const trouble = $("sign-in-trouble");
  trouble.hidden = true;
  try {
    take(await call("POST", "v1/session", { json, patience: 1 }));
    $("sign-in-secret").value = "";
  } catch (error) {
    trouble.textContent = error.waitMs ? texts.session.tooOften({ seconds: error.waitMs / 1000 }) : error.message;
    trouble.hidden = false;
  }
}

async function signOut() {
  await call("DELETE", "v1/session");
  await ask();
}
