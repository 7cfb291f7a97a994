"""The key that is shown to the server: where it is given, and how it is kept out of sight."""

import argparse
import os
import re
from collections.abc import Mapping
from pathlib import Path

from familiar_camera.errors import KeyUnusable

_KEY = re.compile(r"[!-~]{1,200}")


def add_options(parser: argparse.ArgumentParser) -> None:
    """Let the command line say which key to show."""
    given = parser.add_mutually_exclusive_group()
    given.add_argument(
        "--key", metavar="KEY", help="the key to show (default: FAMILIAR_KEY); other users can see it in the list of "
        "processes, so rather:"
    )  # fmt: skip
    given.add_argument(
        "--key-file", type=Path, metavar="FILE", help="a file that holds the key (default: FAMILIAR_KEY_FILE)"
    )


def chosen(options: argparse.Namespace, env: Mapping[str, str] = os.environ) -> str | None:
    """Return the key that the command line or the environment gives; None if neither does.

    Raises:
        KeyUnusable: it cannot be read, or cannot be one. The message does not have it.
    """
    file = options.key_file
    text = options.key
    if text is None and file is None:
        text = env.get("FAMILIAR_KEY") or None
        file = None if text else env.get("FAMILIAR_KEY_FILE") or None
    if text is None and file is not None:
        try:
            text = Path(file).read_text("ascii").strip()
        except (OSError, ValueError) as exc:
            raise KeyUnusable(f"the key cannot be read from {file}: {getattr(exc, 'strerror', None) or exc}") from exc
    if text is not None and not _KEY.fullmatch(text):
        raise KeyUnusable("what is given as the key cannot be one: fam_ and 43 letters, digits, - and _ are expected")
    return text
