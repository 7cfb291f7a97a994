"""Passers-by: who comes by in which order, people who are enrolled and people who are not, and how they look."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from familiar.learning import Metric
from familiar.seeing import ENROLMENT, QualityLimits
from familiar_trainer.evaluation.pictures import People, UnusableData
from familiar_trainer.evaluation.sight import Float32, Sights

Places = NDArray[np.intp]

GIVEN = 10
"""Pictures that everybody is enrolled with."""


@dataclass(frozen=True)
class Look:
    """N pictures as a camera shows them.

    Attributes:
        rows: float32[N, D], in the metric; zeros where nobody would be asked about.
        good: bool[N], as good as a frame of an enrolment has to be.
    """

    rows: Float32
    good: NDArray[np.bool_]

    @classmethod
    def of(cls, sights: Sights, metric: Metric | None) -> Look:
        """Return what the product would ask about, and learn, of ``sights`` that were made without a metric."""
        rows = sights.within(metric).gated(QualityLimits()).embeddings
        good = [quality is not None and not quality.reasons(ENROLMENT) for quality in sights.quality]
        return cls(rows, np.array(good, np.bool_) & rows.any(axis=1))


@dataclass(frozen=True)
class Stream:
    """Pictures to enrol people from, and those that come afterwards.

    Attributes:
        people: P names, who is enrolled.
        given: int[P * ``GIVEN``], places of the pictures that they are enrolled with, and ``given_person`` beside them.
        asked: int[M], places of the others in the order in which they come.
        person: int[M], who is on each, -1 for somebody who is not enrolled.
        day: int[M], the number of the picture among its person's: LFW's are hardly ever of one day.
    """

    people: tuple[str, ...]
    given: Places
    given_person: Places
    asked: Places
    person: Places
    day: Places


def stream_of(people: People, places: Sequence[int] | Places) -> Stream:
    """Enrol everybody who has more than ``GIVEN`` of the pictures at ``places``; all others come by.

    Pictures come in the order of their numbers. Those of people who are not enrolled, who have few, are spread evenly
    among them, so that at all times some come by.

    Raises:
        UnusableData: nobody has so many pictures.
    """
    mine: dict[str, list[int]] = {}
    for place in sorted(places, key=lambda place: (_number(people.pictures[place].path.stem), place)):
        mine.setdefault(people.pictures[place].person, []).append(int(place))
    enrolled = sorted(name for name, pictures in mine.items() if len(pictures) > GIVEN)
    if not enrolled:
        raise UnusableData(f"nobody has more than {GIVEN} usable pictures")
    known = {name: at for at, name in enumerate(enrolled)}
    coming: list[tuple[int, int, int]] = []
    others: list[tuple[int, int, int]] = []
    for name, pictures in mine.items():
        first = GIVEN if name in known else 0
        events = [(day, known.get(name, -1), place) for day, place in enumerate(pictures)]
        (coming if name in known else others).extend(events[first:])
    parts = sorted(coming), sorted(others, key=_scattered)
    order = [(at / len(part), *event) for part in parts for at, event in enumerate(part)]
    asked = np.array([event[1:] for event in sorted(order)], np.intp).reshape(-1, 3)
    return Stream(
        tuple(enrolled),
        np.array([place for name in enrolled for place in mine[name][:GIVEN]], np.intp),
        np.repeat(np.arange(len(enrolled)), GIVEN),
        asked[:, 2],
        asked[:, 1],
        asked[:, 0],
    )


def _scattered(event: tuple[int, int, int]) -> tuple[int, int]:
    day, _, place = event
    return day, place * 7_919 % 10_007  # not by the alphabet


def _number(stem: str) -> int:
    digits = re.search(r"(\d+)$", stem)
    return int(digits[1]) if digits else -1
