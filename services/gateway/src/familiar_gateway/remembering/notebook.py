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
from familiar.records import Database, passes, sightings
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
    """Where it is counted what became of faces."""

    def count_sightings(self, result: str, faces: int) -> None:
        """Record that so many faces were ``kept``, or left out (``no_room``, ``failed``)."""


@dataclass(frozen=True)
class _Note:
    occasion: Occasion
    look: Look
    head_version: int
    backbone_version: int


class Notebook:
    """Takes note of recognised faces and writes them down as sightings; threads share it."""

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
        if not self._settings.keeps_sightings or not looks:
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
                seen = [self._seen(each) for each in notes]
                self._database.retry(partial(self._record, seen))
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

    def _record(self, seen: Sequence[passes.Seen], session: Session) -> None:
        if passes.keep(session, seen):
            sightings.prune(session, self._settings.sightings_keep_s, self._settings.sightings_most)

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


def likeness(models: Models, backbone_version: int, share: float) -> float:
    """Return the cosine from which two embeddings are taken for one person's, as a ``share`` of strangers' are, too."""
    meta = models.backbone(backbone_version)
    return learning.cohort.load(meta.name, meta.dim, meta.metric).alike(share)


def _encoding(chip: Frame) -> Callable[[], bytes]:
    return cache(lambda: encode_jpeg(chip))
