import numpy as np
import pytest

from familiar.seeing.detectors import create
from familiar.seeing.image import Frame
from familiar.seeing.observation import Observation, Observer
from familiar_trainer.evaluation.variations import Variation, all_variations, eye_distance

VARIATIONS = all_variations()


@pytest.fixture(scope="module")
def observer() -> Observer:
    return Observer(create("yunet"))


@pytest.fixture(scope="module")
def portrait(observer: Observer, collins: Frame) -> tuple[Frame, Observation]:
    frame = np.ascontiguousarray(collins[:330, 60:390])
    return frame, observer.observe(frame, 150, 1)[0]


def changed(portrait: tuple[Frame, Observation], name: str) -> Frame:
    way = next(way for way in VARIATIONS if way.name == name)
    return way.change(portrait[0], portrait[1].face.landmarks, np.random.default_rng(0))


@pytest.mark.parametrize("way", VARIATIONS, ids=lambda way: way.name)
def test_every_change_gives_a_frame_and_leaves_the_original_alone(
    way: Variation, portrait: tuple[Frame, Observation]
) -> None:
    frame, face = portrait
    before = frame.copy()
    after = way.change(frame, face.face.landmarks, np.random.default_rng(1))
    assert after.dtype == np.uint8
    assert after.ndim == 3
    assert after.shape[2] == 3
    assert (frame == before).all()
    assert way.name == "as it is " or after.shape != frame.shape or (after != frame).any()
    again = way.change(frame, face.face.landmarks, np.random.default_rng(1))
    assert (again == after).all()


def test_a_turned_head_is_measured_as_turned(observer: Observer, portrait: tuple[Frame, Observation]) -> None:
    yaws = []
    for name in ("head turned, degrees -30", "as it is ", "head turned, degrees 30"):
        yaws.append(observer.observe(changed(portrait, name), 150, 1)[0].quality.yaw_deg)
    assert yaws[0] < yaws[1] - 8
    assert yaws[2] > yaws[1] + 8


def test_a_face_farther_away_has_its_eyes_nearer_together(
    observer: Observer, portrait: tuple[Frame, Observation]
) -> None:
    face = observer.observe(changed(portrait, "distance, px between eyes 20"), 150, 1)[0]
    assert eye_distance(face.face.landmarks) == pytest.approx(20, abs=3)


def test_less_light_is_darker_and_blur_less_sharp(observer: Observer, portrait: tuple[Frame, Observation]) -> None:
    plain = portrait[1].quality
    dark = observer.observe(changed(portrait, "light, share of 0.25"), 150, 1)[0].quality
    blurred = observer.observe(changed(portrait, "blur, % of eye distance 6"), 150, 1)[0].quality
    assert dark.brightness < 0.4 * plain.brightness
    assert blurred.sharpness < 0.5 * plain.sharpness
