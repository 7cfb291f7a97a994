// Who came by: faces that are asked about, strangers, of whom one can say who they are, and the last sightings.

import { call } from "./api.js";
import { askFor, notice, orNotice } from "./dialog.js";
import { element, rememberLast, within, write } from "./dom.js";
import { card, contradictionLine, learnedLine, sayOf } from "./feedback.js";
import { locale } from "./languages.js";
import { answerTo } from "./questions.js";
import { texts } from "./texts.js";

const MOST_STRANGERS = 24;
const MOST_SIGHTINGS = 48;
const MOST_ASKED = 12;
const MOST_SAID = 100;
const $ = within("visitors");
const changed = rememberLast();

export async function enter() {
  $("title").focus({ preventScroll: true });
  await refresh();
}

export async function refresh() {
  const [{ strangers, total }, { sightings }, { faces }, { days }, { feedback }] = await Promise.all([
    call("GET", `v1/strangers?limit=${MOST_STRANGERS}`),
    call("GET", `v1/sightings?limit=${MOST_SIGHTINGS}`),
    call("GET", `v1/quarantine?limit=${MOST_ASKED}`),
    call("GET", "v1/learned?limit=1"),
    call("GET", `v1/feedback?limit=${MOST_SAID}`),
  ]);
  const contradicting = feedback.filter((each) => each.contradicts);
  const asked = faces.filter((each) => each.person);
  if (!changed([strangers, total, sightings, asked, days, contradicting])) return;
  showUse(asked, days, contradicting);
  write($("strangers-shown"), texts.visitors.strangers({ shown: strangers.length, total }));
  $("strangers").replaceChildren(...strangers.map(strangerCard));
  write($("sightings-shown"), sightings.length ? "" : texts.visitors.nobody);
  $("sightings").replaceChildren(...sightings.map(sightingCard));
}

// What is asked about, what was learned and what contradicts itself; each part is there only if there is something in it.
function showUse(asked, days, contradicting) {
  $("asked-part").hidden = !asked.length;
  $("asked").replaceChildren(...asked.map((each) => card(each, refresh)));
  $("learned-part").hidden = !days.length;
  $("learned").replaceChildren(...days.map((each) => learnedLine(each, refresh)));
  $("contradictions-part").hidden = !contradicting.length;
  $("contradictions").replaceChildren(...contradicting.map((each) => contradictionLine(each, refresh)));
}

const moment = (iso) => new Date(iso).toLocaleString(locale(), { dateStyle: "medium", timeStyle: "short" });

function face(sighting, index) {
  const src = `v1/sightings/${sighting}/crops/${index}`;
  return element("img", { className: "face", src, alt: "", loading: "lazy" });
}

function strangerCard(stranger) {
  const { crop, sightings } = stranger;
  const seen = texts.visitors.seen({ count: sightings, last: moment(stranger.last_at) });
  const naming = () => orNotice(nameOne(stranger.id));
  const button = element("button", { type: "button", onclick: naming }, texts.visitors.who);
  const picture = crop ? face(crop.sighting, crop.index) : element("span", { className: "face" });
  return element("li", { className: "card" }, picture, element("span", {}, element("small", {}, seen), button));
}

function sightingCard({ id, crops, person, captured_at: at, camera }) {
  const name = element("strong", {}, person?.name ?? texts.visitors.unknown);
  const where = element("small", {}, camera ? texts.visitors.before({ camera, time: moment(at) }) : moment(at));
  const index = crops[0]?.index ?? 0;
  const told = element("span", {}, name, where);
  if (person) {
    const doubt = async () => {
      if (await sayOf({ sighting: id, face: index }, person)) await refresh();
    };
    told.append(element("button", { type: "button", onclick: () => orNotice(doubt()) }, texts.feedback.notRight));
  }
  return element("li", { className: "card" }, face(id, index), told);
}

// Asks who a stranger is, and then what an enrolment may ask, until all is answered or somebody gives up.
async function nameOne(id) {
  const name = await askFor(texts.visitors.whoIsIt, "", [
    { value: "yes", label: texts.question.save, look: "primary" },
    { value: "", label: texts.question.cancel },
  ]);
  let fields = { name };
  while (fields?.name || fields?.person_id) {
    try {
      const { person } = await call("POST", `v1/strangers/${id}/name`, { json: fields });
      notice(texts.visitors.named({ name: person.name }));
      await refresh();
      return;
    } catch (error) {
      fields = await goOn(error, fields, id);
    }
  }
}

// Resolves to what to send next; null if nothing is to be.
async function goOn(error, fields, id) {
  if (error.code === "too_few_samples") {
    notice(texts.visitors.tooFew(error.details));
    return null;
  }
  const answer = await answerTo(error, "camera");
  if (answer?.next) {
    await nameOne(id);
    return null;
  }
  return answer && { ...fields, ...answer.fields };
}
