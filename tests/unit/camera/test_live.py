"""Cameras that are alive: webcams, streams and snapshots, their faults, and that no frame is an old one."""

import math
import os
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from itertools import islice
from pathlib import Path

import cv2
import numpy as np
import pytest

from cameras import number_of, numbered
from familiar_camera import live
from familiar_camera.backoff import Backoff
from familiar_camera.cli import main
from familiar_camera.errors import SourceError
from familiar_camera.feeds import Feed, open_device
from familiar_camera.frame import Picture
from familiar_camera.live import Live
from familiar_camera.sources import open_source

from .conftest import FakeGateway
from .drivers import FakeDriver


@pytest.fixture
def driver(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeDriver]:
    """A driver in the place of OpenCV's."""
    made = FakeDriver()
    monkeypatch.setattr(cv2, "VideoCapture", made)
    yield made
    made.unhang.set()


# ---- which sources are cameras -------------------------------------------------------------------------


def test_links_and_devices_of_any_name_are_cameras(driver: FakeDriver, tmp_path: Path) -> None:
    link = tmp_path / "front-door"
    link.symlink_to("/dev/zero")  # as good a character device as any: the driver is ours
    further = tmp_path / "by-id"
    further.symlink_to(link)
    for text, opened in (
        ("0", 0), ("/dev/video7", "/dev/video7"), (str(link), "/dev/zero"), (str(further), "/dev/zero"),
        ("/dev/zero", "/dev/zero"), ("/dev/v4l/by-id/usb-nobody-index0", "/dev/v4l/by-id/usb-nobody-index0"),
    ):  # fmt: skip
        source = open_source(text)
        assert isinstance(source, Live) and source.live and source.total is None
        assert driver.openings[-1] == opened


def test_a_link_to_a_camera_that_is_not_there_yet_is_a_camera(driver: FakeDriver, tmp_path: Path) -> None:
    link = tmp_path / "front-door"
    link.symlink_to("/dev/video4711")
    driver.refuse = 1
    with pytest.raises(SourceError, match=r"there is no camera at .*front-door, or another program"):
        open_source(str(link))
    driver.refuse = 1
    source = open_source(str(link), patience=Backoff(patience_s=math.inf))
    with closing(source.frames()) as frames:
        next(frames)


def test_a_camera_that_one_may_not_use_is_told_so(
    driver: FakeDriver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "access", lambda *_: False)
    driver.refuse = 1
    with pytest.raises(SourceError, match="this user may not use /dev/zero"):
        open_source("/dev/zero")


def test_a_link_to_a_film_is_a_film(tmp_path: Path) -> None:
    film = tmp_path / "film.avi"
    writer = cv2.VideoWriter(str(film), cv2.VideoWriter.fourcc(*"MJPG"), 20.0, (96, 64))
    writer.write(numbered(1))
    writer.release()
    (tmp_path / "link").symlink_to(film)
    assert not open_source(str(tmp_path / "link")).live


def test_a_link_is_followed_anew_whenever_the_camera_is_opened(driver: FakeDriver, tmp_path: Path) -> None:
    link = tmp_path / "camera"
    link.symlink_to("/dev/zero")
    driver.fails_at = 40
    with closing(open_source(str(link), 100.0).frames()) as frames:
        next(frames)
        link.unlink()
        link.symlink_to("/dev/null")
        while len(driver.openings) < 2:
            next(frames)
    assert driver.openings == ["/dev/zero", "/dev/null"]


@pytest.mark.parametrize(
    "text,sentence",
    [
        ("ftp://camera/door", r"addresses of cameras begin with http, .*rtsp"),
        ("foo://ada:secret@camera/door", r"foo://\*\*\*@camera/door: addresses of cameras begin with"),
    ],
)
def test_an_address_of_another_kind_is_refused(text: str, sentence: str) -> None:
    with pytest.raises(SourceError, match=sentence):
        open_source(text)


# ---- the first picture ---------------------------------------------------------------------------------


@pytest.mark.parametrize("dark", [0, 4, 8, 24, 40])
@pytest.mark.parametrize("frames", [6, 12, 30, 60])
def test_the_first_frame_has_the_brightness_that_the_camera_settles_at(
    driver: FakeDriver, dark: int, frames: int
) -> None:
    driver.picture = lambda number: np.full((48, 64, 3), 180 * np.clip((number - dark) / frames, 0, 1), np.uint8)
    with closing(open_source("0").frames()) as given:
        assert next(given).picture.mean() >= 90


