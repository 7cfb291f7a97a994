"""Fit the metric and the cohort that ship with a backbone: ``python -m familiar_trainer.evaluation.fitting``.

Both are fitted to the same people. Of a metric 128x128 numbers are kept, of a cohort means, factors and weights of 16
components, each the sum of some hundred people; nobody's embedding is in either.
"""

from __future__ import annotations

import argparse
import dataclasses
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from familiar.learning import Cohort, Metric, Mixture, cohort, metric, promise
from familiar.servable import BackboneMeta
from familiar_trainer import backbones
from familiar_trainer.evaluation.cache import SightCache, default_folder
from familiar_trainer.evaluation.pictures import People, UnusableData
from familiar_trainer.evaluation.pipelines import AlignedFaces, Embedder
from familiar_trainer.evaluation.sight import Float32
from familiar_trainer.evaluation.split import was_fitted

COMPONENTS = 16
SHRINKAGE = 40.0
FREEDOM = 8.0
"""Degrees of freedom of each component: strangers have longer tails than a normal distribution. Chosen together with
the metric, on people who were not fitted to; see docs/adr/0013-a-metric-and-a-promise-each.md."""
WELL_KNOWN, PICTURES = 200, 10
"""So many people of whom there are most pictures, and so many of each, say how near strangers come to most people."""
MISFIT = 2.0
"""By which factor the promise was missed at worst on people not fitted to, in the mean over galleries: see there."""


@dataclasses.dataclass(frozen=True)
class Space:
    """How embeddings are compared, and what strangers look like there; without a metric, as the backbone gives them."""

    metric: Metric | None
    cohort: Cohort

    @classmethod
    def shipped(cls, meta: BackboneMeta) -> Space:
        """Return what ships for a backbone that is itself loaded without a metric."""
        shipped = metric.load(meta.name)
        return cls(shipped, cohort.load(meta.name, meta.dim, shipped.digest if shipped else ""))

    @classmethod
    def fit(cls, looks: Sequence[Float32], person: NDArray[np.integer[Any]], origin: Mapping[str, Any]) -> Space:
        """Fit to pictures of many people.

        Args:
            looks: float32[N, D] each, the same N pictures in grey and in colour, or as other cameras see them;
                L2-normalised, zeros where there is no face.
            person: int[N], who is on each picture, from 0.
            origin: what to write into both files.

        Raises:
            ValueError: there are too few people, or nobody has two pictures.
        """
        count = int(person.max(initial=-1)) + 1
        seen = [np.flatnonzero(rows.any(axis=1)) for rows in looks]
        rows = np.concatenate([look[places] for look, places in zip(looks, seen, strict=True)])
        # A person's pictures in one look scatter about their mean in that look.
        who = np.concatenate([person[places] + count * i for i, places in enumerate(seen)])
        fitted = Metric.fit(rows, who, origin)
        first = np.unique(who, return_index=True)[1]
        mixture = Mixture.fit(fitted.apply(rows[first]), COMPONENTS, SHRINKAGE)
        told = {
            **origin,
            "strangers": len(np.unique(who[first] % count)),
            "components": COMPONENTS,
            "shrinkage": SHRINKAGE,
            "misfit": MISFIT,
            "metric": fitted.digest,
        }
        drawn = Cohort(fitted.dim, dataclasses.replace(mixture, freedom=FREEDOM), origin=told)
        sums, counts = _most_pictures(fitted.apply(rows), who)
        return cls(fitted, dataclasses.replace(drawn, reach=promise.usual_reach(sums, counts, drawn)))


def _most_pictures(rows: Float32, who: NDArray[np.integer[Any]]) -> tuple[Float32, NDArray[np.intp]]:
    """Return (float32[P, D], int[P]): sums of some pictures each of those P of whom there are most, and how many."""
    counts = np.bincount(who)
    known = np.argsort(-counts, kind="stable")[: min(WELL_KNOWN, int((counts > 1).sum()))]
    sums = np.stack([rows[np.flatnonzero(who == one)[:PICTURES]].sum(axis=0) for one in known])
    return sums, np.minimum(counts[known], PICTURES)


def twins(people: People, other: People) -> People:
    """Return the pictures of ``other`` in the order of ``people``: the same ones, as another camera took them.

    Raises:
        UnusableData: one is missing.
    """
    at = {(picture.person, picture.path.stem): picture for picture in other.pictures}
    try:
        return People(tuple(at[picture.person, picture.path.stem] for picture in people.pictures))
    except KeyError as missing:
        raise UnusableData(f"the second folder lacks a picture of the first: {missing}") from None


def numbers(people: People) -> NDArray[np.intp]:
    """Return int[N]: who is on each picture, as a position in ``list(people.of)``."""
    place = {name: i for i, name in enumerate(people.of)}
    return np.array([place[picture.person] for picture in people.pictures], np.intp)


def fitted_apart(people: People, looks: Sequence[Float32]) -> Space | None:
    """Return what is fitted to those of LFW whom ``was_fitted`` names, and who are not measured; None if too few.

    ``looks`` are float32[N, D] each, of all N pictures of ``people``, as ``Space.fit`` takes them.
    """
    number = numbers(people)
    chosen = np.array([was_fitted(people, name) for name in people.of])[number]
    person = np.unique(number[chosen], return_inverse=True)[1]
    if person.max(initial=0) < 20 * COMPONENTS:
        return None
    return Space.fit([look[chosen] for look in looks], person, {"rule": "split.was_fitted"})


def main(arguments: Sequence[str] | None = None) -> int:
    """Fit metric and cohort of the default backbone and write them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, metavar="FOLDER", help="one folder of pictures per person")
    parser.add_argument("--colour", type=Path, metavar="FOLDER", help="the same pictures by another camera")
    parser.add_argument("--rule", required=True, metavar="TEXT", help="what to write down of whose pictures these are")
    parser.add_argument("--metric", type=Path, required=True, metavar="FILE", help="the .npz to write the metric to")
    parser.add_argument("--cohort", type=Path, required=True, metavar="FILE", help="the .npz to write the cohort to")
    parser.add_argument("--cache", type=Path, default=default_folder(), metavar="FOLDER")
    options = parser.parse_args(arguments)
    people = People.read(options.data)
    folders = [people, *([twins(people, People.read(options.colour))] if options.colour else [])]
    pipeline = AlignedFaces(Embedder(backbones.face_resnet_in(None)))
    cache = SightCache(options.cache)
    try:
        looks = [cache.see(pipeline, folder.pictures).embeddings for folder in folders]
    finally:
        cache.close()
    origin = {"rule": options.rule, "pictures": sum(int(look.any(axis=1).sum()) for look in looks)}
    space = Space.fit(looks, numbers(people), origin)
    assert space.metric is not None
    options.metric.write_bytes(space.metric.to_bytes())
    options.cohort.write_bytes(space.cohort.to_bytes())
    print(f"{COMPONENTS} components and a metric fitted to {len(people.of)} people, {origin['pictures']} pictures")
    return 0


if __name__ == "__main__":
    sys.exit(main())
