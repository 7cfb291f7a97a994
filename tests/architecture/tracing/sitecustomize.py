"""Follow a process from module to module; Python imports this at its start where the folder is on its path.

Each line of the file ``$FAMILIAR_WALK/<pid>`` is the moment (nanoseconds of the machine's monotonic clock), the thread
and the module into which that thread stepped. Only our own modules count, and only calls: coming back from one is no
step.
"""

import os
import sys
import threading
import time
from pathlib import Path
from types import FrameType
from typing import Any

_FOLDER = os.environ.get("FAMILIAR_WALK")
_modules: dict[str, str | None] = {}
_here = threading.local()


def _module(filename: str) -> str | None:
    """Return the dotted name of a module of ours, None for any other file."""
    if filename not in _modules:
        _, services, rest = filename.rpartition("/services/")
        _, src, path = rest.partition("/src/")
        _modules[filename] = path.removesuffix(".py").replace("/", ".") if services and src else None
    return _modules[filename]


def _step(frame: FrameType, event: str, _argument: Any) -> None:
    if event != "call":
        return
    module = _module(frame.f_code.co_filename)
    if module is None or module == getattr(_here, "module", None):
        return
    _here.module = module
    line = f"{time.monotonic_ns()} {threading.get_ident()} {module}\n"
    # Opened anew each time: a process that forks must not write into its parent's file.
    with Path(_FOLDER or "", str(os.getpid())).open("a") as file:
        file.write(line)


if _FOLDER:
    threading.setprofile(_step)
    sys.setprofile(_step)
