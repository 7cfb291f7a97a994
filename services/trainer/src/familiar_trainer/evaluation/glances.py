"""How far a glance may be trusted: ``python -m familiar_trainer.evaluation.glances --data FOLDER``.

Heads are learned from embeddings, as always. Everybody else is asked about twice, with a glance and with an embedding,
by the rule of the product (``familiar.knowing.is_sure``) and for thresholds around the calibrated one, since a decision
changes only where a threshold happens to lie between two scores.
"""

from __future__ import annotations

import argparse
import dataclasses
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from familiar.knowing import Head, is_sure
from familiar.learning import Cohort, Gallery, cohort, learn
from familiar_trainer import backbones
from familiar_trainer.backbones import Backbone, Looks
from familiar_trainer.evaluation.cache import SightCache, default_folder
from familiar_trainer.evaluation.pictures import People, UnusableData
from familiar_trainer.evaluation.pipelines import AlignedFaces, Embedder
from familiar_trainer.evaluation.sight import Float32
from familiar_trainer.evaluation.split import Split, eligible, split, strangers_to

MARGINS = (0.0, 0.002, 0.004, 0.006, 0.008, 0.012)
_FAR_TARGET = 0.001
_LEARN = 6
_ENROLLED = 30
_SPREAD = np.linspace(-0.0045, 0.0045, 21, dtype=np.float32)


@dataclasses.dataclass(frozen=True)
class Tally:
    """What a margin does to N probes; counts are means over the thresholds tried.

    Attributes:
        known: how many probes are of somebody enrolled.
        strangers: how many are not.
        changed: how many are decided otherwise than by an embedding.
        let_in: how many strangers are named who would not be by an embedding.
        known_twice: how many of the known need a second look.
        strangers_twice: how many of the strangers do.
    """

    known: int
    strangers: int
    changed: float
    let_in: float
    known_twice: float
    strangers_twice: float

    def __add__(self, other: Tally) -> Tally:
        return Tally(*(a + b for a, b in zip(dataclasses.astuple(self), dataclasses.astuple(other), strict=True)))

    def line(self, margin: float) -> str:
        """Return a row of the table."""
        share, let_in = self.changed / (self.known + self.strangers), self.let_in / max(self.strangers, 1)
        twice = self.known_twice / max(self.known, 1), self.strangers_twice / max(self.strangers, 1)
        return f"| {margin:g} | {share * 1e4:.2f} | {let_in * 1e4:.2f} | {twice[0]:.1%} | {twice[1]:.1%} |"


def tally(head: Head, glances: Float32, embeddings: Float32, known: NDArray[np.bool_], margin: float) -> Tally:
    """Ask ``head`` about N probes, float32[N, D] both; ``known`` tells which are of somebody enrolled."""
    at_a_glance, closely = head.identify(glances), head.identify(embeddings)
    changed = let_in = known_twice = strangers_twice = 0.0
    for threshold in head.thresholds[0] + _SPREAD:
        named, truly = (_named(each.index, each.score, threshold) for each in (at_a_glance, closely))
        sure = is_sure(at_a_glance.index, at_a_glance.score, named >= 0, float(threshold), margin)
        decided = np.where(sure, named, truly)
        changed += float((decided != truly).sum())
        let_in += float(((decided >= 0) & (truly < 0) & ~known).sum())
        known_twice += float((~sure & known).sum())
        strangers_twice += float((~sure & ~known).sum())
    tried = len(_SPREAD)
    return Tally(
        int(known.sum()),
        int((~known).sum()),
        *(total / tried for total in (changed, let_in, known_twice, strangers_twice)),
    )


def _named(index: NDArray[np.int32], score: Float32, threshold: np.float32) -> NDArray[np.int32]:
    return np.where(score[:, 0] >= threshold, index[:, 0], -1)


def trials(people: People, count: int) -> list[Split]:
    """Return ``count`` choices of who is enrolled, from which pictures, and who is asked about.

    Raises:
        UnusableData: too few people have enough pictures.
    """
    able = eligible(people, _LEARN + 2)
    enrolled = [sorted(np.random.default_rng(seed).permutation(able)[:_ENROLLED].tolist()) for seed in range(count)]
    return [split(people, each, _LEARN, strangers_to(people, each), seed) for seed, each in enumerate(enrolled)]


def learned(trial: Split, embeddings: Float32, strangers: Cohort) -> Head:
    """Return the head of a trial, learned from those of ``embeddings`` [N, D] that show a face."""
    rows = [
        (f"{person:04d}", "capture", float(place), embeddings[place])
        for place, person in zip(trial.learn, trial.learn_person, strict=True)
        if embeddings[place].any()
    ]
    return learn(Gallery.from_rows(rows), strangers, _FAR_TARGET).head


def glancing(backbone: Backbone) -> Backbone:
    """Return ``backbone`` as one that only ever glances.

    Raises:
        UnusableData: it cannot.
    """
    if backbone.meta.glance_margin is None:
        raise UnusableData(f"{backbone.meta.name} has no glance")

    def build() -> Looks:
        glance = backbone.build().glance
        assert glance is not None
        return Looks(glance)

    return Backbone(dataclasses.replace(backbone.meta, mirrored=False, glance_margin=None), build)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print a table of margins for the default backbone."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, metavar="FOLDER", help="one folder of pictures per person")
    parser.add_argument("--heads", type=int, default=20, metavar="N", help="how many heads to learn (default: 20)")
    parser.add_argument("--cache", type=Path, default=default_folder(), metavar="FOLDER")
    options = parser.parse_args(arguments)
    people = People.read(options.data)
    backbone = backbones.load(backbones.DEFAULT)
    ways = AlignedFaces(Embedder(glancing(backbone))), AlignedFaces(Embedder(backbone))
    chosen = trials(people, options.heads)
    needed = np.unique(np.concatenate([places for t in chosen for places in (t.learn, t.probes, t.strangers)]))
    cache = SightCache(options.cache)
    try:
        glances, embeddings = (cache.see(way, people.pictures, needed.tolist()).embeddings for way in ways)
    finally:
        cache.close()
    strangers = cohort.load(backbone.meta.name, backbone.meta.dim, backbone.meta.metric)
    totals: dict[float, Tally] = {}
    for trial in chosen:
        head = learned(trial, embeddings, strangers)
        places = np.concatenate([trial.probes, trial.strangers])
        known = np.arange(len(places)) < len(trial.probes)
        seen = embeddings[places].any(axis=1)
        for margin in MARGINS:
            found = tally(head, glances[places[seen]], embeddings[places[seen]], known[seen], margin)
            totals[margin] = totals[margin] + found if margin in totals else found
    asked = totals[MARGINS[0]]
    print(
        f"{len(needed)} pictures, {len(chosen)} heads, {asked.known} probes of somebody and {asked.strangers} of nobody"
    )
    print("| margin | decided otherwise, of 10,000 | strangers let in, of 10,000 | known, twice | strangers, twice |")
    print("|---|---|---|---|---|")
    for margin, total in totals.items():
        print(total.line(margin))
    return 0


if __name__ == "__main__":
    sys.exit(main())
