"""What is sent of a frame: turned, cut; and whether it ought to be turned."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from familiar_camera.cli import main
from familiar_camera.sources import open_source
from familiar_camera.view import Region, View, turned

from .conftest import FakeGateway, Reply


@pytest.fixture
def corner(tmp_path: Path) -> Path:
    """A picture 40 wide and 20 high whose upper left corner alone is white."""
    picture = np.zeros((20, 40, 3), np.uint8)
    picture[:10, :10] = 255
    path = tmp_path / "corner.png"
    cv2.imwrite(str(path), picture)
    return path


@pytest.mark.parametrize(
    "rotate,shape,white",
    [(0, (20, 40), (0, 0)), (90, (40, 20), (0, 19)), (180, (20, 40), (19, 39)), (270, (40, 20), (39, 0))],
)
def test_frames_are_turned_clockwise(corner: Path, rotate: int, shape: tuple[int, int], white: tuple[int, int]) -> None:
    (frame,) = View(open_source(str(corner)), rotate).frames()
    assert frame.picture.shape[:2] == shape
    assert frame.picture[white].min() == 255 and (frame.picture == 255).sum() == 300


def test_a_region_is_cut_from_the_turned_frame(corner: Path) -> None:
    (frame,) = View(open_source(str(corner)), 90, Region(0.5, 0.0, 1.0, 0.25)).frames()
    assert frame.picture.shape[:2] == (10, 10) and (frame.picture == 255).all()
    (frame,) = View(open_source(str(corner)), 0, Region(0.999, 0.999, 1.0, 1.0)).frames()
    assert frame.picture.size


@pytest.mark.parametrize("text", ["0.5,0,0.2,1", "0,0,1", "0,0,2,1", "a,b,c,d", "-0.1,0,1,1", "nan,0,1,1", "0,0,1,1,1"])
def test_what_is_no_region_is_refused(text: str, corner: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["recognize", str(corner), f"--region={text}"])
    assert caught.value.code == 2 and "--region" in capsys.readouterr().err


class OnItsSide(FakeGateway):
    """Makes a face out only where the white corner is, once the frame is turned."""

    upright: np.ndarray
    wanted: tuple[int, int]

    def answer(self, method: str, path: str, body: bytes, headers: object) -> Reply:
        picture = cv2.imdecode(np.frombuffer(body, np.uint8), cv2.IMREAD_COLOR)
        self.asked.append((method, path, body))
        made_out = picture.shape == self.upright.shape and picture[self.wanted].min() > 200
        status = "unknown" if made_out else "rejected"
        face = {"status": status, "person": None, "score": None, "reasons": ["too_small"]}
        return 200, {"head_version": 7, "faces": [face], "faces_found": 1}


@pytest.mark.parametrize("degrees", [90, 180, 270])
def test_a_hint_is_given_when_faces_are_made_out_only_in_a_turned_frame(
    gateway: FakeGateway, corner: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], degrees: int
) -> None:
    picture = cv2.imread(str(corner))
    for number in range(40):
        cv2.imwrite(str(tmp_path / f"{number}.png"), picture)
    corner.unlink()
    upright = turned(picture, degrees)
    row, column = np.argwhere(upright[..., 0] == 255).mean(axis=0).astype(int)
    gateway.__class__ = OnItsSide
    gateway.upright, gateway.wanted = upright, (row, column)
    assert main(["recognize", str(tmp_path), "--json", "--server", gateway.url]) == 0
    said = capsys.readouterr()
    assert said.err.count(f"--rotate {degrees}") == 1 and "--rotate" not in said.out
    assert 40 < len(gateway.asked) <= 43
    gateway.asked.clear()
    assert main(["recognize", str(tmp_path), "--json", "--rotate", str(degrees), "--server", gateway.url]) == 0
    assert "--rotate" not in capsys.readouterr().err and len(gateway.asked) == 40
    for wrong in {90, 180, 270} - {degrees}:  # what is told is to be typed as it is, whatever was typed before
        assert main(["recognize", str(tmp_path), "--json", "--rotate", str(wrong), "--server", gateway.url]) == 0
        assert capsys.readouterr().err.count(f"--rotate {degrees}\n") == 1


def test_where_faces_are_made_out_or_nobody_comes_little_is_tried(
    gateway: FakeGateway, corner: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    picture = cv2.imread(str(corner))
    for number in range(150):
        cv2.imwrite(str(tmp_path / f"{number}.png"), picture)
    corner.unlink()
    for known, most in ((None, 3 * 3), ("Ada", 0)):
        gateway.known = known
        gateway.asked.clear()
        assert main(["recognize", str(tmp_path), "--json", "--server", gateway.url]) == 0
        assert len(gateway.asked) <= 150 + most
        assert "--rotate" not in capsys.readouterr().err
