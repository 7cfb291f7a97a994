// Tracks: the same faces from answer to answer, so that names follow them smoothly and do not flicker.

const FADES_MS = 600; // a face that is not found any more is shown for so long
const FOLLOWS_MS = 70; // how quickly a box goes to where the face is
const REACH = 0.8; // of the box's width: as far as a face may have gone from one answer to the next
const DOUBTS = 3; // answers that must agree before a name is taken back
const SIDES = ["x_min", "y_min", "x_max", "y_max"];

export class Tracks {
  constructor({ smooth = true } = {}) {
    this.smooth = smooth;
    this.all = [];
  }

  clear() {
    this.all = [];
  }

  // Takes what an answer says of the faces of a frame.
  update(faces, now) {
    const free = new Set(this.all);
    for (const face of faces) {
      const track = nearest(face, free);
      if (track) {
        free.delete(track);
        follow(track, face, now);
      } else {
        this.all.push({ face, box: { ...face.box }, doubts: 0, since: now, seen: now });
      }
    }
    this.all = this.all.filter((track) => now - track.seen < FADES_MS);
  }

  // Moves the boxes on by so many milliseconds, and returns the tracks, the largest first.
  move(ms, now) {
    const share = this.smooth ? 1 - Math.exp(-ms / FOLLOWS_MS) : 1;
    for (const { box, face } of this.all) {
      for (const side of SIDES) box[side] += share * (face.box[side] - box[side]);
    }
    this.all = this.all.filter((track) => now - track.seen < FADES_MS);
    return this.all.sort((one, other) => size(other.box) - size(one.box));
  }
}

function nearest(face, tracks) {
  let best = null;
  let least = REACH;
  for (const track of tracks) {
    const far = distance(track.face.box, face.box);
    if (far < least) [best, least] = [track, far];
  }
  return best;
}

// A name is shown at once, and taken back only when several answers in a row say otherwise.
function follow(track, face, now) {
  const other = face.status !== track.face.status || face.person?.id !== track.face.person?.id;
  const worse = track.face.status === "known" && face.status !== "known";
  track.doubts = worse ? track.doubts + 1 : 0;
  track.seen = now;
  if (worse && track.doubts < DOUBTS) {
    track.face = { ...track.face, box: face.box };
    return;
  }
  if (other) track.since = now;
  track.face = face;
}

// Between the middles of two boxes, in widths of the larger one.
function distance(one, other) {
  const across = (one.x_min + one.x_max - other.x_min - other.x_max) / 2;
  const down = (one.y_min + one.y_max - other.y_min - other.y_max) / 2;
  return Math.hypot(across, down) / Math.max(one.x_max - one.x_min, other.x_max - other.x_min);
}

const size = (box) => (box.x_max - box.x_min) * (box.y_max - box.y_min);
