"""Candidates: which crops of what came by may become samples without being asked about.

Everything is judged by what people gave. What was taken before only counts against what is to be taken, so that no
chain of samples, each a little farther from the person than the one before, leads away from them; and a crowd of
sightings weighs no more than one. What it gains and what it lets in is measured in docs/evaluation.md.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Self

import numpy as np
from numpy.typing import NDArray

from familiar.knowing import Head, normalise
from familiar.learning.calibration import quantiles
from familiar.learning.cohort import Cohort
from familiar.learning.correction import Correction
from familiar.learning.gallery import Gallery, Row
from familiar.learning.learned import learn
from familiar.learning.negatives import Negative
from familiar.learning.rivals import strongest

Float32 = NDArray[np.float32]

FAR_ABOVE = 2.0
"""Decades of strangers between the threshold and what is taken: of a hundred strangers who would be named, one."""
APART = 1.0
"""Decades that everybody else stays below their threshold, so the second is three behind."""
STRICTEST_TARGET = 0.001
"""Where more strangers may be named than this, no more of them may be learned."""
LEAST_HUMAN = 5
"""Fewer samples tell too little of somebody to judge a crop by."""
LEAST_AGREEING, LEAST_SHARE = 3, 0.8
"""So many frames of a sighting name the person, and such a share of them all."""
PER_DAY = 1
"""Automatic samples of a person and day: another crop of the same day shows the same light, hair and spectacles."""

_STRANGERS = 30_000
_CHUNK = 1024


class Why(StrEnum):
    """Why a crop is not taken; where several hold, the first."""

    TOO_FEW_SAMPLES = "too_few_samples"
    """People gave too few samples of the person."""
    LESS_SURE = "less_sure"
    """The person is known less surely than others, see ``promise.LessSure``."""
    HAS_A_DOUBLE = "has_a_double"
    """Somebody else who is enrolled is like the person, as twins are."""
    POOR = "poor"
    """The crop is not as good as a frame of an enrolment has to be."""
    FEW_FRAMES = "few_frames"
    """Too few frames of the sighting name the person, or too small a share of them."""
    DISAGREEING = "disagreeing"
    """A frame names somebody else."""
    NOT_FAR_ABOVE = "not_far_above"
    """The score is not far enough above the threshold."""
    LIKE_ANOTHER = "like_another"
    """It is like somebody else who is enrolled."""
    LIKE_A_STRANGER = "like_a_stranger"
    """It is more like a face that is nobody's than like any sample that people gave of the person."""
    LIKE_A_NEGATIVE = "like_a_negative"
    """It is more like a face that somebody said is not the person's than like any sample that people gave."""
    NOTHING_NEW = "nothing_new"
    """It is nearer to a sample of the person than those that people gave are to each other."""
    ENOUGH_TODAY = "enough_today"
    """As many as may be were taken of the person on that day."""
    ENOUGH = "enough"
    """As many were taken of the person as people gave."""


@dataclass(frozen=True)
class Candidate:
    """A crop of a sighting that may become a sample of whom the frames of the sighting named.

    Attributes:
        id: of the crop, opaque.
        sighting: of one sighting one crop is taken at most.
        person_id: who was named.
        vector: float32[D], of this very crop as a sample's is made, L2-normalised.
        day: days since 1970, UTC, by the clock of whoever keeps the sighting.
        frames: how many of the sighting were asked about.
        agreeing: how many of them named the person.
        disagreeing: how many named somebody else.
        good: whether the crop is as good as a frame of an enrolment has to be.
    """

    id: str
    sighting: str
    person_id: str
    vector: Float32 = field(repr=False)
    day: int
    frames: int
    agreeing: int
    disagreeing: int
    good: bool


@dataclass(frozen=True)
class Sample:
    """What is learned from already; ``taken_on`` is the day on which it was taken, None where somebody gave it."""

    person_id: str
    vector: Float32 = field(repr=False)
    taken_on: int | None = None


@dataclass(frozen=True)
class Choice:
    """What became of a candidate: taken, or ``why`` not. ``score`` is for the person's prototype, -1 without one."""

    candidate: Candidate
    why: Why | None
    score: float

    @property
    def taken(self) -> bool:
        """Whether it may become a sample."""
        return self.why is None


