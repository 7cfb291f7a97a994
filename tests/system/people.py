"""Frames of people for the system tests: simulated webcam sessions of the public-domain portraits."""

import shutil
from functools import cache
from pathlib import Path

import cv2

import portraits
from familiar_camera.simulation import Session

COLLINS, HOPPER = "Eileen Collins", "Grace Hopper"
_STEP = 10
"""Frames of a session that lie closer together are near copies, of which an enrolment keeps one."""


@cache
def frames(name: str, count: int, seed: int = 0) -> tuple[bytes, ...]:
    """Return frames of a session as JPEG; another seed is another day."""
    session = Session(cv2.imread(str(portraits.path(name))), seed)
    return tuple(cv2.imencode(".jpg", session.frame(_STEP * number))[1].tobytes() for number in range(count))


def media(folder: Path) -> Path:
    """Put both portraits into a folder that any user of a container may read."""
    folder.chmod(0o755)
    for name in portraits.NAMES:
        source = portraits.path(name)
        copy = folder / (name.split()[1].lower() + source.suffix)
        shutil.copy(source, copy)
        copy.chmod(0o644)
    return folder
