"""Doubts: what is asked before a capture is closed: whose face it is, and whether it is one face."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from familiar import learning
from familiar.errors import AlreadyKnown, NotAlike
from familiar.knowing import Float32
from familiar.learning import Cohort
from familiar.records import Capture, Database, IfKnown, IfNotAlike, enrollments, people, samples
from familiar.seeing import ImageLimits, decode, resize
from familiar.serving import HeadDescription, Models

_MAJORITY = 0.5


@dataclass(frozen=True)
class Answers:
    """What whoever enrols has said to the two questions."""

    if_known: IfKnown = IfKnown.ASK
    if_not_alike: IfNotAlike = IfNotAlike.ASK


@dataclass(frozen=True)
class Settled:
    """How a capture is to be closed.

    Attributes:
        person_id: the person known already to whom it goes; None for the one it was opened for.
        frames: positions of all frames that were looked at.
        left_out: those of them that are refused after all.
        compared: the enrolments closed and not learned yet that it was compared with.
    """

    person_id: str | None
    frames: frozenset[int]
    left_out: frozenset[int]
    compared: frozenset[str]


@dataclass(frozen=True)
class _Known:
    """Somebody other whom most pictures show, and the share of the pictures."""

    person_id: str
    name: str
    share: float


class Doubts:
    """Compares a capture with itself, with the person's other pictures, and with everybody who is enrolled."""

    def __init__(self, models: Models, database: Database, limits: ImageLimits, far_target: float) -> None:
        self._models = models
        self._database = database
        self._limits = limits
        self._far_target = far_target

    def settle(self, state: Capture, answers: Answers) -> Settled:
        """Return how to close a capture that still takes frames; frames left out count for neither question.

        Raises:
            AlreadyKnown: most pictures show somebody enrolled, or about to be, and ``answers`` do not say what then.
            NotAlike: some do not show the person whom the others show, and ``answers`` do not say what then.
            Unavailable: a part is away.
        """
        head = self._models.newest_head()
        version = head.meta.backbone_version
        meta = self._models.backbone(version)
        cohort = learning.cohort.load(meta.name, meta.dim, meta.metric)
        frames, rows = self._frames(state.id, version)
        compared, waiting = self._waiting(state, head)
        kept = np.arange(len(frames))
        while True:
            known = None
            if answers.if_known is not IfKnown.NEW:
                known = self._in_head(rows[kept], head, state) or self._among(waiting, rows[kept], cohort)
            if known is not None and answers.if_known is IfKnown.ASK:
                raise _already_known(known, state)
            target = known.person_id if known else state.person_id
            with self._database.read() as session:
                own = samples.of_whom(session, target, version)
            stray = kept[learning.strays(rows[kept], own, cohort)]
            if answers.if_not_alike is IfNotAlike.TAKE or not len(stray):
                everything, left_out = (frozenset(some.tolist()) for some in (frames, np.delete(frames, kept)))
                return Settled(known.person_id if known else None, everything, left_out, compared)
            if answers.if_not_alike is IfNotAlike.ASK:
                name = known.name if known else state.person_name
                raise _not_alike(frames[stray], len(kept), state, {"id": target, "name": name} if len(own) else None)
            kept = np.setdiff1d(kept, stray)  # the others may be somebody whom all together did not show

    def _in_head(self, rows: Float32, head: HeadDescription, state: Capture) -> _Known | None:
        """Return the one other person whom most of ``rows`` [N, D] are named as, if any."""
        if not head.labels or not len(rows):
            return None
        answer = self._models.identify(rows, head.version)
        labels = Counter(answer.labels[best] for best in answer.index[answer.known, 0])
        with self._database.read() as session:
            meant = people.meant(session, labels)
        named = Counter(meant[label] for label in labels.elements() if label in meant)
        for person, count in named.most_common(1):
            if person.id != state.person_id and count > _MAJORITY * len(rows):
                return _Known(person.id, person.name, count / len(rows))
        return None

    def _waiting(self, state: Capture, head: HeadDescription) -> tuple[frozenset[str], Mapping[str, Float32]]:
        """Return all enrolments that wait to be learned, and the samples of those people whom no head knows yet."""
        version, learned = head.meta.backbone_version, {*head.labels, state.person_id}
        with self._database.read() as session:
            queued = {row.id: row.person_id for row in enrollments.queued(session)}
            unknown = set(queued.values()) - learned
            rows = {person_id: samples.of_whom(session, person_id, version) for person_id in sorted(unknown)}
        return frozenset(queued), rows

    def _among(self, waiting: Mapping[str, Float32], rows: Float32, cohort: Cohort) -> _Known | None:
        """Return the one person whom a head will name most of ``rows`` [N, D] as, of those ``waiting`` for it."""
        shares = {
            person_id: learning.share_named(rows, own, cohort, self._far_target) for person_id, own in waiting.items()
        }
        person_id = max(shares, key=shares.__getitem__, default=None)
        if person_id is None or shares[person_id] <= _MAJORITY:
            return None
        with self._database.read() as session:
            name = people.names(session, {person_id}).get(person_id)
        return None if name is None else _Known(person_id, name, shares[person_id])

    def _frames(self, enrollment_id: str, version: int) -> tuple[NDArray[np.intp], Float32]:
        """Return (int[N], float32[N, D]): positions and embeddings of a capture's samples.

        What another backbone saw first is embedded anew.
        """
        with self._database.read() as session:
            looks = samples.looks(session, enrollment_id, version)
            unseen = [position for position, look in looks.items() if look is None]
            crops = samples.crops(session, enrollment_id) if unseen else {}
        if unseen:
            side = self._models.backbone(version).input_px
            chips = np.stack([resize(decode(crops[position], self._limits), side) for position in unseen])
            looks |= zip(unseen, self._models.embed(chips, version), strict=True)
        rows = [look for look in looks.values() if look is not None]
        return np.array(list(looks), np.intp), np.stack(rows) if rows else np.zeros((0, 0), np.float32)


def _already_known(known: _Known, state: Capture) -> AlreadyKnown:
    return AlreadyKnown(
        f"this face is already known as {known.name}: send if_known=add for the same person, "
        "if_known=new for another one",
        person={"id": known.person_id, "name": known.name},
        share=round(known.share, 3),
        enrollment_id=state.id,
    )


def _not_alike(frames: NDArray[np.intp], count: int, state: Capture, person: dict[str, str] | None) -> NotAlike:
    whom = f"{person['name']}, to whom they would be added" if person else "the others"
    return NotAlike(
        f"{len(frames)} of {count} pictures do not show the same person as {whom}: send if_not_alike=leave_out to "
        "enrol without them, if_not_alike=take if they are all of one person nevertheless",
        frames=frames.tolist(),
        pictures=count,
        person=person,
        enrollment_id=state.id,
    )
