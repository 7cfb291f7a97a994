"""What one recognition and one frame of an enrolment cost, counted instead of timed: a guard that no clock decides.

A number that rises here is paid for by every frame of every camera. If what you add is worth that, raise the number in
the same change and say so in ``docs/performance.md``; if one fell, lower it here, so that it stays.
"""

import sys
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import FrameType
from typing import Any

import cv2
import pytest
import webcam
from gateway_world import World, create_world
from sqlalchemy import event

from familiar.seeing import Observer, detectors

JPEG = {"Content-Type": "image/jpeg"}
# So large that nothing else is: when Python's table of interned strings grows, that is some megabytes at once.
SIDE_PX = 2000
FRAME_BYTES = 3 * SIDE_PX**2


@dataclass
class Effort:
    """What was done, each time it was done."""

    calls_to_models: list[str] = field(default_factory=list)
    decoded: int = 0
    queries: list[str] = field(default_factory=list)
    frames_made: list[str] = field(default_factory=list)


@pytest.fixture(scope="module")
def its_world(tmp_path_factory: pytest.TempPathFactory, collins: Any) -> Iterator[World]:
    """A world with one person enrolled, whose models, detector and database have been used before."""
    world = create_world(tmp_path_factory.mktemp("world"), Observer(detectors.create("yunet")))
    world.enroll("Eileen Collins", webcam.jpegs(collins[:300, 60:360], 8, seed=1))
    yield world
    world.database.close()


@pytest.fixture(scope="module")
def frames(collins: Any) -> list[bytes]:
    """Large frames of somebody enrolled."""
    return webcam.jpegs(collins[:300, 60:360], 4, seed=3, size_px=SIDE_PX)


def test_a_recognition(its_world: World, frames: list[bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    def recognize(frame: bytes) -> None:
        answer = its_world.client.post("/v1/recognize", data=frame, headers=JPEG).json
        assert [face["reasons"] for face in answer["faces"]] == [[]], answer

    recognize(frames[0])
    effort = _of(lambda: recognize(frames[1]), its_world, monkeypatch)

    assert effort.calls_to_models == ["backbone", "head"], "one call for all faces, one for all embeddings"
    assert effort.decoded == 1, "a picture is decoded once, and what needs its pixels is given them"
    assert len(effort.queries) <= 1, _listed("the names of all candidates are one query", effort.queries)
    # The decoded frame itself, and the one in the detector's order of colours.
    assert len(effort.frames_made) <= 2, _listed("full-size copies of a frame cost time and memory", effort.frames_made)


def test_a_frame_of_an_enrolment(its_world: World, frames: list[bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    opened = its_world.client.post("/v1/enrollments", json={"name": "Grace Hopper"}).json["id"]

    def add(frame: bytes) -> None:
        answer = its_world.client.post(f"/v1/enrollments/{opened}/frames", data=frame, headers=JPEG).json
        assert answer["frames"][0]["accepted"], answer

    add(frames[2])
    effort = _of(lambda: add(frames[3]), its_world, monkeypatch)

    assert effort.calls_to_models == ["backbone"], "one call for all good frames of a request"
    assert effort.decoded == 1, "a picture is decoded once, and what needs its pixels is given them"
    assert len(effort.queries) <= 16, _listed(
        "each query is a round trip, and waits for its turn to write", effort.queries
    )
    assert len(effort.frames_made) <= 2, _listed("full-size copies of a frame cost time and memory", effort.frames_made)


def _of(work: Callable[[], None], world: World, monkeypatch: pytest.MonkeyPatch) -> Effort:
    """Return what ``work`` does in this thread."""
    effort = Effort()
    predict, imdecode = world.serving.predict, cv2.imdecode

    def counted_predict(model: str, *args: Any, **kwargs: Any) -> Any:
        effort.calls_to_models.append(model)
        return predict(model, *args, **kwargs)

    def counted_imdecode(*args: Any) -> Any:
        effort.decoded += 1
        return imdecode(*args)

    def note_query(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if statement != "BEGIN":  # which asks nothing and waits for nobody
            effort.queries.append(" ".join(statement.split()))

    event.listen(world.database.engine, "before_cursor_execute", note_query)
    try:
        with monkeypatch.context() as patch, _noting_large(effort.frames_made):
            patch.setattr(world.serving, "predict", counted_predict)
            patch.setattr(cv2, "imdecode", counted_imdecode)
            work()
    finally:
        event.remove(world.database.engine, "before_cursor_execute", note_query)
    return effort


@contextmanager
def _noting_large(places: list[str]) -> Iterator[None]:
    """Note where memory of a frame's size was taken, also when it is given back at once.

    Whatever Python calls or is called by ends a stretch; the peak within it, less what was held at its start, was taken
    there. NumPy and OpenCV tell tracemalloc of each array they make.
    """
    held = 0

    def end_stretch(frame: FrameType, _kind: str, _what: Any) -> None:
        nonlocal held
        now, peak = tracemalloc.get_traced_memory()
        for _ in range((peak - held) // FRAME_BYTES):
            places.append(f"{frame.f_code.co_filename}:{frame.f_lineno}")
        held = now
        tracemalloc.reset_peak()

    tracemalloc.start(1)
    held = tracemalloc.get_traced_memory()[0]
    sys.setprofile(end_stretch)
    try:
        yield
    finally:
        sys.setprofile(None)
        tracemalloc.stop()


def _listed(rule: str, found: list[str]) -> str:
    return "\n  ".join([f"{rule}; this took {len(found)}:", *found])