class Judge:
    """Decides on candidates, by a head that was learned from what people gave, and from nothing else."""

    def __init__(self, standard: "_Standard", samples: Sequence[Sample]) -> None:
        self._standard = standard
        self._samples = tuple(samples)
        self._strangers = np.zeros((0, standard.dim), np.float32)
        self._negatives: tuple[Negative, ...] = ()

    @classmethod
    def of(
        cls, samples: Sequence[Sample], cohort: Cohort, far_target: float, correction: Correction | None = None, *,
        strangers: Float32 | None = None, negatives: Sequence[Negative] = (),
    ) -> Self:  # fmt: skip
        """Learn the head to judge by, which takes as long as a training.

        Args:
            samples: all that are learned from; their vectors are of the backbone of ``cohort``.
            cohort: one that is not fitted cannot tell, and nothing is taken.
            far_target: the share of strangers that may be named.
            correction: of the cohort, by the strangers of the site.
            strangers: float32[S, D], faces that are nobody's as far as is known, L2-normalised.
            negatives: what somebody said of faces.
        """
        standard = _Standard.of(samples, cohort, min(far_target, STRICTEST_TARGET), correction)
        return cls(standard, samples).beside(strangers, negatives)

    def beside(self, strangers: Float32 | None = None, negatives: Sequence[Negative] = ()) -> Self:
        """Return the same judge who knows of these strangers and negatives, at no cost."""
        other = type(self)(self._standard, self._samples)
        if strangers is not None and len(strangers):
            other._strangers = strangers
        other._negatives = tuple(negatives)
        return other

    def with_taken(self, samples: Sequence[Sample]) -> Self:
        """Return the same judge with other samples, of which people gave the same as before, at no cost."""
        other = type(self)(self._standard, samples)
        return other.beside(self._strangers, self._negatives)

    def choose(self, candidates: Sequence[Candidate]) -> list[Choice]:
        """Decide on each, in their order: what is taken counts against all that come after it."""
        if not candidates:
            return []
        books = _Books(self._samples)
        vectors = normalise(np.stack([candidate.vector for candidate in candidates]))
        scores, seconds = self._standard.scores(vectors, [candidate.person_id for candidate in candidates])
        choices = []
        for candidate, vector, score, second in zip(
            candidates, vectors, scores.tolist(), seconds.tolist(), strict=True
        ):
            why = self._why_not(candidate, vector, float(score), float(second)) or books.why_not(
                candidate, vector, self._standard
            )
            if why is None:
                books.take(candidate, vector)
            choices.append(Choice(candidate, why, float(score)))
        return choices

    def _why_not(self, candidate: Candidate, vector: Float32, score: float, second: float) -> Why | None:
        standard = self._standard.of_person(candidate.person_id)
        if standard is None:
            return Why.TOO_FEW_SAMPLES
        if standard.unfit is not None:
            return standard.unfit
        if not candidate.good:
            return Why.POOR
        if candidate.agreeing < LEAST_AGREEING or candidate.agreeing < LEAST_SHARE * candidate.frames:
            return Why.FEW_FRAMES
        if candidate.disagreeing:
            return Why.DISAGREEING
        if not score >= standard.bar:  # also of what is no number
            return Why.NOT_FAR_ABOVE
        if second > 0:
            return Why.LIKE_ANOTHER
        likest = float((standard.human @ vector).max())
        if len(self._strangers) and float((self._strangers @ vector).max()) >= likest:
            return Why.LIKE_A_STRANGER
        told = [each.vector for each in self._negatives if each.person_id in (None, candidate.person_id)]
        if told and float((normalise(np.stack(told)) @ vector).max()) >= likest:
            return Why.LIKE_A_NEGATIVE
        return None


def decades(head: Head, cohort: Cohort) -> Float32:
    """Return float32[P]: by how much the score for each of P people is higher that a tenth of the strangers reach."""
    level, beyond = quantiles(cohort.strangers(_STRANGERS), head.prototypes, (1e-3, 1e-4))
    apart: Float32 = (beyond - level).astype(np.float32)
    return apart


def too_many(samples: Sequence[Sample]) -> list[int]:
    """Return the positions, ascending, of automatic samples that are more than people gave of their person.

    Where some of these were deleted or moved, as many of the automatic ones have to go, the last taken first.
    """
    left = Counter(sample.person_id for sample in samples if sample.taken_on is None)
    automatic = [(sample.taken_on, place) for place, sample in enumerate(samples) if sample.taken_on is not None]
    over = []
    for _, place in sorted(automatic):
        person_id = samples[place].person_id
        left[person_id] -= 1
        if left[person_id] < 0:
            over.append(place)
    return sorted(over)


@dataclass(frozen=True)
class _Person:
    """What one person's crops are judged by: ``human`` float32[N, D] what people gave, ``close`` how alike it is."""

    human: Float32
    bar: float
    close: float
    unfit: Why | None


