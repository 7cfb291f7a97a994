"""Passes: frames of one face that came by become one sighting, decided in the database, whichever gateway saw them."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
from sqlalchemy import delete, insert, or_, select
from sqlalchemy.orm import Session, undefer

from familiar.knowing import Status, from_blob, normalise, to_blob
from familiar.records import people
from familiar.records import person as rules
from familiar.records.engine import MOST_VARIABLES
from familiar.records.schema import SightedFace, Sighting, SightingCrop
from familiar.records.sightings import Float32, take_turns

PASS_S = 10.0
"""A face that comes back before the same camera within so many seconds is on the same pass."""
SAME_PASS = 0.01
"""Of two strangers on one pass, before one camera within seconds, so many are taken for one; hardly any two are."""
LONGEST_PASS_S = 600.0
"""Who stays before a camera is on another pass after so long, so that a sighting says when somebody was there."""
MOST_CROPS = 3
"""Crops of one sighting, those of its best frames."""
MOST_FACES = 200
"""Faces of one sighting that are found by their request; who stays for longer is found by the newest."""


@dataclass(frozen=True)
class Seen:
    """One good face of one frame, and what was said of it.

    Attributes:
        captured_at: when the frame was taken, in UTC seconds since 1970.
        camera: before which camera; None if nobody said.
        status, person_id, score, candidates: the decision; ``candidates`` are pairs of id and score.
        vector: float32[D], its embedding by ``backbone_version``, L2-normalised.
        alike: the cosine from which two such embeddings are taken for one person's.
        weight: how good the frame is, from 0 to 1.
        request_id, face: which face of which request it is; frames of a burst are all of face 0.
        box: x_min, y_min, x_max, y_max in pixels.
        crop: makes the crop as JPEG; called only if it is kept.
    """

    captured_at: float
    camera: str | None
    status: Status
    person_id: str | None
    score: float | None
    candidates: Sequence[tuple[str, float]]
    head_version: int
    backbone_version: int
    vector: Float32
    alike: float
    weight: float
    request_id: str
    face: int
    box: Sequence[float]
    quality: Mapping[str, float]
    crop: Callable[[], bytes]


class Kept(NamedTuple):
    """So many sightings are new, and which ones the faces are of; None for one of which nothing is kept."""

    begun: int
    of: list[Sighting | None]


def keep(session: Session, seen: Sequence[Seen]) -> Kept:
    """Keep faces, each as a sighting or as one more frame of one.

    Of who was deleted since they were recognised nothing is kept; who was merged into somebody is that one.
    """
    take_turns(session)
    named = {each.person_id for each in seen if each.person_id is not None}
    named |= {label for each in seen for label, _ in each.candidates}
    meant = {label: known.id for label, known in people.meant(session, named).items()}
    passes = _Passes(session, seen)
    of: list[Sighting | None] = [None] * len(seen)
    for place, each in sorted(enumerate(seen), key=lambda one: one[1].captured_at):
        if each.person_id is None or each.person_id in meant:
            person_id = None if each.person_id is None else meant[each.person_id]
            candidates = [[meant[label], score] for label, score in each.candidates if label in meant]
            of[place] = passes.add(replace(each, person_id=person_id), candidates)
    passes.keep_faces()
    passes.keep_crops()
    session.flush()
    return Kept(passes.begun, of)


class _Passes:
    """The sightings that new frames may belong to."""

    def __init__(self, session: Session, seen: Sequence[Seen]) -> None:
        self.begun = 0
        self._session = session
        times, cameras = [each.captured_at for each in seen], {each.camera for each in seen}
        near = select(Sighting).options(undefer(Sighting.vector)).where(
            or_(Sighting.camera.in_(cameras - {None}), Sighting.camera.is_(None)),
            Sighting.last_at >= min(times, default=0.0) - PASS_S,
            Sighting.captured_at <= max(times, default=0.0) + PASS_S,
        )  # fmt: skip
        self._rows = list(session.scalars(near))
        self._crops: dict[str, list[SightingCrop]] = {row.id: [] for row in self._rows}
        self._new_crops: dict[str, list[tuple[int, Seen]]] = {}
        self._sighted: dict[tuple[str, int], tuple[int, Seen]] = {}
        for start in range(0, len(self._rows), MOST_VARIABLES):
            some = [row.id for row in self._rows[start : start + MOST_VARIABLES]]
            for crop in session.scalars(select(SightingCrop).where(SightingCrop.sighting_id.in_(some))):
                self._crops[crop.sighting_id].append(crop)
        self._faces = {row.id: {(crop.request_id, crop.face) for crop in self._crops[row.id]} for row in self._rows}

    def add(self, each: Seen, candidates: list[list[Any]]) -> Sighting:
        """Add one frame; return the sighting that it is of."""
        row = self._of(each)
        if row is None:
            row = Sighting(
                id=rules.new_id(), captured_at=each.captured_at, last_at=each.captured_at, kept_at=time.time(),
                camera=each.camera, status=each.status, person_id=each.person_id, score=each.score,
                candidates=candidates, head_version=each.head_version, backbone_version=each.backbone_version,
                frames=1, agreeing=1, vector=to_blob(each.vector),
            )  # fmt: skip
            self._session.add(row)
            self._session.flush()
            self._rows.append(row)
            self._crops[row.id], self._faces[row.id] = [], set()
            self.begun += 1
        else:
            row.vector = to_blob(normalise(from_blob(row.vector) * row.frames + each.vector))
            row.frames += 1
            row.last_at = max(row.last_at, each.captured_at)
            _settle(row, each, candidates)
        self._sighted[row.id, (row.frames - 1) % MOST_FACES] = (row.frames, each)
        self._faces[row.id].add((each.request_id, each.face))
        self._new_crops.setdefault(row.id, []).append((row.frames - 1, each))
        return row

    def keep_faces(self) -> None:
        """Keep which requests the new frames are of, by few statements however many they are."""
        for (sighting_id, place), (frames, _) in self._sighted.items():
            if frames > MOST_FACES:  # another one was there
                its = (SightedFace.sighting_id == sighting_id) & (SightedFace.place == place)
                self._session.execute(delete(SightedFace).where(its))
        rows = [
            {"sighting_id": sighting_id, "place": place, "request_id": each.request_id, "face": each.face}
            for (sighting_id, place), (_, each) in self._sighted.items()
        ]
        if rows:
            self._session.execute(insert(SightedFace), rows)

    def keep_crops(self) -> None:
        """Keep the crops of the best frames, of those that were there and of those that came."""
        for sighting_id, came in self._new_crops.items():
            old = self._crops[sighting_id]
            weights = sorted([crop.weight for crop in old] + [each.weight for _, each in came], reverse=True)
            # Of equally good ones those stay that were there.
            least = weights[min(len(weights), MOST_CROPS) - 1]
            kept = [crop for crop in old if crop.weight >= least][:MOST_CROPS]
            for crop in old:
                if crop not in kept:
                    self._session.delete(crop)
            best = sorted((each for each in came if each[1].weight >= least), key=lambda each: -each[1].weight)
            for position, each in best[: MOST_CROPS - len(kept)]:
                self._session.add(_crop_of(each, sighting_id, position))

    def _of(self, each: Seen) -> Sighting | None:
        """Return the sighting that a frame belongs to, the one most like it; None if there is none."""
        fitting = [row for row in self._rows if self._may_join(row, each)]
        likeness = [float(from_blob(row.vector) @ each.vector) for row in fitting]
        best = int(np.argmax(likeness)) if fitting else 0
        return fitting[best] if fitting and likeness[best] >= each.alike else None

    def _may_join(self, row: Sighting, each: Seen) -> bool:
        # Two faces on one picture are two people, however alike, and so are two whom heads give two names.
        beside = any(request == each.request_id and face != each.face for request, face in self._faces[row.id])
        names = {row.person_id, each.person_id} - {None}
        return (
            (row.camera, row.backbone_version) == (each.camera, each.backbone_version)
            and row.captured_at - PASS_S <= each.captured_at <= row.last_at + PASS_S
            and each.captured_at - row.captured_at <= LONGEST_PASS_S
            and len(names) < 2
            and not beside
        )


def _crop_of(each: Seen, sighting_id: str, position: int) -> SightingCrop:
    return SightingCrop(
        sighting_id=sighting_id, position=position, captured_at=each.captured_at, request_id=each.request_id,
        face=each.face, weight=each.weight, box=list(each.box), quality=dict(each.quality), crop=each.crop(),
    )  # fmt: skip


def _settle(row: Sighting, each: Seen, candidates: list[list[Any]]) -> None:
    """Let one more frame say who a sighting is of: one that names somebody outweighs those that name nobody.

    What somebody has said of it outweighs all frames.
    """
    same = row.status == each.status
    if same:
        row.agreeing += 1
    elif each.status is Status.KNOWN and (row.named_at is None or row.person_id == each.person_id):
        row.status, row.person_id, row.stranger_id, row.agreeing = each.status, each.person_id, None, 1
    else:
        return
    if not same or (each.score or -1.0) > (row.score or -1.0):
        row.score, row.candidates, row.head_version = each.score, candidates, each.head_version
