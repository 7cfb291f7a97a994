"""The two public-domain portraits that tests and demo use; they come inside PyPI packages, nothing is downloaded."""

from importlib import metadata
from pathlib import Path

import cv2

from familiar.seeing.image import Frame

_FILES = {
    "Eileen Collins": ("scikit-image", "skimage/data/astronaut.png"),  # NASA
    "Grace Hopper": ("matplotlib", "matplotlib/mpl-data/sample_data/grace_hopper.jpg"),  # US Navy
}
NAMES = tuple(_FILES)


def path(name: str) -> Path:
    """Return the file of a portrait."""
    package, file = _FILES[name]
    return Path(str(metadata.distribution(package).locate_file(file)))


def frame(name: str) -> Frame:
    """Return a portrait as uint8[H, W, 3], RGB."""
    return cv2.cvtColor(cv2.imread(str(path(name))), cv2.COLOR_BGR2RGB)


def jpeg(name: str, quality: int = 92) -> bytes:
    """Return a portrait as JPEG."""
    return cv2.imencode(".jpg", cv2.imread(str(path(name))), [cv2.IMWRITE_JPEG_QUALITY, quality])[1].tobytes()