class _Standard:
    """The head of what people gave, and what it takes to be far above its thresholds."""

    def __init__(self, dim: int) -> None:
        self.dim = dim
        self._people: dict[str, _Person] = {}
        self._place: dict[str, int] = {}
        self._prototypes, self._limits = np.zeros((0, dim), np.float32), np.zeros(0, np.float32)

    @classmethod
    def of(
        cls, samples: Sequence[Sample], cohort: Cohort, far_target: float, correction: Correction | None
    ) -> "_Standard":
        made = cls(cohort.dim)
        rows = [
            Row(sample.person_id, "given", float(at), sample.vector)
            for at, sample in enumerate(samples)
            if sample.taken_on is None
        ]
        if not rows or not cohort.fitted:
            return made
        gallery = Gallery.from_rows(rows)
        learned = learn(gallery, cohort, far_target, correction)
        head = learned.head
        decade = decades(head, cohort)
        made._place = {person_id: place for place, person_id in enumerate(head.person_ids)}
        made._prototypes, made._limits = head.prototypes, head.thresholds - APART * decade
        bars = head.thresholds + FAR_ABOVE * decade
        doubles = made._nearness(normalise(head.prototypes), np.arange(len(head.person_ids))) > 0
        ends = np.cumsum(gallery.samples_per_person())
        for place, (person_id, human) in enumerate(
            zip(head.person_ids, np.split(gallery.embeddings, ends[:-1]), strict=True)
        ):
            unfit = None
            if learned.people[person_id]["less_sure"] is not None:
                unfit = Why.LESS_SURE
            elif doubles[place]:
                unfit = Why.HAS_A_DOUBLE
            if len(human) >= LEAST_HUMAN:
                made._people[person_id] = _Person(human, float(bars[place]), _closeness(human), unfit)
        return made

    def of_person(self, person_id: str) -> _Person | None:
        """Return what a person's crops are judged by; None where people gave too little."""
        return self._people.get(person_id)

    def scores(self, vectors: Float32, person_ids: Sequence[str]) -> tuple[Float32, Float32]:
        """Return (float32[N], float32[N]): the score for one's own person, and how far somebody else is too near."""
        own = np.array([self._place.get(person_id, -1) for person_id in person_ids], np.intp)
        scores = np.full(len(vectors), -1.0, np.float32)
        known = own >= 0
        scores[known] = np.einsum("nd,nd->n", vectors[known], self._prototypes[own[known]])
        return scores, self._nearness(vectors, own)

    def _nearness(self, vectors: Float32, own: NDArray[np.intp]) -> Float32:
        """Return float32[N]: by how much anybody but one's ``own`` person passes what others may score, -inf alone."""
        if not len(self._prototypes):
            return np.full(len(vectors), -np.inf, np.float32)
        # One more axis takes everybody's limit off their score, so that who is nearest to it is found by one product.
        faces = np.concatenate([vectors, np.ones((len(vectors), 1), np.float32)], axis=1)
        people = np.concatenate([self._prototypes, -self._limits[:, None]], axis=1)
        return strongest(faces, people, own)[1]


class _Books:
    """What was taken of whom, and when."""

    def __init__(self, samples: Sequence[Sample]) -> None:
        self._there: dict[str, list[Float32]] = {}
        self._left: Counter[str] = Counter()
        self._today: Counter[tuple[str, int]] = Counter()
        self._sightings: set[str] = set()
        for sample in samples:
            self._there.setdefault(sample.person_id, []).append(sample.vector)
            self._left[sample.person_id] += 1 if sample.taken_on is None else -1
            if sample.taken_on is not None:
                self._today[sample.person_id, sample.taken_on] += 1

    def why_not(self, candidate: Candidate, vector: Float32, standard: _Standard) -> Why | None:
        """Return what stands against one more of the person."""
        person = standard.of_person(candidate.person_id)
        there = np.stack(self._there[candidate.person_id])
        if candidate.sighting in self._sightings or person is None or float((there @ vector).max()) >= person.close:
            return Why.NOTHING_NEW
        if self._today[candidate.person_id, candidate.day] >= PER_DAY:
            return Why.ENOUGH_TODAY
        return Why.ENOUGH if self._left[candidate.person_id] <= 0 else None

    def take(self, candidate: Candidate, vector: Float32) -> None:
        """Note that it was taken."""
        self._there[candidate.person_id].append(vector)
        self._left[candidate.person_id] -= 1
        self._today[candidate.person_id, candidate.day] += 1
        self._sightings.add(candidate.sighting)


def _closeness(human: Float32) -> float:
    """Return how like the nearest other one half of the samples [N, D] of a person are, as a cosine; N is above 1."""
    nearest = np.empty(len(human), np.float32)
    for start in range(0, len(human), _CHUNK):
        cosines = human[start : start + _CHUNK] @ human.T
        cosines[np.arange(len(cosines)), start + np.arange(len(cosines))] = -np.inf
        nearest[start : start + _CHUNK] = cosines.max(axis=1)
    return float(np.median(nearest))
