from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from familiar.seeing.quality import Quality, QualityLimits
from familiar_trainer.evaluation.cache import SightCache
from familiar_trainer.evaluation.pictures import Picture
from familiar_trainer.evaluation.sight import Sight
from familiar_trainer.evaluation.survey import losses

GOOD, DARK = Quality(60, 4, 120, 0, 0, 0, 1), Quality(60, 4, 3, 0, 0, 0, 1)


class Counting:
    """A pipeline that sees no face in an empty file, and counts what it is shown."""

    name, dim = "counting", 3

    def __init__(self, identity: str = "first") -> None:
        self.identity = identity
        self.shown: list[bytes] = []

    def see(self, pictures: Sequence[bytes]) -> list[Sight]:
        self.shown += pictures
        return [
            Sight(1, DARK if data == b"dark" else GOOD, np.full(3, len(data), np.float32))
            if data
            else Sight(0, None, None)
            for data in pictures
        ]


@pytest.fixture
def pictures(tmp_path: Path) -> list[Picture]:
    contents = {"a.jpg": b"one", "b.jpg": b"", "copy of a.jpg": b"one", "c.jpg": b"dark"}
    for name, data in contents.items():
        (tmp_path / name).write_bytes(data)
    return [Picture("p", tmp_path / name) for name in contents]


def test_a_picture_is_looked_at_once_by_content_and_pipeline(pictures: list[Picture], tmp_path: Path) -> None:
    pipeline, again, other = Counting(), Counting(), Counting("another alignment")
    cache = SightCache(tmp_path / "cache")
    first = cache.see(pipeline, pictures)
    assert sorted(pipeline.shown) == [b"", b"dark", b"one"]
    cache.close()
    cache = SightCache(tmp_path / "cache")
    second = cache.see(again, pictures)
    assert again.shown == []
    assert (first.embeddings == second.embeddings).all()
    assert first.quality == second.quality
    cache.see(other, pictures)
    assert len(other.shown) == 3
    cache.close()


def test_what_was_not_looked_at_stays_empty_in_its_place(pictures: list[Picture], tmp_path: Path) -> None:
    cache = SightCache(tmp_path / "cache")
    sights = cache.see(Counting(), pictures, [0, 1])
    cache.close()
    assert sights.faces.tolist() == [1, 0, -1, -1]
    assert sights.embeddings[0].tolist() == [3, 3, 3]
    assert not sights.embeddings[1:].any()
    assert losses(sights, QualityLimits()).no_face == 0.5


def test_the_gate_takes_refused_faces_away(pictures: list[Picture], tmp_path: Path) -> None:
    cache = SightCache(tmp_path / "cache")
    sights = cache.see(Counting(), pictures)
    cache.close()
    gated = sights.gated(QualityLimits())
    assert gated.embeddings.any(axis=1).tolist() == [True, False, True, False]
    assert sights.embeddings[3].any()
    lost = losses(sights, QualityLimits())
    assert (lost.pictures, lost.refused, lost.reasons) == (4, 0.25, {"too_dark": 1})
