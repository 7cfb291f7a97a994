"""What a part of the system is made of, in versions."""

import platform
from importlib.metadata import PackageNotFoundError, version

from familiar import __version__


def made_of(*packages: str) -> dict[str, str]:
    """Return the versions of Familiar, of Python, and of those of the ``packages`` that are installed, by name."""
    return {"familiar": __version__, "python": platform.python_version(), **_installed(packages)}


def _installed(packages: tuple[str, ...]) -> dict[str, str]:
    found = {}
    for name in packages:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
