"""Frames of a video come from a process that has limits of its own, whatever the video states or holds."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import psutil
import pytest

import films
from familiar.errors import InvalidInput, TooLarge, Unavailable
from familiar.seeing import Decoder, ImageLimits
from familiar.settings import Settings
from familiar_gateway.enrolling import video_reader, videos
from familiar_gateway.enrolling.frames import CutOff
from fuzz import parts

SETTINGS = Settings(enroll_frames=20)
DECODER = Decoder(ImageLimits())


def grey(level: int, side_px: int = 64) -> np.ndarray:
    return np.full((side_px, side_px, 3), level, np.uint8)


def jpeg(level: int, side_px: int = 64) -> bytes:
    return cv2.imencode(".jpg", grey(level, side_px))[1].tobytes()


def levels(
    data: bytes,
    settings: Settings = SETTINGS,
    decoder: Decoder = DECODER,
    cut_off: bool = False,
    in_memory_bytes: int = 1000,
) -> list[int]:
    """Return how bright the frames are that a video is read as."""
    found = []
    with tempfile.SpooledTemporaryFile(max_size=in_memory_bytes) as file:
        file.write(data)
        file.seek(0)
        shots = videos.read_shots(file, decoder, settings)
        try:
            for shot in shots:
                with shot.unpack() as frame:
                    found.append(round(float(frame.mean())))
            assert not cut_off
        except CutOff:
            assert cut_off
    return found


def near(found: Sequence[int], expected: Sequence[int]) -> bool:
    return len(found) == len(expected) and all(abs(a - b) <= 4 for a, b in zip(found, expected, strict=True))


def recorded(folder: Path, frames: list[np.ndarray], codec: str, suffix: str) -> bytes:
    try:
        return films.written(folder / f"film{suffix}", frames, codec)
    except RuntimeError as exc:
        pytest.skip(str(exc))


def test_a_small_film_that_was_never_on_disk_is_read() -> None:
    film = films.avi([jpeg(level) for level in (40, 80, 120)], (64, 64))
    assert near(levels(film, in_memory_bytes=len(film) + 1), [40, 80, 120])


CODECS = [("VP80", ".webm"), ("VP90", ".webm"), ("mp4v", ".mp4"), ("MJPG", ".avi"), ("MJPG", ".mkv"), ("FFV1", ".mkv")]


@pytest.mark.parametrize("codec,suffix", CODECS)
def test_few_frames_are_all_taken(tmp_path: Path, codec: str, suffix: str) -> None:
    film = recorded(tmp_path, [grey(level) for level in range(40, 240, 20)], codec, suffix)
    assert near(levels(film), range(40, 240, 20))


@pytest.mark.parametrize("codec,suffix", CODECS)
def test_many_frames_are_taken_evenly_over_the_whole_film(tmp_path: Path, codec: str, suffix: str) -> None:
    film = recorded(tmp_path, [grey(level) for level in range(30, 230)], codec, suffix)
    assert near(levels(film), range(30, 230, 10))


@pytest.mark.parametrize("codec,suffix", [("VP80", ".webm"), ("VP90", ".webm"), ("MJPG", ".mkv"), ("FFV1", ".mkv")])
def test_a_film_that_does_not_state_its_length_is_taken_over_the_whole(tmp_path: Path, codec: str, suffix: str) -> None:
    film = recorded(tmp_path, [grey(level) for level in range(30, 230)], codec, suffix)
    assert near(levels(films.as_a_browser_records_it(film)), range(30, 230, 10))


@pytest.mark.parametrize("stated", [0, 1, 20, 2_000_000_000])
def test_a_film_that_states_another_number_of_frames_is_taken_over_the_whole(stated: int) -> None:
    film = bytearray(films.avi([jpeg(level) for level in range(30, 230)], (64, 64)))
    film[48:52] = film[140:144] = stated.to_bytes(4, "little")
    assert near(levels(bytes(film)), range(30, 230, 10))


@pytest.mark.parametrize("codec", [b"MJPG", b"MPNG"])
def test_frames_far_larger_than_stated_are_left_out_and_take_no_memory(codec: bytes, tmp_path: Path) -> None:
    small, huge = jpeg(90), parts.resized(jpeg(90), 16_000, 16_000)
    if codec == b"MPNG":
        small, huge = parts.png(64, 64), parts.resized(parts.png(64, 64), 16_000, 16_000)
    film = films.avi([small, huge, small, huge, small], (64, 64), codec)
    assert len(levels(film)) == 3
    (tmp_path / "film.avi").write_bytes(film)
    assert peak_bytes(tmp_path / "film.avi", 64_000_000) < 200_000_000  # one frame alone would be 384 or 768 MB


def test_a_film_that_begins_with_a_frame_too_large_goes_without_it() -> None:
    assert near(levels(films.avi([parts.resized(jpeg(90), 16_000, 16_000), jpeg(90)], (64, 64))), [90])


def test_frames_of_other_sizes_within_the_limits_are_taken() -> None:
    assert near(levels(films.avi([jpeg(40), jpeg(80, 200), jpeg(120, 30)], (64, 64))), [40, 80, 120])


def test_a_film_of_frames_too_large_is_refused() -> None:
    with pytest.raises(TooLarge, match="64x64"):
        levels(films.avi([jpeg(90)], (64, 64)), decoder=Decoder(ImageLimits(max_pixels=4000)))


def test_a_film_that_lasts_too_long_is_refused_whatever_it_states() -> None:
    film = bytearray(films.avi([jpeg(90)] * 303, (64, 64), rate=1))
    film[48:52] = film[140:144] = (1).to_bytes(4, "little")
    with pytest.raises(TooLarge, match="302 s"):
        levels(bytes(film))


def test_a_film_of_too_many_pictures_is_refused_though_it_says_it_is_short() -> None:
    with pytest.raises(TooLarge, match="more pictures"):
        levels(films.avi([b"xx"] * 80_000, (64, 64), rate=10_000))


@pytest.mark.parametrize(
    "data",
    [
        b"\0\0\0\x18ftypmp42" + bytes(100),
        b"\x1aE\xdf\xa3" + bytes(100),
        b"RIFF\0\0\0\0AVI LIST" + bytes(100),
        films.avi([], (64, 64)),
        films.avi([b"no picture"] * 5, (64, 64)),
    ],
    ids=["mp4", "webm", "avi", "empty", "no picture"],
)
def test_a_film_without_a_frame_is_refused(data: bytes) -> None:
    with pytest.raises(InvalidInput, match="no frame") as refusal:
        levels(data)
    assert refusal.value.code == "invalid_video"


@pytest.mark.parametrize("bad", [b"junk", jpeg(90)[:200], b"\xff\xd8\xff\xd9"], ids=["junk", "cut", "empty"])
def test_a_damaged_frame_is_left_out_and_does_not_end_the_film(bad: bytes) -> None:
    assert near(levels(films.avi([jpeg(40), bad, jpeg(80), bad, bad, jpeg(120)], (64, 64))), [40, 80, 120])


def test_a_film_cut_short_gives_the_frames_before() -> None:
    film = films.avi([jpeg(level) for level in range(30, 230, 10)], (64, 64))
    found = levels(film[: len(film) // 2])
    assert 5 <= len(found) <= 10 and near(found, range(30, 30 + 10 * len(found), 10))


def test_a_film_never_has_a_name_on_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with tempfile.SpooledTemporaryFile(max_size=1000) as file:
        file.write(films.avi([jpeg(90)] * 3, (64, 64)))
        shots = videos.read_shots(file, DECODER, SETTINGS)
        next(shots)
        assert not list(tmp_path.iterdir())
        shots.close()


# --- What its process does is seen from outside.

_FRAMES = """
import os, sys, time
from familiar_gateway.enrolling.video_reader import MESSAGE
def frame(level):
    os.write(1, MESSAGE.pack(b"F", 4, 4) + bytes([level]) * 48)
