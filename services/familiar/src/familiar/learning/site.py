"""The site: what strangers before its own camera score, beside what the cohort expects of them.

The strangers are enrolled in thought, each by their pictures as the product enrols anybody, and everybody else's are
asked about, and the cohort's. The same prototypes, so only the strangers differ; and it has nothing to do with who is
enrolled in truth, so the correction stays when people come and go.
"""

import hashlib
from dataclasses import astuple, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from familiar.knowing import Head, normalise
from familiar.learning import prototypes
from familiar.learning.calibration import tail_quantile
from familiar.learning.cohort import Cohort
from familiar.learning.correction import Correction
from familiar.learning.promise import lengths
from familiar.learning.rivals import highest

Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]
Groups = NDArray[np.integer[Any]]

LEAST_PEOPLE = 30
"""Different people below which nothing is corrected: the end of their scores is a handful of pairs."""

_MOST_PEOPLE, _MOST_PICTURES = 2_000, 6_000
_PAIRS_EACH = 2
"""The end of the scores begins where so many pairs for each person are above: the more people, the farther out."""
_EXPECTED = 20_000_000
"""Scores of the cohort's strangers to compare with."""
_DRAWS = 200
"""Of the bootstrap, by people."""
_SPARE = 8
"""Times as many pairs are kept as are above: a bootstrap draws some people again and again, and others never."""

_SHIFT_BEFORE = 3.0
_STRETCH_BEFORE = 0.2
"""What is thought of a site before anything is measured, as standard deviations: the shift in lengths of the spread,
so that a camera before which twenty times as many strangers are named is nothing unheard of."""

_SAME_SHARE = 1e-7
_SAME_STRANGERS = 5_000
"""Pictures are one person's if fewer pairs of the cohort's strangers than this are as alike: near copies. Taking two
people for one hides the very pair that matters; taking one for two only makes the threshold safer."""

_SURELY_ENROLLED = 0.01
_STRANGERS = 30_000
"""Somebody is taken for enrolled at the score that this share of the target would be named at."""

_FORM = b"1"
"""Another one where scores come about otherwise, and corrections measured before say nothing any more."""


