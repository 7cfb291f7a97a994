from pathlib import Path

import cv2
import numpy as np
import pytest

from familiar_trainer.evaluation import cameras
from familiar_trainer.evaluation.cache import SightCache
from familiar_trainer.evaluation.pictures import People, Picture
from familiar_trainer.evaluation.sight import Sight

FRAME = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)


def test_each_camera_does_to_a_frame_what_it_is_called_for_and_always_the_same() -> None:
    changed = {name: camera(FRAME) for name, camera in cameras.CAMERAS.items()}
    for name, frame in changed.items():
        assert frame.dtype == np.uint8 and frame.shape == FRAME.shape
        assert np.array_equal(cameras.CAMERAS[name](FRAME), frame)
    red, green, blue = changed["tinted"].astype(float).mean(axis=(0, 1)) / FRAME.mean(axis=(0, 1))
    assert red > green > blue
    assert changed["dark"].mean() < 0.4 * FRAME.mean()
    assert changed["low contrast"].std() < 0.5 * FRAME.std()


def test_all_pictures_of_who_can_be_enrolled_are_looked_at_and_one_of_each_stranger() -> None:
    counts = {"ada": 12, "bob": 3, "carl": 40}
    people = People(
        tuple(Picture(name, Path(f"{name}/{i}.jpg")) for name, count in counts.items() for i in range(count))
    )
    seen = [people.pictures[place] for place in cameras.chosen(people)]
    assert [picture.person for picture in seen] == ["ada"] * 12 + ["bob"]


class Brightness:
    """Sees how bright a picture is, and nothing where it cannot be decoded."""

    name, identity, dim = "brightness", "brightness", 2

    def see_frames(self, frames):
        return [
            Sight(0, None, None) if frame is None else Sight(1, None, np.array([frame.mean(), 1], np.float32))
            for frame in frames
        ]


def test_only_what_is_asked_for_is_looked_at_and_kept_by_camera(tmp_path: Path) -> None:
    for number in range(3):
        cv2.imwrite(str(tmp_path / f"{number}.png"), np.full((32, 32, 3), 60 + number, np.uint8))
    (tmp_path / "3.png").write_bytes(b"no picture")
    people = People(tuple(Picture("ada", tmp_path / f"{number}.png") for number in range(4)))
    cache = SightCache(tmp_path / "cache")
    try:
        first, again, other = (
            cameras.look(Brightness(), cache, people, [0, 2, 3], camera).embeddings
            for camera in ("dark", "dark", "low contrast")
        )
    finally:
        cache.close()
    assert np.array_equal(first, again)
    assert first[[1, 3]].tolist() == [[0, 0], [0, 0]]
    assert first[0, 0] == pytest.approx(60 * 0.35, abs=1.5)
    assert other[0, 0] == pytest.approx(60 * 0.4 + 80, abs=1)