"""
MakeReader = Callable[[str], None]


@pytest.fixture
def reader(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> MakeReader:
    """Put another program in the place of the one that reads."""

    def make(program: str) -> None:
        (tmp_path / "reader.py").write_text(_FRAMES + program)
        monkeypatch.setattr(video_reader, "__file__", str(tmp_path / "reader.py"))
        monkeypatch.setenv("PYTHONPATH", os.pathsep.join(sys.path))

    return make


@pytest.fixture(autouse=True)
def nothing_left() -> Iterator[None]:
    """No process is left behind."""
    before = {child.pid for child in psutil.Process().children()}
    yield
    assert {child.pid for child in psutil.Process().children()} <= before


@pytest.mark.parametrize(
    "end",
    ["os._exit(3)", "os.kill(os.getpid(), 24)", "os.write(1, MESSAGE.pack(b'F', 9, 9) + b'half')", "os.write(1, b'F')"],
)
def test_when_the_process_ends_early_the_frames_before_count_and_the_film_is_cut_off(
    reader: MakeReader, end: str, caplog: pytest.LogCaptureFixture
) -> None:
    reader(f"frame(10); frame(20); {end}")
    assert levels(b"", cut_off=True) == [10, 20]
    assert "ended before it" in caplog.text


@pytest.mark.parametrize("before", ["", "frame(10); frame(20); ", "os.write(1, MESSAGE.pack(b'F', 9, 9) + b'half'); "])
def test_a_process_that_is_killed_says_nothing_of_the_film_which_may_come_again(
    reader: MakeReader, before: str
) -> None:
    reader(f"{before}os.kill(os.getpid(), 9)")
    with pytest.raises(Unavailable):
        levels(b"")


@pytest.mark.parametrize("end", ["time.sleep(600)", "os.write(1, MESSAGE.pack(b'F', 9, 9)); time.sleep(600)"])
def test_when_the_time_is_over_the_frames_before_count_and_the_film_is_cut_off(
    reader: MakeReader, end: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader(f"frame(10); frame(20); {end}")
    now = iter([0.0] * 5 + [59.95] * 2 + [60.0] * 3)  # asked once for the deadline, then before each piece
    monkeypatch.setattr(videos, "time", SimpleNamespace(monotonic=lambda: next(now)))
    assert levels(b"", cut_off=True) == [10, 20]


def test_a_process_that_gives_nothing_in_its_time_makes_no_film(reader: MakeReader) -> None:
    reader("time.sleep(600)")
    with pytest.raises(InvalidInput, match="not in the time"):
        levels(b"", replace(SETTINGS, upload_time_s=0.05))


def test_a_frame_that_states_more_pixels_than_allowed_is_not_waited_for(reader: MakeReader) -> None:
    reader("frame(10); os.write(1, MESSAGE.pack(b'F', 100_000, 100_000)); time.sleep(600)")
    assert levels(b"", cut_off=True) == [10]


def peak_bytes(film: Path, memory_bytes: int) -> int:
    """Return the most memory that the reading process had, asked by a small process that starts it."""
    numbers = [str(number) for number in (20, 40_000_000, 300, memory_bytes, 60)]
    code = (
        "import resource, subprocess, sys\n"
        "subprocess.run(sys.argv[2:], stdin=open(sys.argv[1], 'rb'), stdout=subprocess.DEVNULL, check=True)\n"
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
    )
    command = [sys.executable, "-c", code, str(film), sys.executable, "-P", video_reader.__file__, *numbers]
    done = subprocess.run(command, capture_output=True, check=True, timeout=60)
    return 1024 * int(done.stdout)
