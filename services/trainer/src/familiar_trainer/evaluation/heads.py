"""The heads that are compared: the product's own, and what others do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from familiar import learning
from familiar.knowing import Head, Status, decide, normalise
from familiar.learning import Cohort, Gallery
from familiar_trainer.evaluation.sight import Float32

Int32 = NDArray[np.int32]


@dataclass(frozen=True)
class Lesson:
    """What a head learns from: embeddings float32[N, D] as the pipeline gave them, of ``person`` int32[N]."""

    people: tuple[str, ...]
    embeddings: Float32
    person: NDArray[np.integer[Any]]
    cohort: Cohort

    def gallery(self) -> Gallery:
        """Return the same as the trainer sees it: neighbouring pictures of a person are held out together."""
        return Gallery.from_rows(
            (self.people[person], "pictures", float(at), row)
            for at, (person, row) in enumerate(zip(self.person, self.embeddings, strict=True))
        )


@dataclass(frozen=True)
class Answers:
    """What a head says of N faces.

    Attributes:
        index: int32[N], positions in ``Lesson.people``, -1 where there is no face.
        score: float[N], greater is more surely known; -inf where there is no face.
        named: bool[N], whether the decision is a name; None for heads without a threshold of their own.
    """

    index: Int32
    score: Float32
    named: NDArray[np.bool_] | None = None


def named_by(answers: Answers) -> NDArray[np.bool_]:
    """Return which faces are named; TypeError if the head has no threshold."""
    if answers.named is None:
        raise TypeError("a head without a threshold names nobody")
    return answers.named


Answerer = Callable[[Float32], Answers]


class Learner(Protocol):
    """A way to make a head."""

    @property
    def name(self) -> str:
        """What the tables call it."""

    def fit(self, lesson: Lesson, far_target: float) -> Answerer:
        """Learn; ``far_target`` is the share of strangers that may be named."""


class Product:
    """The head of the product: ``learning.learn``, ``Head.identify``, ``decision.decide``."""

    name = "Familiar"

    def fit(self, lesson: Lesson, far_target: float) -> Answerer:
        """Learn as the trainer does."""
        return answerer(learning.learn(lesson.gallery(), lesson.cohort, far_target).head, lesson.people)


def answerer(head: Head, people: tuple[str, ...]) -> Answerer:
    """Return what ``head`` answers, scored by how far it is above the best candidate's threshold."""
    place = np.array([people.index(person_id) for person_id in head.person_ids] + [-1], np.int32)
    enrolled = {person_id: person_id for person_id in people}

    def answer(embeddings: Float32) -> Answers:
        found = head.identify(embeddings)
        best = found.index[:, 0]
        margin = found.score[:, 0] - np.append(head.thresholds, 0)[best]
        named = [
            decide(index, score, known, head.person_ids, enrolled).status is Status.KNOWN
            for index, score, known in zip(
                found.index.tolist(), found.score.tolist(), found.known.tolist(), strict=True
            )
        ]
        return Answers(place[best], np.where(best < 0, -np.inf, margin).astype(np.float32), np.array(named, np.bool_))

    return answer


class ClassMeans:
    """Cosine to the mean of each person's samples: the baseline."""

    name = "class means"

    def fit(self, lesson: Lesson, far_target: float) -> Answerer:
        """Average."""
        rows = normalise(lesson.embeddings)
        means = normalise(np.stack([rows[lesson.person == i].mean(axis=0) for i in range(len(lesson.people))]))
        return lambda embeddings: _best(normalise(embeddings) @ means.T, embeddings)


class NearestNeighbour:
    """The person of the one nearest sample (Euclidean), as ``face_recognition`` has it."""

    name = "1-NN"

    def fit(self, lesson: Lesson, far_target: float) -> Answerer:
        """Keep everything."""
        rows, person = lesson.embeddings, np.asarray(lesson.person, np.int32)

        def answer(embeddings: Float32) -> Answers:
            squares = (embeddings**2).sum(axis=1)[:, None] + (rows**2).sum(axis=1) - 2 * embeddings @ rows.T
            found = _best(-np.sqrt(np.maximum(squares, 0)), embeddings)
            return Answers(np.where(found.index < 0, -1, person[found.index]), found.score)

        return answer


class Softmax:
    """Softmax regression on the embeddings: the last layer of the original idea. The score is the probability."""

    name = "softmax"
    _STEPS, _RATE, _DECAY = 300, 0.05, 1e-3

    def fit(self, lesson: Lesson, far_target: float) -> Answerer:
        """Minimise the cross-entropy by Adam (Kingma and Ba, 2015) over all samples at once."""
        mean = lesson.embeddings.mean(axis=0)
        scale = 1 / (lesson.embeddings - mean).std()
        x = np.c_[(lesson.embeddings - mean) * scale, np.ones(len(lesson.embeddings))].astype(np.float32)
        target = np.eye(len(lesson.people), dtype=np.float32)[lesson.person]
        weights = np.zeros((x.shape[1], len(lesson.people)), np.float32)
        first, second = np.zeros_like(weights), np.zeros_like(weights)
        for step in range(1, self._STEPS + 1):
            slope = x.T @ (_softmax(x @ weights) - target) / len(x) + self._DECAY * weights
            first = 0.9 * first + 0.1 * slope
            second = 0.999 * second + 0.001 * slope**2
            weights -= self._RATE * (first / (1 - 0.9**step)) / (np.sqrt(second / (1 - 0.999**step)) + 1e-8)

        def answer(embeddings: Float32) -> Answers:
            rows = np.c_[(embeddings - mean) * scale, np.ones(len(embeddings))].astype(np.float32)
            return _best(_softmax(rows @ weights), embeddings)

        return answer


def _best(scores: NDArray[np.floating[Any]], embeddings: Float32) -> Answers:
    """Return the best column of ``scores`` [N, P] for each row, and nothing where the embedding is zero."""
    index, score = scores.argmax(axis=1).astype(np.int32), scores.max(axis=1).astype(np.float32)
    nothing = ~embeddings.any(axis=1)
    return Answers(np.where(nothing, -1, index).astype(np.int32), np.where(nothing, -np.inf, score).astype(np.float32))


def _softmax(logits: Float32) -> Float32:
    power = np.exp(logits - logits.max(axis=1, keepdims=True))
    shares: Float32 = power / power.sum(axis=1, keepdims=True)
    return shares
