"""What a margin does, on faces of which one knows it."""

from dataclasses import replace

import numpy as np
import pytest

from familiar.knowing import Head
from familiar.servable import BackboneMeta
from familiar_trainer.backbones import Backbone, Looks
from familiar_trainer.evaluation.glances import glancing, tally
from familiar_trainer.evaluation.pictures import UnusableData

THRESHOLD = 0.6
HEAD = Head(("a", "b"), np.eye(2, 3, dtype=np.float32), np.full(2, THRESHOLD, np.float32))


def face(score: float) -> np.ndarray:
    """Return an embedding that scores this for the first person, and nothing for the second."""
    return np.array([[score, 0, np.sqrt(1 - score**2)]], np.float32)


def test_a_glance_that_errs_by_less_than_the_margin_changes_nothing():
    for margin, changed in ((0.0, 1.0), (0.25, 0.0)):
        found = tally(HEAD, face(0.7), face(0.5), np.array([False]), margin)
        assert (found.changed, found.let_in, found.strangers_twice) == (changed, changed, 1 - changed)


def test_somebody_missed_at_a_glance_is_no_stranger_let_in():
    found = tally(HEAD, face(0.5), face(0.7), np.array([True]), 0.0)
    assert (found.changed, found.let_in) == (1.0, 0.0)


def test_thresholds_around_the_calibrated_one_are_tried():
    found = tally(HEAD, face(THRESHOLD + 0.002), face(THRESHOLD - 0.002), np.array([True]), 0.0)
    assert 0 < found.changed < 1


def test_shares_are_of_those_whom_they_speak_of():
    faces = np.concatenate([face(0.9), face(0.61), face(0.61), face(0.2)])
    found = tally(HEAD, faces, faces, np.array([True, True, False, False]), 0.05)
    assert (found.known, found.strangers, found.known_twice, found.strangers_twice) == (2, 2, 1.0, 1.0)
    assert found.line(0.05) == "| 0.05 | 0.00 | 0.00 | 50.0% | 50.0% |"
    assert (found + found).line(0.05) == found.line(0.05)


def test_only_a_backbone_with_a_glance_can_be_made_to_glance():
    meta = BackboneMeta("a", 96, 32, "CC0-1.0", "0", mirrored=True, glance_margin=0.02)
    looks = Looks(lambda image: image, lambda image: -image)
    assert glancing(Backbone(meta, lambda: looks)).build().embed(1) == -1
    with pytest.raises(UnusableData):
        glancing(Backbone(replace(meta, glance_margin=None), lambda: Looks(looks.embed)))
