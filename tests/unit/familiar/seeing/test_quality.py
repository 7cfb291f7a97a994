from dataclasses import astuple, replace

import cv2
import numpy as np
import pytest

from familiar.reason import Reason
from familiar.seeing.detectors import create
from familiar.seeing.image import Frame
from familiar.seeing.observation import Observer
from familiar.seeing.quality import ENROLMENT, Quality, QualityLimits

GOOD = Quality(60, 4, 120, 0, 0, 0, 1, overexposed=0, confidence=0.93)
LIMITS = QualityLimits()


@pytest.fixture(scope="module")
def observer() -> Observer:
    return Observer(create("yunet"))


def sharpness(observer: Observer, frame: Frame, chip_px: int = 150) -> float:
    return observer.observe(frame, chip_px, 1)[0].quality.sharpness


def test_a_good_face_has_no_reason_even_for_enrolment() -> None:
    assert GOOD.reasons(LIMITS) == ()
    assert GOOD.reasons(ENROLMENT) == ()


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"eye_distance_px": 5}, Reason.TOO_SMALL),
        ({"sharpness": 1}, Reason.BLURRED),
        ({"brightness": 8}, Reason.TOO_DARK),
        ({"brightness": 253}, Reason.TOO_BRIGHT),
        ({"overexposed": 0.9}, Reason.TOO_BRIGHT),
        ({"yaw_deg": -80}, Reason.TURNED_AWAY),
        ({"pitch_deg": 40}, Reason.TURNED_AWAY),
        ({"share_within": 0.5}, Reason.CUT_OFF),
    ],
)
def test_each_limit_has_its_reason(change: dict[str, float], reason: Reason) -> None:
    assert replace(GOOD, **change).reasons(LIMITS) == (reason,)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"eye_distance_px": 12}, Reason.TOO_SMALL),
        ({"sharpness": 1.8}, Reason.BLURRED),
        ({"brightness": 20}, Reason.TOO_DARK),
        ({"overexposed": 0.5}, Reason.TOO_BRIGHT),
        ({"yaw_deg": 45}, Reason.TURNED_AWAY),
        ({"roll_deg": -30}, Reason.TURNED_AWAY),
        ({"share_within": 0.9}, Reason.CUT_OFF),
        ({}, Reason.NO_FACE),
    ],
)
def test_where_the_detector_doubts_the_likeliest_reason_is_told(change: dict[str, float], reason: Reason) -> None:
    assert replace(GOOD, **change).reasons(LIMITS) == ()
    assert replace(GOOD, **change, confidence=0.6).reasons(LIMITS) == (reason,)


def test_enrolment_never_takes_what_recognition_refuses() -> None:
    for name, strict, mild in zip(vars(LIMITS), astuple(ENROLMENT), astuple(LIMITS), strict=True):
        assert strict >= mild if name.startswith("min") else strict <= mild, name


def test_blur_and_motion_lower_the_sharpness_and_light_does_not(observer: Observer, collins: Frame) -> None:
    plain = sharpness(observer, collins)
    blurred = cv2.GaussianBlur(collins, (0, 0), 4)
    moved = cv2.blur(collins, (21, 1))
    half = (collins * 0.5).astype(np.uint8)
    shaded = (collins * np.linspace(0.3, 1, collins.shape[1])[None, :, None]).astype(np.uint8)
    assert sharpness(observer, blurred) < 0.5 * plain
    assert sharpness(observer, moved) < 0.6 * plain
    for frame in (half, shaded):
        assert sharpness(observer, frame) == pytest.approx(plain, rel=0.25)


def test_sharpness_does_not_depend_on_the_backbones_input_size(observer: Observer, collins: Frame) -> None:
    assert sharpness(observer, collins, 224) == pytest.approx(sharpness(observer, collins, 150), rel=0.1)
