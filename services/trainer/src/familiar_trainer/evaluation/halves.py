"""Halves: what is measured on one half of the people, and fitted to the other one, as a program of its own."""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from familiar_trainer import backbones
from familiar_trainer.evaluation.cache import SightCache, default_folder
from familiar_trainer.evaluation.fitting import numbers, twins
from familiar_trainer.evaluation.folds import Faces
from familiar_trainer.evaluation.pictures import People, UnusableData
from familiar_trainer.evaluation.pipelines import AlignedFaces, Embedder
from familiar_trainer.evaluation.sight import Float32, Sights

LEAST_PEOPLE = 1_000
"""Fewer do not suffice for a half to fit to."""


def run(
    arguments: Sequence[str] | None, description: str | None, keep: Callable[[Sights], Float32],
    told: Callable[[Faces], str], level: int = logging.WARNING,
) -> int:  # fmt: skip
    """See people's pictures and print what is ``told`` of them; return the exit status.

    Args:
        arguments: of the command line, None for those of this process.
        description: of the program.
        keep: returns the embeddings of pictures, float32[N, D], zeros for those that do not count.
        told: returns what to print.
        level: what is logged.
    """
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, metavar="FOLDER", help="one folder of pictures per person")
    parser.add_argument("--colour", type=Path, metavar="FOLDER", help="the same pictures in colour")
    parser.add_argument("--cache", type=Path, default=default_folder(), metavar="FOLDER")
    options = parser.parse_args(arguments)
    logging.basicConfig(level=level, format="%(message)s", stream=sys.stderr)
    cache = SightCache(options.cache)
    try:
        people = People.read(options.data)
        if len(people.of) < LEAST_PEOPLE:
            raise UnusableData(
                f"{options.data} holds {len(people.of)} people; {LEAST_PEOPLE} are needed to fit to half"
            )
        folders = {"grey" if options.colour else "as they are": people}
        if options.colour:
            folders["colour"] = twins(people, People.read(options.colour))
        pipeline = AlignedFaces(Embedder(backbones.face_resnet_in(None)))
        looks = {look: keep(cache.see(pipeline, folder.pictures)) for look, folder in folders.items()}
    except UnusableData as error:
        print(f"familiar evaluation: {error}", file=sys.stderr)
        return 1
    finally:
        cache.close()
    print(told(Faces(tuple(people.of), numbers(people), looks)))
    return 0
