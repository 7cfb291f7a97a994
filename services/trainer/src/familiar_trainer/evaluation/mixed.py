"""Mixed enrolments: how often somebody is asked about pictures that are all of one person, and how often rightly.

``python -m familiar_trainer.evaluation.mixed --data FOLDER``, and a part of ``make evaluate``. Metric and cohort are
fitted to one half of the people and enrolments are put together from the other one, both ways. Of pictures those count
that the product would keep: one face, in good light and sharp enough.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from familiar import learning
from familiar.learning import Cohort
from familiar.seeing import ENROLMENT
from familiar_trainer.evaluation import halves
from familiar_trainer.evaluation.folds import Faces, Places, folds
from familiar_trainer.evaluation.sight import Float32, Sights


@dataclass(frozen=True)
class Kind:
    """A kind of enrolment: how many pictures are stored of the person, and how many come of them and of others."""

    stored: int
    own: int
    others: tuple[int, ...] = ()

    @property
    def needed(self) -> int:
        """How many pictures the person needs."""
        return self.stored + self.own


KINDS = (
    *(Kind(0, own) for own in (5, 10, 20)),
    *(Kind(10, own) for own in (5, 10)),
    *(Kind(0, 10 - strange, (strange,)) for strange in (1, 2, 3, 5)),
    *(Kind(0, own, others) for own, others in ((5, (3,)), (8, (8,)), (19, (1,)), (4, (3, 3)))),
    *(Kind(10, 10 - strange, (strange,)) for strange in (1, 3, 5, 10)),
)


@dataclass(frozen=True)
class Outcome:
    """What is asked of enrolments of one kind, as one camera sees them.

    Attributes:
        look: which camera.
        kind: of which kind they are, and ``people`` of how many, one of each.
        asked: share of them that are asked about.
        exactly: share in which what is asked about are the others' pictures, all of them and nothing else; by halves,
            the pictures of either.
    """

    look: str
    kind: Kind
    people: int
    asked: float
    exactly: float


def kept(sights: Sights) -> Float32:
    """Return the embeddings float32[N, D], zeros where the product would not keep a picture of an enrolment."""
    embeddings = sights.gated(ENROLMENT).embeddings.copy()
    embeddings[sights.faces != 1] = 0.0
    return embeddings


def outcomes(faces: Faces) -> list[Outcome]:
    """Put an enrolment of every kind together for everybody who has the pictures, by each way to look at them.

    Pictures that the product would not keep are zeros in ``faces``.
    """
    told: dict[tuple[str, Kind], list[tuple[bool, bool]]] = {}
    for fold in folds(faces, 0):
        for look, embeddings in faces.looks.items():
            rows = embeddings if fold.space.metric is None else fold.space.metric.apply(embeddings)
            usable = fold.measured[embeddings[fold.measured].any(axis=1)]
            for kind in KINDS:
                told.setdefault((look, kind), []).extend(_asked(faces, rows, usable, kind, fold.space.cohort))
    return [
        Outcome(look, kind, len(each), *np.mean(each, axis=0).tolist()) for (look, kind), each in told.items() if each
    ]


def _asked(faces: Faces, rows: Float32, usable: Places, kind: Kind, cohort: Cohort) -> list[tuple[bool, bool]]:
    """Return for an enrolment of each person whether it is asked about, and whether exactly so; ``rows`` [N, D]."""
    mine: dict[int, list[int]] = {}
    for place in usable.tolist():
        mine.setdefault(int(faces.person[place]), []).append(place)
    told = []
    rng = np.random.default_rng([kind.needed, *kind.others])
    for who in [each for each, places in mine.items() if len(places) >= kind.needed]:
        own = rng.permutation(mine[who])
        strangers = [
            each for each, places in mine.items() if each != who and len(places) >= max(kind.others, default=0)
        ]
        chosen = rng.choice(strangers, len(kind.others), replace=False)
        others = [
            rng.permutation(mine[other])[:count] for other, count in zip(chosen.tolist(), kind.others, strict=True)
        ]
        came = np.concatenate([own[kind.stored : kind.needed], *others])
        found = learning.strays(rows[came], rows[own[: kind.stored]], cohort)
        own_ones, other_ones = list(range(kind.own)), list(range(kind.own, len(came)))
        right = [other_ones, own_ones] if (kind.stored, kind.others) == (0, (kind.own,)) else [other_ones]
        told.append((bool(len(found)), found.tolist() in right))
    return told


def table(rows: Sequence[Outcome]) -> str:
    """Return a Markdown table."""
    lines = [
        "| look | stored | the person's own | others' | asked % | exactly % | people |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    lines += [
        f"| {row.look} | {row.kind.stored} | {row.kind.own} | {' + '.join(map(str, row.kind.others)) or '-'} | "
        f"{100 * row.asked:.1f} | {f'{100 * row.exactly:.1f}' if row.kind.others else '-'} | "
        f"{row.people:,} |"
        for row in rows
    ]
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print the table."""
    return halves.run(arguments, __doc__, kept, lambda faces: table(outcomes(faces)), logging.INFO)


if __name__ == "__main__":
    sys.exit(main())
