"""Sources: webcam, video, folder, picture, simulation, and what is said when there is none."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from familiar_camera.errors import SourceError
from familiar_camera.frame import ENROLMENT_SIDE_PX, MAX_SIDE_PX, Frame
from familiar_camera.sources import Webcam, open_source


class FakeCapture:
    """A camera driver that counts its frames: each picture is filled with its number."""

    def __init__(self, opened: bool = True, frames: int = 10**9) -> None:
        self.opened, self.left, self.number, self.released = opened, frames, 0, False

    def isOpened(self) -> bool:
        return self.opened

    def set(self, *_: object) -> bool:
        return True

    def grab(self) -> bool:
        self.number += 1
        self.left -= 1
        return self.left >= 0

    def retrieve(self) -> tuple[bool, np.ndarray]:
        # In four bytes, because a driver without a camera to wait for counts beyond 255 in a moment.
        return True, np.resize(np.array([self.number], "<u4").view(np.uint8), (4, 4, 3))

    def release(self) -> None:
        self.released = True


@pytest.fixture
def video(tmp_path: Path, picture: np.ndarray) -> Path:
    path = tmp_path / "film.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 20.0, (160, 120))
    assert writer.isOpened()
    for number in range(20):
        writer.write(np.roll(picture, number, axis=1))
    writer.release()
    return path


def test_a_folder_gives_its_pictures_in_the_order_people_count(folder: Path) -> None:
    labels = [frame.label for frame in open_source(str(folder)).frames()]
    assert labels == [f"frame {number}.png" for number in range(1, 13)]


def test_a_folder_passes_over_a_damaged_picture(folder: Path) -> None:
    (folder / "frame 5.png").write_bytes(b"\x89PNG damaged")
    source = open_source(str(folder))
    assert source.total == 12
    assert len(list(source.frames())) == 11


def test_one_picture_is_one_frame(folder: Path) -> None:
    frames = list(open_source(str(folder / "frame 3.png")).frames())
    assert [frame.label for frame in frames] == ["frame 3.png"]
    assert frames[0].picture.shape == (120, 160, 3)


def test_a_video_gives_all_frames_or_as_many_a_second_as_asked(video: Path) -> None:
    assert len(list(open_source(str(video)).frames())) == 20
    thinned = open_source(str(video), fps=5)
    assert [frame.label for frame in thinned.frames()] == ["0.00 s", "0.20 s", "0.40 s", "0.60 s", "0.80 s"]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("nowhere.mp4", "there is no such file, folder or camera"),
        ("97", "there is no camera at 97"),
        ("/dev/video97", "there is no camera at /dev/video97"),
        ("simulate:nobody.png", "No such file"),
        ("simulate:nobody.png#x", "must be a number"),
    ],
)
def test_what_is_not_there_is_said_in_a_sentence(text: str, sentence: str) -> None:
    with pytest.raises(SourceError, match=sentence):
        open_source(text)


@pytest.mark.parametrize("name", ["film.mp4", "picture.jpg"])
def test_a_file_of_something_else_is_refused(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(b"this is text" * 100)
    with pytest.raises(SourceError, match="can be read"):
        open_source(str(path))


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "empty.jpg"
    path.touch()
    with pytest.raises(SourceError, match="not a picture"):
        open_source(str(path))


def test_an_empty_folder_says_what_it_should_hold(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"holds no pictures \(.bmp, .jpeg"):
        open_source(str(tmp_path))


def test_a_webcam_gives_frames_no_faster_than_asked_and_is_released() -> None:
    capture = FakeCapture()
    frames = Webcam("0", fps=200.0, open_capture=lambda _: capture).frames()
    numbers = [int(next(frames).picture.ravel()[:4].copy().view("<u4")[0]) for _ in range(3)]
    frames.close()
    assert numbers == sorted(set(numbers))
    assert capture.released


@pytest.mark.parametrize("fps", [5.0, 7.0, 10.0, 15.0, 20.0, 29.0, 30.0])
def test_a_webcam_gives_as_many_frames_as_asked_on_average_whatever_its_own_pace(fps: float) -> None:
    capture = FakeCapture()
    # The driver hands out 30 frames a second, each a moment later than the clock would have it.
    clock = lambda: capture.number / 30.0 + 0.003 * (capture.number % 3)  # noqa: E731
    frames = Webcam("0", fps, lambda _: capture, clock).frames()
    for _ in range(200):
        next(frames)
    assert 200 / clock() == pytest.approx(fps, rel=0.03)


def test_a_webcam_does_not_make_up_for_frames_that_were_missed() -> None:
    capture = FakeCapture()
    late_s = 0.0
    frames = Webcam("0", 10.0, lambda _: capture, lambda: capture.number / 30.0 + late_s).frames()
    next(frames)
    late_s = 20.0  # the server took that long
    next(frames)
    before = capture.number
    for _ in range(10):
        next(frames)
    assert capture.number - before >= 10 * 3 - 3


def test_a_webcam_that_is_unplugged_ends_with_a_sentence() -> None:
    capture = FakeCapture(frames=1)
    frames = Webcam("/dev/video0", fps=1000.0, open_capture=lambda _: capture).frames()
    with pytest.raises(SourceError, match="/dev/video0 gives no pictures any more"):
        list(frames)
    assert capture.released


def test_pictures_are_sent_as_large_as_the_server_can_see_and_shrunk_beyond() -> None:
    def sent(width: int, height: int, *most: int) -> tuple[int, ...]:
        jpeg = Frame("large", np.zeros((height, width, 3), np.uint8)).jpeg(*most)
        return cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR).shape

    assert sent(3840, 2160) == (2160, 3840, 3)
    assert sent(8000, 200) == (96, MAX_SIDE_PX, 3)
    assert sent(3840, 2160, ENROLMENT_SIDE_PX) == (1080, 1920, 3)
    assert sent(640, 480, ENROLMENT_SIDE_PX) == (480, 640, 3)
