"""Command line: make the detector's file anew from the library that it comes from."""

import argparse
import hashlib
import sys
from collections.abc import Sequence
from pathlib import Path

from familiar.seeing import detectors
from familiar_trainer.detector import convert
from familiar_trainer.detector.library import FILE_NAME, PACKAGE, read

EXIT_OK, EXIT_FAILED = 0, 1

SHIPPED = Path(detectors.__file__).with_name("yunet.tflite")
"""Where the product looks for it."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code: 0 written, 1 the library or the output cannot be used."""
    options = _parser().parse_args(arguments)
    try:
        library = read(options.source)
        model = convert(library)
        options.output.write_bytes(model)
    except OSError as error:
        print(f"familiar detector: {error.filename or options.output}: {error.strerror}", file=sys.stderr)
        return EXIT_FAILED
    except ValueError as error:
        print(f"familiar detector: {error}", file=sys.stderr)
        return EXIT_FAILED
    print(f"from {FILE_NAME}, sha256 {hashlib.sha256(library).hexdigest()}")
    print(f"made {options.output}, sha256 {hashlib.sha256(model).hexdigest()}")
    return EXIT_OK


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m familiar_trainer.detector",
        description="Make the file of the detector YuNet out of the numbers compiled into libfacedetection.",
        epilog="exit codes: 0 written, 1 the library or the output cannot be used, 2 wrong usage",
    )
    parser.add_argument(
        "--from",
        dest="source",
        type=Path,
        metavar="WHEEL_OR_SO",
        help=f"a wheel of {PACKAGE} for Linux, or its {FILE_NAME} (default: the installed package)",
    )
    parser.add_argument(
        "--output", type=Path, default=SHIPPED, metavar="FILE", help="default: the file that ships with the product"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