def test_a_camera_in_the_dark_and_one_that_flickers_give_frames_all_the_same(driver: FakeDriver) -> None:
    for picture in (lambda _: np.zeros((48, 64, 3), np.uint8), lambda n: np.full((48, 64, 3), 99 * (n % 2), np.uint8)):
        driver.picture = picture
        with closing(open_source("0").frames()) as given:
            assert next(given).picture.shape == (48, 64, 3)


def test_once_hands_the_settled_picture_on(driver: FakeDriver, gateway: FakeGateway) -> None:
    driver.picture = lambda number: np.full((48, 64, 3), 180 * min(1.0, number / 12), np.uint8)
    assert main(["recognize", "0", "--once", "--server", gateway.url]) == 0
    ((_, _, jpeg),) = gateway.asked
    assert cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR).mean() >= 90


# ---- faults of a driver --------------------------------------------------------------------------------


def test_a_webcam_that_fails_is_opened_again_within_the_patience(driver: FakeDriver) -> None:
    waits: list[str] = []
    source = open_source("0", 100.0, Backoff(patience_s=30.0), lambda why, _wait_s: waits.append(why))
    driver.fails_at, driver.refuse = 50, 3  # as it goes, and for some time after it
    driver.refuse = 0
    with closing(source.frames()) as frames:
        next(frames)
        driver.refuse = 2
        while driver.released < 3:
            next(frames)
        next(frames)
    assert isinstance(source, Live) and source.counts.reopened == 3 == len(driver.openings) - 1
    assert waits[0] == "the camera at 0: it gives no pictures any more" and "another program" in waits[1]


def test_a_webcam_that_is_gone_for_good_ends_with_a_sentence(driver: FakeDriver) -> None:
    source = open_source("/dev/video0", 100.0, Backoff(patience_s=0.5))
    driver.fails_at = 30
    with pytest.raises(SourceError, match="the camera at /dev/video0 gives no pictures any more"):
        for number, _ in enumerate(source.frames()):
            if number == 1:
                driver.refuse = 10**6
    assert len(driver.openings) > 2


def test_whoever_waits_for_ever_waits_for_a_webcam_that_is_not_there_yet(driver: FakeDriver) -> None:
    driver.refuse = 3
    with closing(open_source("0", 100.0, Backoff(patience_s=float("inf"))).frames()) as frames:
        next(frames)
    assert len(driver.openings) == 4


def feed_of(driver: FakeDriver) -> Callable[[], Feed]:
    return lambda: open_device("0")


def test_a_driver_that_does_not_return_is_left_and_another_connection_made(driver: FakeDriver) -> None:
    driver.hangs_at = 30
    source = Live("the camera", feed_of(driver), 100.0, stall_s=0.3)
    with closing(source.frames()) as frames:
        while len(driver.openings) < 2:
            next(frames)
        next(frames)
    assert source.counts.reopened == 1


def test_of_drivers_that_do_not_return_there_are_few_at_a_time(
    driver: FakeDriver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "_FIRST_PICTURE_S", 0.05)
    opened: list[int] = []

    class Hanging:
        warms_up = queues = on_demand = False

        def late_s(self, _now: float) -> None:
            return None

        def grab(self) -> None:
            if len(opened) > 1:
                driver.unhang.wait()

        def picture(self) -> Picture:
            return numbered(0)

        def close(self) -> None:
            pass

    def open_one() -> Hanging:
        opened.append(len(opened))
        return Hanging()

    source = Live("it", open_one, 1000.0, patience=Backoff(patience_s=4.0), stall_s=0.05)
    with pytest.raises(SourceError, match="any more"):
        for number, _ in enumerate(source.frames()):
            if number == 0:
                opened.append(0)
    assert len(opened) < 8


def test_frames_come_as_often_as_asked_for_and_others_are_counted(driver: FakeDriver) -> None:
    source = open_source("0", 20.0)
    assert isinstance(source, Live)
    begun = time.monotonic()
    with closing(source.frames()) as frames:
        numbers = [number_of(frame.picture) for frame in islice(frames, 10)]
    assert numbers == sorted(set(numbers))
    assert time.monotonic() - begun >= 9 / 20
    counts = source.counts
    assert counts.sent == 10 and counts.seen == counts.sent + counts.dropped and counts.dropped > 10


def test_after_a_long_wait_the_newest_frame_comes(driver: FakeDriver) -> None:
    with closing(open_source("0", 1000.0).frames()) as frames:
        before = number_of(next(frames).picture)
        time.sleep(0.5)  # the server took that long
        assert number_of(next(frames).picture) >= before + 20


def test_pauses_between_tries_stay_short_enough_to_be_back_in_time() -> None:
    assert live.FIRST_WAIT_S < live.LONGEST_WAIT_S <= 1.0
