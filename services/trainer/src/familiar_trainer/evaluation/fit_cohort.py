"""Make the stranger cohort that ships with a backbone: ``python -m familiar_trainer.evaluation.fit_cohort``.

A mixture of distributions is fitted to the first picture of each person whom the rule of ``split.was_fitted`` names.
Those people are strangers in no measurement. What is kept are means, factors and weights of 16 components, each
the sum of some hundred people; nobody's embedding is in it.
"""

from __future__ import annotations

import argparse
import dataclasses
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from familiar.learning import Cohort, Mixture
from familiar_trainer import backbones
from familiar_trainer.evaluation.cache import SightCache, default_folder
from familiar_trainer.evaluation.pictures import People
from familiar_trainer.evaluation.pipelines import AlignedFaces, Embedder
from familiar_trainer.evaluation.split import was_fitted

COMPONENTS = 16
SHRINKAGE = 40.0
FREEDOM = 4.0
"""Degrees of freedom of each component: strangers have longer tails than a normal distribution. Chosen by fitting to
one half of the people and asking the other; see docs/adr/0005-head-and-threshold.md."""
MISFIT = 1.7
"""By which factor the promise was missed at worst on people not fitted to; see docs/adr/0005-head-and-threshold.md."""

RULE = (
    "LFW in grey, names A to M: the first picture of each person with fewer than 20 for whom "
    "int(sha256(name)[:8], 16) < 0.45 * 2**32"
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Fit the cohort of the default backbone and write it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, metavar="FOLDER", help="one folder of pictures per person")
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="the .npz to write")
    parser.add_argument("--cache", type=Path, default=default_folder(), metavar="FOLDER")
    options = parser.parse_args(arguments)
    people = People.read(options.data)
    first = [mine[0] for name, mine in people.of.items() if was_fitted(people, name)]
    cache = SightCache(options.cache)
    try:
        sights = cache.see(AlignedFaces(Embedder(backbones.load("face_resnet"))), people.pictures, first)
    finally:
        cache.close()
    rows = sights.embeddings[first]
    rows = rows[np.linalg.norm(rows, axis=1) > 0]
    mixture = dataclasses.replace(Mixture.fit(rows, COMPONENTS, SHRINKAGE), freedom=FREEDOM)
    origin = {
        "strangers": len(rows),
        "rule": RULE,
        "components": COMPONENTS,
        "shrinkage": SHRINKAGE,
        "misfit": MISFIT,
    }
    options.out.write_bytes(Cohort(rows.shape[1], mixture, origin).to_bytes())
    print(f"{options.out}: {COMPONENTS} components fitted to {len(rows)} people")
    return 0


if __name__ == "__main__":
    sys.exit(main())
