"""Command line: export a backbone, prove it, and publish it as a version that a model server loads."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from familiar.servable import BACKBONE, BackboneMeta
from familiar_trainer.backbones import DEFAULT, NAMES, Backbone, BackboneError, load
from familiar_trainer.export.errors import ExportFailed
from familiar_trainer.export.publish import ModelFolder
from familiar_trainer.export.savedmodel import META_FILE

EXIT_OK, EXIT_FAILED, EXIT_USAGE, EXIT_OTHER_VERSION = 0, 1, 2, 3
_GATE_TIMEOUT_S = 300.0


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code: 0 published or already there, 1 failed, 2 usage, 3 version taken."""
    options = _parser().parse_args(arguments)
    try:
        return _export(options.models, options.backbone, options.weights, options.version)
    except (BackboneError, ExportFailed) as error:
        print(f"familiar-export-backbone: {error}", file=sys.stderr)
        return EXIT_FAILED
    except OSError as error:
        print(f"familiar-export-backbone: {error.filename or options.models}: {error.strerror}", file=sys.stderr)
        return EXIT_FAILED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="familiar-export-backbone",
        description="Export a backbone as a servable, check it behind TensorFlow Serving's loader and publish it. "
        "Does nothing if the same backbone is already published as that version.",
        epilog="exit codes: 0 published or already there, 1 failed, 2 wrong usage, "
        "3 the version is taken by another backbone",
    )
    parser.add_argument(
        "--models", type=Path, required=True, metavar="DIR", help="folder of all models; writes DIR/backbone/VERSION"
    )
    parser.add_argument(
        "--backbone",
        default=DEFAULT,
        metavar="NAME_OR_PATH",
        help=f"one of {', '.join(NAMES)}, or a SavedModel folder with the same signature (default: {DEFAULT})",
    )
    parser.add_argument(
        "--weights",
        type=Path,
        default=_weights_from_environment(),
        metavar="FILE",
        help="weights instead of those the backbone finds by itself (default: $BACKBONE_WEIGHTS)",
    )
    parser.add_argument("--version", type=_version, default=1, metavar="N", help="version to publish (default: 1)")
    return parser


def _weights_from_environment() -> Path | None:
    value = os.environ.get("BACKBONE_WEIGHTS")
    return Path(value) if value else None


def _version(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 0 < int(text) < 10**18:
        raise argparse.ArgumentTypeError(f"{text!r} is not a version, an integer from 1")
    return int(text)


def _export(models: Path, name: str, weights: Path | None, version: int) -> int:
    backbone = load(name, weights)
    folder = ModelFolder(models / BACKBONE)
    folder.sweep()
    if version in folder.versions():
        return _compare(folder, version, backbone)

    from familiar_trainer.export.backbone_export import backbone_servable
    from familiar_trainer.export.gate import Gate
    from familiar_trainer.export.release import release

    print(f"exporting {backbone.meta.name} as version {version} of {folder.root}")
    with Gate() as gate:
        path = release(backbone_servable(backbone), folder, version, gate, timeout_s=_GATE_TIMEOUT_S)
    print(f"published {path}")
    return EXIT_OK


def _compare(folder: ModelFolder, version: int, backbone: Backbone) -> int:
    path = folder.path(version)
    try:
        published = BackboneMeta.from_json((path / META_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        print(f"familiar-export-backbone: {path} was not published by this command", file=sys.stderr)
        return EXIT_OTHER_VERSION
    if published != backbone.meta:
        print(
            f"familiar-export-backbone: version {version} of {folder.root} is {published.name} "
            f"(weights {published.weights_sha256[:12]}), not {backbone.meta.name} "
            f"(weights {backbone.meta.weights_sha256[:12]}); choose another version",
            file=sys.stderr,
        )
        return EXIT_OTHER_VERSION
    print(f"{backbone.meta.name} is already published as version {version} of {folder.root}")
    return EXIT_OK


if __name__ == "__main__":
    sys.exit(main())
