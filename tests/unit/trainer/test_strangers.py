"""What the command makes of a folder of strangers, before anything is kept."""

from pathlib import Path

import cv2
import numpy as np
import pytest

import crowd
import portraits
from familiar.errors import InvalidInput
from familiar.knowing import Head, normalise
from familiar.learning import Cohort, learn
from familiar.seeing import Observer, detectors
from familiar.servable import BackboneMeta
from familiar_trainer import strangers
from familiar_trainer.strangers import Faces, judge, look

DIM = 8


class GreyModels:
    """Sees of a chip how bright it is."""

    def __init__(self) -> None:
        self.batches: list[int] = []

    def backbone(self, version: int) -> BackboneMeta:
        return BackboneMeta("grey", 96, DIM, "CC0-1.0", "0" * 64)

    def embed(self, chips: np.ndarray, version: int) -> np.ndarray:
        self.batches.append(len(chips))
        rows = np.zeros((len(chips), DIM), np.float32)
        rows[:, 0], rows[:, 1] = 1.0, chips.mean((1, 2, 3)) / 255
        return normalise(rows)


@pytest.fixture(scope="module")
def observer() -> Observer:
    return Observer(detectors.create("yunet"))


@pytest.fixture(scope="module")
def collins() -> np.ndarray:
    return portraits.frame("Eileen Collins")[:300, 80:380]


def write(path: Path, frame: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), frame[:, :, ::-1])


def test_a_folder_becomes_faces_and_every_picture_is_accounted_for(
    tmp_path: Path, observer: Observer, collins: np.ndarray
) -> None:
    write(tmp_path / "loose.jpg", collins)
    write(tmp_path / "two.png", np.hstack([collins, collins]))
    write(tmp_path / "Ada" / "1.jpg", collins)
    write(tmp_path / "Ada" / "later" / "2.JPG", np.hstack([collins, collins]))
    write(tmp_path / "blurred.jpg", cv2.GaussianBlur(collins, (0, 0), 9))
    write(tmp_path / "empty.jpg", np.full((200, 200, 3), 90, np.uint8))
    (tmp_path / "broken.jpg").write_bytes(b"\xff\xd8\xff nothing else")
    (tmp_path / "notes.txt").write_text("no picture")
    faces, audit = look(tmp_path, observer, GreyModels(), 1)
    assert (audit["pictures"], audit["unreadable"], audit["no_face"]) == (7, 1, 1)
    # Both faces of a loose picture, the largest one of a picture in somebody's folder.
    assert audit["used"] == 5
    assert (audit["faces"], audit["blurred"]) == (6, 1)
    assert faces.embeddings.shape == (5, DIM)
    assert list(faces.group).count("Ada") == 2
    assert len(set(faces.group)) == 4
    assert {Path(source).name for source in faces.source} == {"loose.jpg", "two.png", "1.jpg", "2.JPG"}


def test_many_pictures_are_embedded_in_batches(
    tmp_path: Path, observer: Observer, collins: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(strangers, "_BATCH", 2)
    for number in range(5):
        write(tmp_path / f"{number}.jpg", collins)
    models = GreyModels()
    faces, _ = look(tmp_path, observer, models, 1)
    assert models.batches == [2, 2, 1]
    assert len(faces.embeddings) == 5


def test_a_folder_without_pictures_is_refused(tmp_path: Path, observer: Observer) -> None:
    (tmp_path / "notes.txt").write_text("no picture")
    with pytest.raises(InvalidInput, match="holds no JPEG, PNG or WebP"):
        look(tmp_path, observer, GreyModels(), 1)
    with pytest.raises(InvalidInput, match="is no folder"):
        look(tmp_path / "nowhere", observer, GreyModels(), 1)


PEOPLE = crowd.centres(10, 5)
HEAD = learn(crowd.gallery(PEOPLE, 6), crowd.STRANGERS, 0.01).head


def seen(rows: np.ndarray) -> Faces:
    names = [f"{number}.jpg" for number in range(len(rows))]
    return Faces(rows, names, names)


def test_people_who_are_enrolled_are_left_out_with_all_their_pictures_and_named() -> None:
    strange = crowd.STRANGERS.strangers(60, 7_100)
    enrolled = np.concatenate([crowd.faces(PEOPLE[0], 3, 1, spread=0.004), crowd.faces(PEOPLE[1], 2, 2, spread=0.004)])
    finding = judge(seen(np.concatenate([strange, enrolled])), HEAD, crowd.STRANGERS, 0.01)
    assert (finding.people, finding.enrolled_people) == (60, 2)
    assert finding.enrolled == tuple(f"{number}.jpg" for number in range(60, 65))
    assert finding.correction is not None
    assert finding.correction.people == 60


def test_few_people_are_checked_and_correct_nothing() -> None:
    finding = judge(seen(crowd.STRANGERS.strangers(29, 7_200)), HEAD, crowd.STRANGERS, 0.01)
    assert (finding.people, finding.correction) == (29, None)


def test_a_person_counts_once_among_those_who_are_named() -> None:
    accident = next(row for row in crowd.STRANGERS.strangers(20_000, 7_300) if HEAD.identify(row[None]).known[0])
    rows = np.concatenate([crowd.STRANGERS.strangers(19, 7_400), np.repeat(accident[None], 50, axis=0)])
    finding = judge(seen(rows), HEAD, crowd.STRANGERS, 0.01)
    assert finding.people == 20
    assert finding.named.value == pytest.approx(1 / 20)


def test_nobody_strange_and_no_cohort_are_no_fault() -> None:
    nobody = judge(seen(np.zeros((0, 128), np.float32)), HEAD, crowd.STRANGERS, 0.01)
    assert (nobody.people, nobody.correction, nobody.named.count) == (0, None, 0)
    unknown = judge(seen(crowd.STRANGERS.strangers(60, 7_100)), Head.empty(128), Cohort(128), 0.01)
    assert (unknown.people, unknown.correction, unknown.named.value) == (60, None, 0.0)
