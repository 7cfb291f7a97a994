"""Command line: measure recognition quality on a folder of pictures, one folder for each person."""

from __future__ import annotations

import argparse
import json
import logging
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from familiar.errors import FamiliarError
from familiar_trainer.evaluation import charts
from familiar_trainer.evaluation.cache import SightCache, default_folder
from familiar_trainer.evaluation.pictures import UnusableData
from familiar_trainer.evaluation.study import Plan, run

EXIT_OK, EXIT_FAILED = 0, 1

_IMAGENET = "imagenet/mobilenet_v2_imagenet_notop.weights.h5"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code: 0 measured, 1 the data or a model cannot be used."""
    options = _parser().parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    cache = SightCache(options.cache)
    try:
        report = run(_plan(options), cache)
    except (UnusableData, FamiliarError) as error:
        print(f"familiar evaluation: {error}", file=sys.stderr)
        return EXIT_FAILED
    finally:
        cache.close()
    options.out.mkdir(parents=True, exist_ok=True)
    text = report.to_markdown()
    (options.out / "tables.md").write_text(text, encoding="utf-8")
    (options.out / "results.json").write_text(json.dumps(report.to_json(), indent=1) + "\n", encoding="utf-8")
    print(text)
    try:
        drawn = charts.draw(report.identification, options.out)
    except ImportError:
        logging.getLogger(__name__).warning("no charts are drawn: matplotlib is not installed")
    else:
        print("charts:", ", ".join(str(path) for path in drawn))
    return EXIT_OK


def _plan(options: argparse.Namespace) -> Plan:
    imagenet = options.imagenet
    return Plan(
        data=options.data,
        colour=options.colour or _twin(options.data),
        names=options.names,
        pairs=options.pairs if options.pairs and options.pairs.is_file() else None,
        backbone=options.backbone,
        imagenet=imagenet if imagenet and imagenet.is_file() else None,
        peers=not options.no_peers,
        peer_pairs=options.peer_pairs,
        subject=options.subject,
        min_gallery=options.min_gallery,
        learn=options.learn,
        strangers=options.strangers,
        seeds=options.seeds,
        draws=options.draws,
        thinned=options.thinned,
        robustness=options.robustness,
        each=options.each,
    )


def _twin(data: Path) -> Path | None:
    """Return the folder of LFW in colour, if the one in grey is measured and it lies beside."""
    colour = data.with_name("lfw_color")
    return colour if data.name == "lfw" and colour.is_dir() else None


def _parser() -> argparse.ArgumentParser:
    shared = Path(os.environ.get("FAMILIAR_DATA", "../shared/data"))
    parser = argparse.ArgumentParser(
        prog="familiar evaluation",
        description="Measure recognition quality on a folder of PERSON/PICTURE files through the code that the system "
        "runs; print the tables, and write tables.md, results.json, det.png and scores.png.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    add = parser.add_argument
    add("--data", type=Path, default=shared / "lfw", metavar="FOLDER", help="one folder of pictures for each person")
    add("--colour", type=Path, metavar="FOLDER", help="the same pictures in colour; of lfw those beside it, if there")
    add("--names", default="", metavar="A-M", help="only people whose folder's name begins so; empty for all")
    add("--pairs", type=Path, default=shared / "lfw_pairs_a_to_m.txt", help="pairs to verify, in LFW's format")
    add("--backbone", default="face_resnet", help="the product's backbone")
    add("--imagenet", type=Path, default=shared / _IMAGENET, help="weights of MobileNetV2 to compare with")
    add("--no-peers", action="store_true", help="do not compare with face_recognition, even where dlib is installed")
    add("--peer-pairs", action="store_true", help="let face_recognition verify the pairs too: some minutes more")
    add("--subject", choices=("central", "largest"), default="central", help="whose face of several is meant")
    add("--min-gallery", type=int, default=20, metavar="N", help="who has as many pictures is enrolled")
    add("--learn", type=int, default=10, metavar="N", help="pictures to learn from; the others are asked about")
    add("--strangers", type=int, default=None, metavar="N", help="most strangers asked about; all if not given")
    add("--seeds", type=int, default=5, metavar="N", help="random choices of the pictures to learn from")
    add("--draws", type=int, default=10, metavar="N", help="galleries to test the promise with; 0 for no such test")
    add("--thinned", type=int, default=1, metavar="N", help="try every N-th kind of face hardly seen; 0 for none")
    add("--robustness", action="store_true", help="also change pictures, judge the quality gate, and try bursts")
    add("--each", type=int, default=2, metavar="N", help="pictures of each person to change")
    add("--out", type=Path, default=Path("out/evaluation"), metavar="FOLDER", help="where results are written")
    add("--cache", type=Path, default=default_folder(), metavar="FOLDER", help="where embeddings are kept")
    return parser


if __name__ == "__main__":
    sys.exit(main())
