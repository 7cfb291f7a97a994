"""Another camera than the cohort's: whether the promise holds there, and once some of its strangers were handed in.

``python -m familiar_trainer.evaluation.site --data FOLDER``. Everybody, enrolled or not, is seen by one simulated
camera. Of the strangers some are handed in, and all others are asked about. Nobody is one of those whom metric and
cohort were fitted to, and none of these was seen by another camera than their own.
"""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from familiar import learning
from familiar.learning import Cohort, site
from familiar.seeing import QualityLimits
from familiar_trainer import backbones
from familiar_trainer.evaluation import cameras
from familiar_trainer.evaluation.cache import SightCache, default_folder
from familiar_trainer.evaluation.fitting import fitted_apart, twins
from familiar_trainer.evaluation.heads import Lesson, answerer, named_by
from familiar_trainer.evaluation.pictures import People, UnusableData
from familiar_trainer.evaluation.pipelines import AlignedFaces, Embedder
from familiar_trainer.evaluation.sight import Sights
from familiar_trainer.evaluation.split import Places, eligible, strangers_to

PEOPLE = 30
LEARN = 10
MOST_PICTURES = 18
STRANGERS = 1_500
HANDED_IN = (30, 100, 300)
TARGETS = (0.01, 0.001)

AS_THEY_ARE = "as they are"
_CAMERAS = (AS_THEY_ARE, *cameras.CAMERAS)


@dataclass(frozen=True)
class Outcome:
    """What a camera's strangers come to, on average over the galleries that were drawn.

    Attributes:
        handed_in: how many people the correction rests on.
        target: share of strangers that may be named.
        times: what the correction said of that, as times of the target.
        before, after: share of the other strangers that is named, without and with it.
        missed_before, missed_after: share of known probes that is not named rightly.
        strangers: how many were asked about.
    """

    handed_in: int
    target: float
    times: float
    before: float
    after: float
    missed_before: float
    missed_after: float
    strangers: int


def outcomes(
    people: People, sights: Sights, expected: Cohort, draws: int, count: int = PEOPLE, least: int = LEARN
) -> list[Outcome]:
    """Enrol ``count`` people drawn at random, ``draws`` times, hand in strangers, and count how many others are named.

    Pictures that were not looked at, or refused, are zeros in ``sights`` and left out; whoever has more than ``least``
    others can be enrolled.
    """
    usable = sights.embeddings.any(axis=1)
    eligibles = eligible(people, LEARN + 1)
    mine = {name: _usable(people.of[name], usable) for name in eligibles}
    strangers = _usable(strangers_to(people, eligibles, STRANGERS), usable)
    candidates = [places for places in mine.values() if len(places) > least]
    rows = []
    for handed_in in HANDED_IN:
        for target in TARGETS:
            figures = []
            for seed in range(draws):
                rng = np.random.default_rng(1_000 * count + seed)
                chosen = rng.choice(len(candidates), min(count, len(candidates)), replace=False)
                drawn = [rng.permutation(candidates[i]) for i in sorted(chosen)]
                asked = rng.permutation(strangers)
                figures.append(_figures(sights, expected, drawn, asked[:handed_in], asked[handed_in:], target))
            rows.append(Outcome(handed_in, target, *np.mean(figures, axis=0).tolist(), len(strangers) - handed_in))
    return rows


def _figures(
    sights: Sights, expected: Cohort, drawn: Sequence[Places], given: Places, others: Places, target: float
) -> tuple[float, float, float, float, float]:
    """Return what stands in an ``Outcome``, for one gallery: the pictures ``drawn`` by person, ``LEARN`` to learn."""
    names = tuple(f"{number:03d}" for number in range(len(drawn)))
    learn, learn_person = _joined([places[:LEARN] for places in drawn])
    probes, probe_person = _joined([places[LEARN:] for places in drawn])
    gallery = Lesson(names, sights.embeddings[learn], learn_person, expected).gallery()
    correction = site.measure(sights.embeddings[given], np.arange(len(given)), expected)
    named, missed = [], []
    for each in (None, correction):
        answer = answerer(learning.learn(gallery, expected, target, each).head, names)
        found = answer(sights.embeddings[probes])
        named.append(float(named_by(answer(sights.embeddings[others])).mean()))
        missed.append(float(1 - (named_by(found) & (found.index == probe_person)).mean()))
    return correction.times(target / len(names)).value, named[0], named[1], missed[0], missed[1]


def _joined(by_person: Sequence[Places]) -> tuple[Places, Places]:
    return np.concatenate(by_person), np.repeat(np.arange(len(by_person)), [len(places) for places in by_person])


def _usable(places: Sequence[int] | Places, usable: NDArray[np.bool_]) -> Places:
    return np.array([place for place in places if usable[place]], np.intp)


def wanted(people: People) -> list[int]:
    """Return the places of all pictures that are needed: of people to enrol, and one of each stranger."""
    enrolled = eligible(people, LEARN + 1)
    mine = [place for name in enrolled for place in people.of[name][:MOST_PICTURES]]
    return sorted({*mine, *strangers_to(people, enrolled, STRANGERS).tolist()})


def table(camera: str, rows: Sequence[Outcome]) -> str:
    """Return the lines of a Markdown table."""
    return "\n".join(
        f"| {camera} | {row.handed_in} | 1 in {round(1 / row.target):,} | {row.times:.1f} | "
        f"{row.before / row.target:.1f} | **{row.after / row.target:.1f}** | "
        f"{100 * row.missed_before:.1f} | {100 * row.missed_after:.1f} |"
        for row in rows
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, metavar="FOLDER", help="one folder of pictures per person")
    parser.add_argument("--other", type=Path, metavar="FOLDER", help="the same pictures by another camera, to fit to")
    parser.add_argument("--cache", type=Path, default=default_folder(), metavar="FOLDER")
    parser.add_argument("--draws", type=int, default=6, help="galleries for each row")
    parser.add_argument("--cameras", nargs="+", choices=_CAMERAS, default=_CAMERAS)
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    people = People.read(options.data)
    other = [twins(people, People.read(options.other))] if options.other else []
    pipeline, cache = AlignedFaces(Embedder(backbones.face_resnet_in(None))), SightCache(options.cache)
    print("| camera | strangers handed in | promise | said, times | before, times | after, times | missed % | then |")
    print("|---|---|---|---|---|---|---|---|")
    try:
        looks = [cache.see(pipeline, folder.pictures) for folder in (people, *other)]
        space = fitted_apart(people, [look.embeddings for look in looks])
        if space is None:
            raise UnusableData(f"{options.data} holds too few people to fit a metric and a cohort to")
        for name in options.cameras:
            seen = looks[0] if name == AS_THEY_ARE else cameras.look(pipeline, cache, people, wanted(people), name)
            sights = seen.within(space.metric).gated(QualityLimits())
            print(table(name, outcomes(people, sights, space.cohort, options.draws)), flush=True)
    except UnusableData as error:
        print(f"familiar evaluation: {error}", file=sys.stderr)
        return 1
    finally:
        cache.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
