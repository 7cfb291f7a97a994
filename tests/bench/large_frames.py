"""Large frames: how long a recognition takes, how many faces are found and named, and what memory the gateway takes.

Six enrolled people stand far away, 60 px high, in frames of two sizes; sixty faces make a group picture.
"""

import os
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

import casting
import portraits
import scenes
from bench.figures import Figures, Tables
from client import Client
from familiar.seeing import detectors
from familiar.seeing.image import Frame
from processes import family, resident_bytes
from system import System, wait_until

PEOPLE, FACE_PX, GROUP = 6, 60, (10, 6)
ROUNDS = 15
SIZES = ((480, 360), (640, 480), (1280, 720), (1920, 1080), (3840, 2160), (4032, 3024))
_DATA = Path(os.environ.get("FAMILIAR_DATA", "../shared/data"))


def large_frames() -> Tables:
    """Return the figures by frame, in a system of its own; then what searching alone takes, by size of the frame."""
    data = _DATA if _DATA.is_dir() else None
    figures: Tables = {}
    with tempfile.TemporaryDirectory(prefix="familiar-bench-") as folder:
        system = System(Path(folder))
        try:
            system.up()
            client, sitters = system.client(), casting.sitters(PEOPLE, data)
            enrol(client, sitters)
            probes = [sitter.probe for sitter in sitters]
            pictures = {
                f"{PEOPLE} faces of {FACE_PX} px in 3840x2160": scenes.wide(probes, FACE_PX, 3840, 2160)[0],
                f"{PEOPLE} faces of {FACE_PX} px in 1920x1080": scenes.wide(probes, FACE_PX, 1920, 1080)[0],
                "60 faces in 1600x1000": scenes.mosaic(casting.faces(60, data), *GROUP, 1600, 1000),
                "1 face in 1280x720": near(1280, 720),
                "1 face in 640x480": near(640, 480),
            }
            gateway = system.pid("gateway")
            for title, picture in pictures.items():
                figures[title] = recognition(client, picture, gateway)
        finally:
            system.down()
    figures["search alone, ms"] = searching()
    return figures


def enrol(client: Client, sitters: list[casting.Sitter]) -> None:
    """Enrol everybody, each name once, and wait until they are recognised."""
    for sitter in {each.name: each for each in sitters}.values():
        enrollment = client.enroll(sitter.name, sitter.learn, if_known="new", if_not_alike="take")
        wait_until(lambda each=enrollment: client.is_live(each), 120, f"{sitter.name} is live")


def near(width: int, height: int) -> Frame:
    """Return a frame of a webcam with one person before it."""
    frame = scenes.background(width, height, np.random.default_rng(1))
    person = cv2.resize(portraits.frame("Eileen Collins"), (height, height), interpolation=cv2.INTER_AREA)
    left = (width - height) // 2
    frame[:, left : left + height] = person
    return frame


def recognition(client: Client, picture: Frame, gateway: int) -> Figures:
    """Return what recognising everybody in ``picture`` takes and gives."""
    jpeg = cv2.imencode(".jpg", cv2.cvtColor(picture, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, 92])[1].tobytes()
    client.recognize(jpeg)
    took_ms, stages = [], Counter[str]()
    for _ in range(ROUNDS):
        start = time.perf_counter()
        answer = client.recognize(jpeg)
        took_ms.append((time.perf_counter() - start) * 1000)
        stages.update(answer["timings_ms"])
    return {
        "jpeg_mb": round(len(jpeg) / 1e6, 2),
        "faces_found": answer["faces_found"],
        "faces_answered": len(answer["faces"]),
        "faces_named": sum(face["status"] == "known" for face in answer["faces"]),
        **{f"{stage}_ms": round(total / ROUNDS, 1) for stage, total in stages.items()},
        "http_least_ms": round(min(took_ms), 1),
        "http_p50_ms": round(float(np.median(took_ms)), 1),
        "gateway_resident_mb": round(resident_bytes(family(gateway)) / 1e6),
    }


def searching() -> Figures:
    """Return the least time of a search by size of the frame, on as many cores as there are."""
    detector = detectors.create("yunet")
    rng = np.random.default_rng(0)
    frames = {f"{width}x{height}": scenes.background(width, height, rng) for width, height in SIZES}
    return {size: round(_least_ms(lambda frame=frame: detector.search(frame)), 1) for size, frame in frames.items()}


def _least_ms(work: Callable[[], object]) -> float:
    work()
    took_s = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        work()
        took_s.append(time.perf_counter() - start)
    return min(took_s) * 1000
