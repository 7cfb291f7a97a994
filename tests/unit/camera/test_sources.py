"""Sources: video, folder, picture, simulation, and what is said when there is none; cameras are in `test_live`,
`test_streams` and `test_rtsp`.
"""

from pathlib import Path

import cv2
import numpy as np
import pytest

from familiar_camera.errors import SourceError
from familiar_camera.frame import ENROLMENT_SIDE_PX, MAX_SIDE_PX, Frame
from familiar_camera.sources import open_source


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
        ("", "there is no such file, folder or camera"),
        ("9" * 30, "there is no such file, folder or camera"),
        ("²", "there is no such file, folder or camera"),
        ("x" * 5000, "name too long"),
        ("nobody\0.jpg", "no such file, folder or camera|no path"),
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
    with pytest.raises(SourceError, match=r"holds no pictures \(.avif, .bmp, .jfif"):
        open_source(str(tmp_path))


def test_pictures_of_phones_are_told_what_to_do_with(tmp_path: Path) -> None:
    (tmp_path / "IMG_1.HEIC").write_bytes(b"\0\0\0\x18ftypheic")
    for place in (tmp_path, tmp_path / "IMG_1.HEIC"):
        with pytest.raises(SourceError, match=r"HEIC pictures .*JPEG first"):
            open_source(str(place))


def test_pictures_of_phones_beside_others_are_passed_over_and_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    cv2.imwrite(str(tmp_path / "good.jpg"), np.zeros((8, 8, 3), np.uint8))
    (tmp_path / "good.jpg").rename(tmp_path / "good.jfif")
    for name in ("IMG_1.HEIC", "renamed.jpg"):
        (tmp_path / name).write_bytes(b"\0\0\0\x18ftypheic" + bytes(100))
    assert [frame.label for frame in open_source(str(tmp_path)).frames()] == ["good.jfif"]
    assert [record.message.split("/")[-1] for record in caplog.records] == [
        f"{name}: HEIC pictures are not read; save them as JPEG first; passed over"
        for name in ("IMG_1.HEIC", "renamed.jpg")
    ]


def test_pictures_are_sent_as_large_as_the_server_can_see_and_shrunk_beyond() -> None:
    def sent(width: int, height: int, *most: int) -> tuple[int, ...]:
        jpeg = Frame("large", np.zeros((height, width, 3), np.uint8)).jpeg(*most)
        return cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR).shape

    assert sent(3840, 2160) == (2160, 3840, 3)
    assert sent(8000, 200) == (96, MAX_SIDE_PX, 3)
    assert sent(3840, 2160, ENROLMENT_SIDE_PX) == (1080, 1920, 3)
    assert sent(640, 480, ENROLMENT_SIDE_PX) == (480, 640, 3)
