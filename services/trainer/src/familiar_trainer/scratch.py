"""Scratch: where a process, and the libraries in it, write what is thrown away, and which outlives no process for long.

TensorFlow leaves files in the temporary folder while it exports, and removes them only at an end that is not a kill.
"""

import contextlib
import logging
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from familiar.scratch import own_folder

SCRATCH = "scratch"
"""Name of the place, beside the folders of models that Serving watches."""

_log = logging.getLogger(__name__)


@contextlib.contextmanager
def temporary_files_in(place: Path) -> Iterator[None]:
    """Have all temporary files of this process and of its children made in a folder of its own below ``place``.

    Folders of processes that have ended, however they did, are removed. If there is none to be had, the system's
    temporary folder serves.
    """
    with contextlib.ExitStack() as ending:
        try:
            folder = ending.enter_context(own_folder(place))
        except OSError as exc:
            _log.warning("temporary files stay in %s: %s: %s", tempfile.gettempdir(), place, exc.strerror)
        else:
            ending.callback(_use, os.environ.get("TMPDIR"))
            _use(str(folder))
        yield


def make_again() -> None:
    """Make the folder for temporary files again, if it was lost together with those of models."""
    Path(tempfile.gettempdir()).mkdir(parents=True, exist_ok=True)


def _use(folder: str | None) -> None:
    os.environ.pop("TMPDIR", None)
    if folder is not None:
        os.environ["TMPDIR"] = folder
    tempfile.tempdir = None  # to be found anew
