"""Another camera than the cohort's: whether the promise holds there, and once some of its strangers were handed in.

``python -m familiar_trainer.evaluation.site --data FOLDER``. Everybody, enrolled or not, is seen by one simulated
camera. Of the strangers some are handed in, and all others are asked about. Nobody is one of those whom the cohort was
fitted to.
"""

from __future__ import annotations

import argparse
import hashlib
import inspect
import logging
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from familiar import learning
from familiar.errors import InvalidInput
from familiar.learning import Cohort, cohort, site
from familiar.seeing import Frame, QualityLimits, decode, encode_jpeg
from familiar_trainer import backbones
from familiar_trainer.evaluation.cache import SightCache, default_folder
from familiar_trainer.evaluation.heads import Lesson, answerer, named_by
from familiar_trainer.evaluation.pictures import People
from familiar_trainer.evaluation.pipelines import AlignedFaces, Embedder
from familiar_trainer.evaluation.sight import Sight, Sights
from familiar_trainer.evaluation.split import Places, eligible, strangers_to

PEOPLE = 30
LEARN = 10
MOST_PICTURES = 18
STRANGERS = 1_500
HANDED_IN = (30, 100, 300)
TARGETS = (0.01, 0.001)

Camera = Callable[[Frame, np.random.Generator], Frame]


def _camera(
    gain: float, tint: Sequence[float] = (1, 1, 1), lift: float = 0.0, blur_px: float = 0.0, noise: float = 2.0
) -> Camera:
    def look(frame: Frame, rng: np.random.Generator) -> Frame:
        seen = frame.astype(np.float32) * (gain * np.asarray(tint, np.float32)) + lift
        if blur_px:
            seen = cv2.GaussianBlur(seen, (0, 0), blur_px)
        pixels = np.clip(np.rint(seen + rng.normal(0, noise, seen.shape)), 0, 255).astype(np.uint8)
        return decode(encode_jpeg(np.ascontiguousarray(pixels), 85))

    return look


CAMERAS: Mapping[str, Camera | None] = {
    "as they are": None,
    "tinted": _camera(1.0, (1.05, 0.8, 0.55)),
    "dark": _camera(0.3, (1.0, 0.87, 0.73), noise=2.5),
    "low contrast": _camera(0.4, lift=110, blur_px=1.0),
}


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


def see(people: People, places: Sequence[int], name: str, pipeline: AlignedFaces, cache: SightCache) -> Sights:
    """Return what ``pipeline`` makes of the pictures at ``places`` as the camera called ``name`` shows them."""
    camera = CAMERAS[name]
    if camera is None:
        return cache.see(pipeline, people.pictures, places)
    made = hashlib.sha256((pipeline.identity + name + inspect.getsource(_camera)).encode()).hexdigest()[:32]
    contents = [people.pictures[place].content for place in places]

    def look(wanted: list[int]) -> list[Sight]:
        return pipeline.see_frames([_shown(people, places[at], contents[at], camera) for at in wanted])

    sights = cache.recall(made, contents, look)
    return Sights.of(pipeline, len(people.pictures), dict(zip(places, sights, strict=True)))


def _shown(people: People, place: int, content: str, camera: Camera) -> Frame | None:
    try:
        frame = decode(people.pictures[place].path.read_bytes())
    except InvalidInput:
        return None
    return camera(frame, np.random.default_rng(int(content[:8], 16)))


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
    parser.add_argument("--cache", type=Path, default=default_folder(), metavar="FOLDER")
    parser.add_argument("--draws", type=int, default=6, help="galleries for each row")
    parser.add_argument("--cameras", nargs="+", choices=list(CAMERAS), default=list(CAMERAS))
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    people = People.read(options.data)
    pipeline, cache = AlignedFaces(Embedder(backbones.load("face_resnet"))), SightCache(options.cache)
    print("| camera | strangers handed in | promise | said, times | before, times | after, times | missed % | then |")
    print("|---|---|---|---|---|---|---|---|")
    try:
        for name in options.cameras:
            sights = see(people, wanted(people), name, pipeline, cache).gated(QualityLimits())
            expected = cohort.load("face_resnet", pipeline.dim)
            print(table(name, outcomes(people, sights, expected, options.draws)), flush=True)
    finally:
        cache.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
