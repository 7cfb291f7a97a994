"""The notebook: what was recognised waits here for a moment and is written down by a thread of its own.

Nobody who asks waits for it. What waits is lost with the process; what there is no room for is counted and left out.
"""

import atexit
import logging
import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, partial
from typing import Protocol

from sqlalchemy.orm import Session

from familiar import learning
from familiar.errors import FamiliarError
from familiar.records import Database, Glimpse, Sighting, events, passes, sightings, visits
from familiar.seeing import Frame, encode_jpeg, weigh
from familiar.serving import Models
from familiar.settings import Settings
from familiar_gateway.recognizing import Look, Occasion

log = logging.getLogger(__name__)

GATHER_S = 1.0
"""For so long faces gather, so that one transaction takes many of them."""
MOST_WAITING = 200
"""Faces with 70 kB each or so: what a burst of work leaves behind, and what a database that is away holds up."""
_AGAIN_S = 2.0


class Counts(Protocol):
    """Where it is counted what became of faces that were to be noted."""

    def count_sightings(self, result: str, faces: int) -> None:
        """Record that so many faces were ``kept``, or left out (``no_room``, ``failed``)."""


@dataclass(frozen=True)
class _Note:
    occasion: Occasion
    look: Look
    head_version: int
    backbone_version: int


class Notebook:
    """Takes note of recognised faces and writes down sightings and visits, as is wanted; threads share it."""

    def __init__(self, settings: Settings, database: Database, models: Models, counts: Counts) -> None:
        self._settings = settings
        self._database = database
        self._models = models
        self._counts = counts
        self._waiting: deque[_Note] = deque()
        self._changed = threading.Condition()
        self._taken = 0
        self._settled = 0
        self._closing = threading.Event()
        self._writer: threading.Thread | None = None

    def note(self, occasion: Occasion, looks: Sequence[Look], head_version: int, backbone_version: int) -> None:
        """Take note of what was recognised, if that is wanted; this neither waits for anything nor fails."""
        if not looks or not (self._settings.keeps_sightings or self._settings.tells_events):
            return
        with self._changed:
            room = max(0, MOST_WAITING - (self._taken - self._settled))
            notes = [_Note(occasion, look, head_version, backbone_version) for look in looks[:room]]
            self._waiting += notes
            self._taken += len(notes)
            if self._writer is None:
                self._writer = threading.Thread(target=self._write, name="sightings", daemon=True)
                self._writer.start()
                atexit.register(self.close)
            self._changed.notify_all()
        if len(notes) < len(looks):
            self._counts.count_sightings("no_room", len(looks) - len(notes))

    def flush(self, timeout_s: float = 10.0) -> bool:
        """Wait until all that was noted is written down, or given up; tell whether it is."""
        with self._changed:
            so_far = self._taken
            return self._changed.wait_for(lambda: self._settled >= so_far, timeout_s)

    def close(self) -> None:
        """Write down what waits, and take no more time than a moment for it."""
        self._closing.set()
        self.flush(_AGAIN_S)

    def _write(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: bool(self._waiting))
            self._closing.wait(GATHER_S)
            notes = [self._waiting.popleft() for _ in range(len(self._waiting))]
            result = "kept" if self._keep(notes) else "failed"
            self._counts.count_sightings(result, len(notes))
            with self._changed:
                self._settled += len(notes)
                self._changed.notify_all()

    def _keep(self, notes: Sequence[_Note]) -> bool:
        """Write faces down; what fails is tried once more, after a while, and then left out."""
        for attempt in range(2):
            try:
                seen = [self._seen(each) for each in notes] if self._settings.keeps_sightings else []
                self._database.retry(partial(self._record, notes, seen))
            except FamiliarError as exc:
                log.warning("%d faces were not kept: %s", len(notes), exc)
            except Exception:
                log.exception("defect: %d faces were not kept", len(notes))
                return False
            else:
                return True
            if attempt == 0:
                self._closing.wait(_AGAIN_S)
        return False

    def _record(self, notes: Sequence[_Note], seen: Sequence[passes.Seen], session: Session) -> None:
        its = self._settings
        kept = passes.keep(session, seen)
        if kept.begun:
            sightings.prune(session, its.sightings_keep_s, its.sightings_most)
        if its.tells_events:
            terms = visits.Terms(its.events_visit_s, its.events_unknown_frames)
            if visits.note(session, _glimpses(notes, kept.of if seen else None), terms):
                events.prune(session, its.events_keep_s, its.events_most)

    def _seen(self, note: _Note) -> passes.Seen:
        observation, made = note.look.recognized.observation, note.look.recognized.decision
        embedding = note.look.recognized.embedding
        assert embedding is not None  # of a good face
        box = observation.face.box
        return passes.Seen(
            captured_at=note.occasion.captured_at,
            camera=note.occasion.camera,
            status=made.status,
            person_id=made.person_id,
            score=made.score,
            candidates=[(each.person_id, each.score) for each in made.candidates],
            head_version=note.head_version,
            backbone_version=note.backbone_version,
            vector=embedding,
            alike=likeness(self._models, note.backbone_version, passes.SAME_PASS),
            weight=float(weigh([observation.quality])[0]),
            request_id=note.occasion.request_id,
            face=note.look.face,
            box=[round(each, 1) for each in (box.x_min, box.y_min, box.x_max, box.y_max)],
            quality=observation.quality.to_dict(),
            crop=_encoding(observation.chip),
        )


def _glimpses(notes: Sequence[_Note], of: Sequence[Sighting | None] | None) -> list[Glimpse]:
    """Return what visits are made of; where faces are kept, a whole pass says who somebody is, and not a frame."""
    found = []
    for place, note in enumerate(notes):
        made = note.look.recognized.decision
        known, row = (made.person_id, made.score), None
        if of is not None:
            if (row := of[place]) is None:
                continue  # deleted since
            known = row.person_id, row.score if row.person_id is not None else None
        occasion = note.occasion
        told = (*known, occasion.request_id, note.look.face, note.head_version, None if row is None else row.id)
        found.append(Glimpse(occasion.captured_at, occasion.camera, *told))
    return found


def likeness(models: Models, backbone_version: int, share: float) -> float:
    """Return the cosine from which two embeddings are taken for one person's, as a ``share`` of strangers' are, too."""
    meta = models.backbone(backbone_version)
    return learning.cohort.load(meta.name, meta.dim, meta.metric).alike(share)


def _encoding(chip: Frame) -> Callable[[], bytes]:
    return cache(lambda: encode_jpeg(chip))
