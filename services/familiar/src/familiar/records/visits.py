"""Visits in the database: who is before which camera, and whom others have been told of.

Several gateways see frames of one visit. They take turns, so one of them begins it and is the one that announces it.
"""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from familiar.records import events, people
from familiar.records.person import new_id
from familiar.records.schema import Event, Visit

_FLICKER_S = 3.0
"""Somebody named so lately before a camera, and not on this frame, may be the unknown face that is."""


@dataclass(frozen=True)
class Glimpse:
    """One good face of one frame, and who it is said to be.

    Attributes:
        at: when the frame was taken, in UTC seconds since 1970.
        camera: before which camera; None if nobody said.
        person_id, score: None where nobody known is named.
        request_id, face: which face of which request it is; frames of a burst are all of face 0.
        sighting_id: the sighting that it was kept as; None where faces are not kept.
    """

    at: float
    camera: str | None
    person_id: str | None
    score: float | None
    request_id: str
    face: int
    head_version: int
    sighting_id: str | None = None


@dataclass(frozen=True)
class Terms:
    """When somebody is announced.

    Attributes:
        gap_s: whoever has not been seen for so long comes anew.
        unknown_frames: on so many frames somebody unknown has to be.
    """

    gap_s: float
    unknown_frames: int


@dataclass
class _Frame:
    """What one request showed: ``named`` are the people on it, ``unknown`` how often each nameless face was."""

    at: float
    camera: str | None
    head_version: int
    named: dict[str, Glimpse] = field(default_factory=dict)
    unknown: dict[tuple[int, str | None], int] = field(default_factory=dict)


def note(session: Session, glimpses: Sequence[Glimpse], terms: Terms) -> list[Event]:
    """Add faces to the visits that they are of, or begin new ones; return the events of those announced by it.

    Of who was deleted since they were recognised nothing is kept; who was merged into somebody is that one.
    """
    events.take_turns(session)
    meant = people.meant(session, {each.person_id for each in glimpses if each.person_id is not None})
    there = [
        each if each.person_id is None else replace(each, person_id=meant[each.person_id].id)
        for each in glimpses
        if each.person_id is None or each.person_id in meant
    ]
    if not there:
        return []
    book = _Book(session, there, terms)
    announced = [event for frame in _frames(there) for event in book.add(frame)]
    session.flush()
    return announced


def _frames(glimpses: Sequence[Glimpse]) -> Iterator[_Frame]:
    """Yield what each request showed, in the order of time."""
    frames: dict[str, _Frame] = {}
    faces_named = {(each.request_id, each.face) for each in glimpses if each.person_id is not None}
    for each in sorted(glimpses, key=lambda one: one.at):
        frame = frames.setdefault(each.request_id, _Frame(each.at, each.camera, each.head_version))
        if each.person_id is not None:
            known = frame.named.setdefault(each.person_id, each)
            if (each.score or 0.0) > (known.score or 0.0):
                frame.named[each.person_id] = each
        elif (each.request_id, each.face) not in faces_named:  # a burst names somebody on some of its frames
            key = (each.face, each.sighting_id)
            frame.unknown[key] = frame.unknown.get(key, 0) + 1
    yield from frames.values()


class _Book:
    """The visits that new frames may belong to."""

    def __init__(self, session: Session, glimpses: Sequence[Glimpse], terms: Terms) -> None:
        self._session = session
        self._terms = terms
        times, cameras = [each.at for each in glimpses], {each.camera for each in glimpses}
        near = select(Visit).where(
            or_(Visit.camera.in_(cameras - {None}), Visit.camera.is_(None)),
            Visit.last_at >= min(times) - terms.gap_s,
            Visit.begun_at <= max(times) + terms.gap_s,
        )
        self._rows = list(session.scalars(near))

    def add(self, frame: _Frame) -> Iterator[Event]:
        """Add one frame; yield the events of the visits that it announces."""
        unknown = self._unknown(frame)
        for person_id, glimpse in frame.named.items():
            yield from self._count(frame, person_id, glimpse.sighting_id, 1, glimpse.score)
        for sighting_id, times in unknown.items():
            yield from self._count(frame, None, sighting_id, times, None)

    def _unknown(self, frame: _Frame) -> dict[str | None, int]:
        """Return by sighting on how many frames there was somebody unknown.

        Where faces are not kept nobody can tell them apart: there is one visit of all of them, and of the faces on a
        frame as many are left out as people are missing on it who were named a moment ago.
        """
        found: dict[str | None, int] = {}
        apart = {key: times for key, times in frame.unknown.items() if key[1] is not None}
        for (_, sighting_id), times in apart.items():
            found[sighting_id] = max(times, found.get(sighting_id, 0))
        alike = sorted(times for key, times in frame.unknown.items() if key[1] is None)
        missing = sum(
            row.person_id is not None
            and row.person_id not in frame.named
            and row.camera == frame.camera
            and row.begun_at - _FLICKER_S <= frame.at <= row.last_at + _FLICKER_S
            for row in self._rows
        )
        if len(alike) > missing:
            found[None] = alike[-1]
        return found

    def _count(
        self, frame: _Frame, person_id: str | None, sighting_id: str | None, times: int, score: float | None
    ) -> Iterator[Event]:
        row = self._of(frame, person_id, sighting_id)
        if row is None:
            row = Visit(
                id=new_id(), camera=frame.camera, person_id=person_id, sighting_id=sighting_id, begun_at=frame.at,
                last_at=frame.at, noted_at=time.time(), frames=0, score=score, announced=False,
            )  # fmt: skip
            self._session.add(row)
            self._rows.append(row)
        row.frames += times
        row.noted_at = time.time()
        row.begun_at, row.last_at = min(row.begun_at, frame.at), max(row.last_at, frame.at)
        row.score = max(filter(None, (row.score, score)), default=None)
        if not row.announced and (person_id is not None or row.frames >= self._terms.unknown_frames):
            yield events.announce(self._session, row, frame.head_version)

    def _of(self, frame: _Frame, person_id: str | None, sighting_id: str | None) -> Visit | None:
        """Return the visit that somebody on a frame is on, None if there is none."""
        gap_s = self._terms.gap_s
        fitting = (
            row
            for row in self._rows
            if (row.camera, row.person_id) == (frame.camera, person_id)
            and (person_id is not None or row.sighting_id == sighting_id)
            and row.begun_at - gap_s <= frame.at <= row.last_at + gap_s
        )
        return max(fitting, key=lambda row: row.last_at, default=None)