def measure(embeddings: Float32, person: Groups, cohort: Cohort) -> Correction:
    """Return the correction that strangers of the site call for.

    Args:
        embeddings: float32[N, D], L2-normalised, by the backbone that ``cohort`` belongs to.
        person: int[N], whose they are; everybody counts the same, however many pictures there are.
        cohort: what was expected; it must be fitted.

    Raises:
        ValueError: there are fewer than ``LEAST_PEOPLE``, or the cohort is not fitted.
    """
    if not cohort.fitted:
        raise ValueError("nothing is known of strangers before this backbone, so there is nothing to correct")
    rows, owner = _some(embeddings, np.unique(person, return_inverse=True)[1])
    people = int(owner.max(initial=-1)) + 1
    if people < LEAST_PEOPLE:
        raise ValueError(f"a correction needs {LEAST_PEOPLE} different people, got {people}")
    sums = np.zeros((people, embeddings.shape[1]), np.float32)
    np.add.at(sums, owner, rows)
    pretended = prototypes.from_means(sums, cohort)
    pretended *= lengths(pretended, sums, np.bincount(owner), cohort)[:, None]
    share = _PAIRS_EACH / (people - 1)
    expected = cohort.strangers(min(_STRANGERS, _EXPECTED // people), seed=3) @ pretended.T
    level, spread = _upper_end(np.sort(expected, axis=None)[::-1], None, share * expected.size)
    pairs = _Pairs.of(rows @ pretended.T, owner, share)
    once = np.ones(people)
    (begins, excess), rng = pairs.upper_end(once, share), np.random.default_rng(0)
    resampled = np.array(
        [
            pairs.upper_end(np.bincount(rng.integers(0, people, people), minlength=people).astype(np.float64), share)
            for _ in range(_DRAWS)
        ]
    )
    error_of_level, error_of_excess = resampled.std(axis=0)
    shift, shift_error = _shrunk(begins - level, error_of_level, _SHIFT_BEFORE * spread)
    stretch, stretch_error = _shrunk(excess / spread - 1, error_of_excess / spread, _STRETCH_BEFORE)
    return Correction(people, share, spread, shift, shift_error, 1 + stretch, stretch_error, digest(cohort))


def same_people(embeddings: Float32, group: Groups, cohort: Cohort) -> NDArray[np.intp]:
    """Return int[N]: whose each of ``embeddings`` [N, D] is, where those of one ``group`` int[N] are one person's.

    Groups with pictures so alike as strangers hardly ever are become one: several frames of one visit are one person.
    Somebody who comes again on another day looks too different; only ``group`` can tell. A cohort that is not fitted
    joins nothing.
    """
    person = np.unique(group, return_inverse=True)[1]
    if not cohort.fitted or not len(embeddings):
        return person
    drawn = cohort.strangers(_SAME_STRANGERS, seed=4)
    alike = float(tail_quantile((drawn[::2] @ drawn[1::2].T).ravel(), _SAME_SHARE))
    for at, row in enumerate(embeddings):
        for found in np.unique(person[:at][embeddings[:at] @ row >= alike]):
            person[person == found] = person[at]
    return np.unique(person, return_inverse=True)[1]


def enrolled(embeddings: Float32, head: Head, cohort: Cohort, far_target: float) -> NDArray[np.bool_]:
    """Return bool[N]: which of ``embeddings`` [N, D] score far more than a stranger who is named by accident.

    Those who only just reach the threshold stay: they are what is to be measured.
    """
    if not head.person_ids or not cohort.fitted:
        return np.zeros(len(embeddings), np.bool_)
    among_strangers = highest(cohort.strangers(_STRANGERS, seed=3), head.prototypes)
    accident = tail_quantile(among_strangers, far_target)
    beyond = float(tail_quantile(among_strangers, far_target * _SURELY_ENROLLED) - accident)
    certainly: NDArray[np.bool_] = highest(embeddings, head.prototypes) >= float(np.median(head.thresholds)) + beyond
    return certainly


def digest(cohort: Cohort) -> str:
    """Return a short hexadecimal digest of what scores of strangers are compared with; '' if it is not fitted."""
    if cohort.mixture is None:
        return ""
    state = hashlib.sha256(_FORM)
    for part in (cohort.mixture.weights, cohort.mixture.means, cohort.mixture.factors, cohort.mixture.freedom):
        state.update(np.asarray(part, "<f4").tobytes())
    if cohort.reach is not None:
        state.update(np.array(astuple(cohort.reach), "<f4").tobytes())
    return state.hexdigest()[:16]


@dataclass(frozen=True)
class _Pairs:
    """The highest scores of pictures with other people's prototypes.

    Attributes:
        score: float32[M], descending.
        row, column: int[M], whose picture and whose prototype.
        weight: float64[M], so that each pair of people counts once.
    """

    score: Float32
    row: Groups
    column: Groups
    weight: Float64

    @classmethod
    def of(cls, scores: Float32, owner: Groups, share: float) -> "_Pairs":
        scores[np.arange(len(scores)), owner] = -np.inf
        kept = min(scores.size - 1, int(_SPARE * share * scores.size))
        floor = np.partition(scores, scores.size - kept - 1, axis=None)[scores.size - kept - 1]
        row, column = np.nonzero(np.isfinite(scores) & (scores >= floor))
        order = np.argsort(-scores[row, column], kind="stable")
        row, column = row[order], column[order]
        return cls(scores[row, column], owner[row], column, 1.0 / np.bincount(owner)[owner[row]])

    def upper_end(self, counts: Float64, share: float) -> tuple[float, float]:
        """Return (where the highest ``share`` of all pairs begins, their mean excess), each person taken so often."""
        total = counts.sum() ** 2 - (counts**2).sum()
        return _upper_end(self.score, self.weight * counts[self.row] * counts[self.column], share * total)


def _upper_end(score: Float32, weight: Float64 | None, above: float) -> tuple[float, float]:
    """Return the level that scores of a total weight of ``above`` exceed, and by how much on average.

    ``score`` [M] descends; each weighs 1 if ``weight`` is None.
    """
    if weight is None:
        weight = np.ones(min(len(score), int(above) + 2))
        score = score[: len(weight)]
    place = min(int(np.searchsorted(np.cumsum(weight), above)), len(score) - 1)
    level, taken = float(score[place]), weight[:place]
    if not taken.sum():
        return level, 0.0
    return level, float((taken * (score[:place].astype(np.float64) - level)).sum() / taken.sum())


def _some(embeddings: Float32, person: Groups) -> tuple[Float32, Groups]:
    """Return at most so many people and pictures as can be compared at once, chosen by chance, people renumbered."""
    rng = np.random.default_rng(0)
    shuffled = rng.permutation(len(embeddings))
    chosen = rng.permutation(int(person.max(initial=-1)) + 1)[:_MOST_PEOPLE]
    rows = shuffled[np.isin(person[shuffled], chosen)]
    # Everybody's first picture before anybody's second.
    turn = _occurrence(person[rows])
    rows = np.sort(rows[np.argsort(turn, kind="stable")][:_MOST_PICTURES])
    return normalise(embeddings[rows]), np.unique(person[rows], return_inverse=True)[1]


def _occurrence(values: Groups) -> NDArray[np.intp]:
    """Return int[N]: how often each of ``values`` [N] has been there before."""
    order = np.argsort(values, kind="stable")
    starts = np.flatnonzero(np.r_[True, np.diff(values[order]) != 0])
    counted = np.empty(len(values), np.intp)
    counted[order] = np.arange(len(values)) - np.repeat(starts, np.diff(np.r_[starts, len(values)]))
    return counted


def _shrunk(measured: float, error: float, before: float) -> tuple[float, float]:
    """Return (mean, standard deviation) after measuring, both normal; ``before`` it was 0 with that deviation."""
    trust = before**2 / (before**2 + error**2)
    return float(trust * measured), float(before * np.sqrt(1 - trust))
