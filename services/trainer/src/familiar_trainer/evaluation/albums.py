"""Albums: how purely and how completely a folder of photos is sorted: ``python -m familiar_trainer.evaluation.albums``.

Metric and cohort are fitted to one half of the people, and folders of the other half are sorted, both ways, with
several shares of strangers from which two are taken for one: what is chosen on one half can be seen on the other.
"""

from __future__ import annotations

import argparse
import logging
import resource
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from familiar import learning
from familiar.knowing import Head
from familiar.learning import Gallery
from familiar.seeing import QualityLimits
from familiar_trainer import backbones
from familiar_trainer.evaluation.cache import SightCache, default_folder
from familiar_trainer.evaluation.fitting import numbers
from familiar_trainer.evaluation.folds import Faces, Fold, Places, folds
from familiar_trainer.evaluation.pictures import People, UnusableData
from familiar_trainer.evaluation.pipelines import AlignedFaces, Embedder
from familiar_trainer.evaluation.sight import Float32
from familiar_trainer.linkage import SAME_STRANGER, grouped

PEOPLE, PICTURES = 300, 2_000
ENROLLED, LEARN = 20, 10
MOST_EACH = 20
SHARES = (0.002, 0.004, 0.006, 0.008, 0.01, SAME_STRANGER, 0.014, 0.02)
FAR_TARGET = 0.001
LEAST_PEOPLE = 1_000
_SEED = 1


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
        share: of pairs of strangers that are as alike as two groups that are taken for one.
        precision: of pairs of pictures that lie together, the share that shows one person.
        recall: of pairs of pictures of one person, the share that lies together.
        seconds: that naming and grouping took.
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


def albums(faces: Faces, usable: Places) -> Iterator[Album]:
    """Yield folders of the people of whom there are most pictures: as many of each as there are, and 20 at most."""
    who = faces.person[usable]
    count = np.bincount(who)
    chosen = np.argsort(-count, kind="stable")[:PEOPLE]
    rng = np.random.default_rng(_SEED)
    able = chosen[count[chosen] > LEARN + 2]
    enrolled = rng.choice(able, ENROLLED, replace=False)
    mixed = rng.permutation(usable[np.isin(who, chosen)])
    learn = np.concatenate([mixed[faces.person[mixed] == each][:LEARN] for each in enrolled])
    rest = mixed[~np.isin(mixed, learn)]
    yield Album("as they are", rest[:PICTURES], learn)
    few = np.concatenate([rest[faces.person[rest] == each][:MOST_EACH] for each in chosen])
    yield Album(f"{MOST_EACH} at most of each", rng.permutation(few)[:PICTURES], learn)


def sorted_by(half: int, fold: Fold, faces: Faces, rows: Float32, album: Album) -> list[Outcome]:
    """Name and group the pictures of a folder with each of the ``SHARES``."""
    gallery = Gallery.from_rows(
        (f"{faces.person[place]:04d}", "pictures", float(at), rows[place]) for at, place in enumerate(album.learn)
    )
    head: Head = learning.learn(gallery, fold.space.cohort, FAR_TARGET).head
    outcomes = []
    for share in SHARES:
        alike = fold.space.cohort.alike(share)
        begun = time.perf_counter()
        found = head.identify(rows[album.pictures])
        whose = np.where(found.known, found.index[:, 0], -1)
        unknown = np.flatnonzero(whose < 0)
        whose[unknown] = len(head.person_ids) + grouped(rows[album.pictures[unknown]], alike)
        seconds = time.perf_counter() - begun
        outcomes.append(_judged(half, album, share, whose, faces.person[album.pictures], len(unknown), seconds))
    return outcomes


def _judged(half: int, album: Album, share: float, whose: Places, person: Places, unknown: int, s: float) -> Outcome:
    both = _pairs(np.unique(np.stack([whose, person]), axis=1, return_counts=True)[1])
    together, same = (_pairs(np.unique(each, return_counts=True)[1]) for each in (whose, person))
    return Outcome(
        half, album.name, share, len(np.unique(person)), len(person), len(person) - unknown, len(np.unique(whose)),
        both / max(together, 1), both / max(same, 1), s,
    )  # fmt: skip


def _pairs(counts: Places) -> int:
    return int((counts * (counts - 1) // 2).sum())


def table(outcomes: Sequence[Outcome]) -> str:
    """Return a Markdown table; a star marks the share that is used."""
    lines = [
        "| half | pictures of each | share | people | pictures | named | groups | precision % | recall % | s |",
        "| ---: | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for row in outcomes:
        star = " *" if row.share == SAME_STRANGER else ""
        lines.append(
            f"| {row.half} | {row.album} | {100 * row.share:g} %{star} | {row.people} | {row.pictures} | {row.named} | "
            f"{row.groups} | {100 * row.precision:.1f} | {100 * row.recall:.1f} | {row.seconds:.1f} |"
        )
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print the table, and how much memory was taken at most."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, metavar="FOLDER", help="one folder of pictures per person")
    parser.add_argument("--cache", type=Path, default=default_folder(), metavar="FOLDER")
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.WARNING, format="%(message)s", stream=sys.stderr)
    cache = SightCache(options.cache)
    try:
        people = People.read(options.data)
        if len(people.of) < LEAST_PEOPLE:
            raise UnusableData(f"{options.data} holds {len(people.of)} people; {LEAST_PEOPLE} are needed")
        pipeline = AlignedFaces(Embedder(backbones.face_resnet_in(None)))
        rows = cache.see(pipeline, people.pictures).gated(QualityLimits()).embeddings
    except UnusableData as error:
        print(f"familiar evaluation: {error}", file=sys.stderr)
        return 1
    finally:
        cache.close()
    print(table(outcomes_of(Faces(tuple(people.of), numbers(people), {"grey": rows}))))
    print(f"\nat most {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB, cache and fits included")
    return 0


def outcomes_of(faces: Faces) -> list[Outcome]:
    """Sort folders of both halves; pictures without a good face are zeros in ``faces``, and are left out."""
    outcomes = []
    for half, fold in enumerate(folds(faces, 0)):
        (look,) = faces.looks.values()
        assert fold.space.metric is not None
        rows = fold.space.metric.apply(look)
        for album in albums(faces, fold.measured[look[fold.measured].any(axis=1)]):
            outcomes += sorted_by(half, fold, faces, rows, album)
    return outcomes


if __name__ == "__main__":
    sys.exit(main())
