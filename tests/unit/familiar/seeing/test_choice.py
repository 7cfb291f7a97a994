"""Choosing one face of a picture that shows several, by its index or by a point."""

import numpy as np
import pytest

from familiar.reason import Reason
from familiar.seeing import Box, Frame, Observer, detectors

CHIP = 150


@pytest.fixture(scope="module")
def observer() -> Observer:
    return Observer(detectors.create("yunet"))


@pytest.fixture(scope="module")
def group(collins: Frame, hopper: Frame) -> Frame:
    """Both of them side by side: Eileen Collins on the left."""
    return np.hstack([collins[:512], hopper[:512]])


def place(observer: Observer, frame: Frame, choice) -> float:
    """Return where the middle of the chosen face lies, as a share of the width."""
    seen, reasons = observer.observe_one(frame, CHIP, choice)
    assert seen is not None and reasons == ()
    return seen.face.box.middle[0] / frame.shape[1]


def test_unless_one_is_chosen_there_are_several(observer: Observer, group: Frame) -> None:
    assert observer.observe_one(group, CHIP)[1] == (Reason.SEVERAL_FACES,)


def test_an_index_is_that_of_a_recognition(observer: Observer, group: Frame) -> None:
    seen = observer.observe(group, CHIP, 10)
    assert len(seen) == 2
    for index, face in enumerate(seen):
        chosen, _ = observer.observe_one(group, CHIP, index)
        assert chosen is not None and chosen.face.box == face.face.box
        assert np.array_equal(chosen.chip, face.chip)
    assert [face.box for face in observer.faces(group)] == [face.face.box for face in seen]


def test_a_point_is_on_the_face_that_is_meant(observer: Observer, group: Frame) -> None:
    for face in observer.faces(group):
        x, y = face.box.middle
        assert place(observer, group, (x, y)) == pytest.approx(x / group.shape[1])
        assert place(observer, group, (face.box.x_min + 1, face.box.y_max - 1)) == pytest.approx(x / group.shape[1])


def test_of_two_on_which_a_point_lies_the_nearer_one_is_meant(observer: Observer) -> None:
    from familiar.seeing.detection import Face
    from familiar.seeing.observation import _chosen

    faces = [Face(Box(0, 0, 100, 100), np.zeros((5, 2)), 1.0), Face(Box(60, 0, 120, 60), np.zeros((5, 2)), 1.0)]
    assert _chosen(faces, (80.0, 40.0)) is faces[1] and _chosen(faces, (65.0, 58.0)) is faces[0]


@pytest.mark.parametrize("choice", [2, 99, (1.0, 1.0), (-5.0, 1e9)])
def test_where_there_is_no_face_none_is_chosen(observer: Observer, group: Frame, choice) -> None:
    assert observer.observe_one(group, CHIP, choice) == (None, (Reason.NO_FACE,))


def test_what_is_chosen_is_judged_as_any_other(observer: Observer, group: Frame) -> None:
    dark = (group * 0.05).astype(np.uint8)
    found = observer.faces(dark)
    assert found and Reason.TOO_DARK in observer.observe_one(dark, CHIP, 0)[1]
