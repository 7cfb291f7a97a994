"""Albums: how purely and how completely a folder of photos is sorted: ``python -m familiar_trainer.evaluation.albums``.

Metric and cohort are fitted to one half of the people, and folders of the other half are sorted, both ways, with
several shares of strangers who may be taken for somebody. The share is chosen on folders of one half and the other half
is measured with it, so that nothing was chosen on those who are measured.
"""

from __future__ import annotations

import resource
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from familiar import learning
from familiar.knowing import Head
from familiar.learning import Gallery
from familiar.seeing import QualityLimits
from familiar_trainer.evaluation import halves, measures
from familiar_trainer.evaluation.folds import Faces, Fold, Places, folds
from familiar_trainer.evaluation.sight import Float32
from familiar_trainer.linkage import grouped
from familiar_trainer.reunion import FIRST_LOOK, TAKEN, reunited

PEOPLE, PICTURES = 300, 2_000
ENROLLED, LEARN = 20, 10
MOST_EACH = 20
SHARES = (0.02, 0.05, 0.07, TAKEN, 0.15, 0.2)
DRAWS = 3
"""So many folders of each kind are drawn of a half's people."""
PRECISION = 0.99
FAR_TARGET = 0.001


@dataclass(frozen=True)
class Album:
    """A folder: places of its pictures, and of those that its enrolled people were learned from."""

    name: str
    pictures: Places
    learn: Places


@dataclass(frozen=True)
class Outcome:
    """How one folder was sorted.

    Attributes:
        share: of strangers who may be taken for somebody; 0 after the first look alone.
        precision: of pairs of pictures that lie together, the share that shows one person.
        recall: of pairs of pictures of one person, the share that lies together.
        seconds: of the processor that grouping took.
    """

    half: int
    album: str
    share: float
    people: int
    pictures: int
    named: int
    groups: int
    precision: float
    recall: float
    seconds: float


def albums(faces: Faces, usable: Places, draw: int) -> Iterator[Album]:
    """Yield folders of the people of whom there are most pictures: as many of each as there are, and 20 at most."""
    who = faces.person[usable]
    count = np.bincount(who)
    chosen = np.argsort(-count, kind="stable")[:PEOPLE]
    rng = np.random.default_rng(draw)
    able = chosen[count[chosen] > LEARN + 2]
    enrolled = rng.choice(able, ENROLLED, replace=False)
    mixed = rng.permutation(usable[np.isin(who, chosen)])
    learn = np.concatenate([mixed[faces.person[mixed] == each][:LEARN] for each in enrolled])
    rest = mixed[~np.isin(mixed, learn)]
    yield Album("as they are", rest[:PICTURES], learn)
    few = np.concatenate([rest[faces.person[rest] == each][:MOST_EACH] for each in chosen])
    yield Album(f"{MOST_EACH} at most", rng.permutation(few)[:PICTURES], learn)


def sorted_by(half: int, fold: Fold, faces: Faces, rows: Float32, album: Album) -> list[Outcome]:
    """Name and group the pictures of a folder by the first look alone and with each of the ``SHARES``."""
    gallery = Gallery.from_rows(
        (f"{faces.person[place]:04d}", "pictures", float(at), rows[place]) for at, place in enumerate(album.learn)
    )
    head: Head = learning.learn(gallery, fold.space.cohort, FAR_TARGET).head
    found = head.identify(rows[album.pictures])
    whose = np.where(found.known, found.index[:, 0], -1)
    unknown = np.flatnonzero(whose < 0)
    asked = rows[album.pictures[unknown]]
    outcomes = []
    for share in (0.0, *SHARES):
        begun = time.process_time()
        groups = grouped(asked, fold.space.cohort.alike(FIRST_LOOK))
        if share:
            groups = reunited(asked, groups, fold.space.cohort, share)
        seconds = time.process_time() - begun
        whose[unknown] = len(head.person_ids) + groups
        outcomes.append(_judged(half, album, share, whose, faces.person[album.pictures], len(unknown), seconds))
    return outcomes


def _judged(half: int, album: Album, share: float, whose: Places, person: Places, unknown: int, s: float) -> Outcome:
    return Outcome(
        half, album.name, share, len(np.unique(person)), len(person), len(person) - unknown, len(np.unique(whose)),
        *measures.pairwise(whose, person), s,
    )  # fmt: skip


def chosen_on(outcomes: Sequence[Outcome], half: int) -> float:
    """Return the greatest share up to which all folders of a half are pure; the least one if there is none."""
    impure = [row.share for row in outcomes if row.half == half and row.precision < PRECISION]
    return max((share for share in SHARES if share < min(impure, default=1.0)), default=SHARES[0])


def table(outcomes: Sequence[Outcome]) -> str:
    """Return a Markdown table with a line for all draws of a kind of folder, the least and the most of them.

    A star marks the share that is used, and two what was chosen on the other half.
    """
    lines = [
        "| half | pictures of each | taken | people | pictures | named | groups | precision % | recall % | s |",
        "| ---: | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    alike: dict[tuple[int, str, float], list[Outcome]] = {}
    for row in outcomes:
        alike.setdefault((row.half, row.album, row.share), []).append(row)
    for (half, album, share), rows in sorted(alike.items()):
        stars = "*" * (share == TAKEN) + "**" * (share == chosen_on(outcomes, 1 - half))
        told = f"{100 * share:g} % {stars}".strip() if share else "first look"
        cells = [
            *(_range([getattr(row, each) for row in rows]) for each in ("people", "pictures", "named", "groups")),
            *(_range([round(100 * getattr(row, each), 1) for row in rows]) for each in ("precision", "recall")),
            f"{max(row.seconds for row in rows):.1f}",
        ]
        lines.append(f"| {half} | {album} | {told} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _range(values: Sequence[float]) -> str:
    return f"{min(values):g}" if min(values) == max(values) else f"{min(values):g} to {max(values):g}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print the table, and how much memory was taken at most."""

    def told(faces: Faces) -> str:
        shown = table(outcomes_of(faces))
        most_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        return f"{shown}\n\nat most {most_mb:.0f} MB, cache and fits included"

    return halves.run(arguments, __doc__, lambda sights: sights.gated(QualityLimits()).embeddings, told)


def outcomes_of(faces: Faces) -> list[Outcome]:
    """Sort folders of both halves; pictures without a good face are zeros in ``faces``, and are left out."""
    outcomes = []
    for half, fold in enumerate(folds(faces, 0)):
        (look,) = faces.looks.values()
        assert fold.space.metric is not None
        rows = fold.space.metric.apply(look)
        usable = fold.measured[look[fold.measured].any(axis=1)]
        for draw in range(DRAWS):
            for album in albums(faces, usable, draw):
                outcomes += sorted_by(half, fold, faces, rows, album)
    return outcomes


if __name__ == "__main__":
    sys.exit(main())
