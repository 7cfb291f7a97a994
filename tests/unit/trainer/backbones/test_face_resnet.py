from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from familiar.seeing import Detector, align, detectors
from familiar_trainer.backbones import dlib_weights, face_resnet, face_resnet_in
from familiar_trainer.backbones.dlib_weights import WeightsError

dlib = pytest.importorskip("dlib", reason="dlib is the reference of these tests")

LFW_FACES = 12


@pytest.fixture(scope="module")
def network() -> Any:
    return face_resnet.build(dlib_weights.read(dlib_weights.locate()))


@pytest.fixture(scope="module")
def reference() -> Callable[[np.ndarray], np.ndarray]:
    """dlib's own computation of raw embeddings."""
    model = dlib.face_recognition_model_v1(str(dlib_weights.locate()))
    return lambda chips: np.array([np.array(model.compute_face_descriptor(chip)) for chip in chips])


@pytest.fixture(scope="module")
def detector() -> Detector:
    return detectors.create("yunet")


def chip_of(frame: np.ndarray, detector: Detector) -> np.ndarray:
    """Cut the face nearest to the centre out of ``frame`` (RGB)."""
    faces = detector.settle(frame, detector.search(frame))
    assert faces, "no face found"
    centre = np.array(frame.shape[1::-1]) / 2
    nearest = min(faces, key=lambda face: float(np.linalg.norm(face.landmarks.mean(axis=0) - centre)))
    return align(frame, nearest.landmarks, face_resnet.INPUT_PX)


def assert_same(ours: np.ndarray, theirs: np.ndarray) -> None:
    cosine = (ours * theirs).sum(1) / np.linalg.norm(ours, axis=1) / np.linalg.norm(theirs, axis=1)
    assert cosine.min() > 0.9999
    assert np.abs(ours - theirs).max() < 1e-4


def test_it_equals_dlib_on_two_portraits(network, reference, detector) -> None:
    data = pytest.importorskip("skimage.data", reason="a portrait comes with scikit-image")
    cbook = pytest.importorskip("matplotlib.cbook", reason="a portrait comes with Matplotlib")
    hopper = cv2.imread(str(cbook.get_sample_data("grace_hopper.jpg", asfileobj=False)), cv2.IMREAD_COLOR)
    chips = np.stack([chip_of(data.astronaut(), detector), chip_of(hopper[:, :, ::-1], detector)])
    ours = np.asarray(network(chips))
    assert_same(ours, reference(chips))
    assert np.linalg.norm(ours[0] - ours[1]) > 0.6  # dlib's limit for the same person


@pytest.mark.lfw
def test_it_equals_dlib_on_faces_of_lfw(network, reference, detector, shared_data: Path) -> None:
    pictures = sorted((shared_data / "lfw").glob("*/*.jpg"))
    if not pictures:
        pytest.skip(f"no LFW pictures in {shared_data}")
    chosen = pictures[:: max(1, len(pictures) // LFW_FACES)][:LFW_FACES]
    pictures = [cv2.imread(str(path), cv2.IMREAD_COLOR)[:, :, ::-1] for path in chosen]
    chips = np.stack([chip_of(picture, detector) for picture in pictures])
    assert_same(np.asarray(network(chips)), reference(chips))


@pytest.mark.parametrize("fill", ["black", "white", "noise"])
def test_it_equals_dlib_on_pictures_without_a_face(network, reference, fill: str) -> None:
    shape = (1, 150, 150, 3)
    chips = {
        "black": np.zeros(shape, np.uint8),
        "white": np.full(shape, 255, np.uint8),
        "noise": np.random.default_rng(0).integers(0, 256, shape, np.uint8),
    }[fill]
    assert_same(np.asarray(network(chips)), reference(chips))


def test_the_backbone_takes_a_face_and_its_mirror_image_together(network) -> None:
    chips = np.random.default_rng(1).integers(0, 256, (3, 150, 150, 3), np.uint8)
    views = [np.asarray(network(view)) for view in (chips, chips[:, :, ::-1])]
    both = sum(raw / np.linalg.norm(raw, axis=1, keepdims=True) for raw in views)
    backbone = face_resnet_in(None)
    looks = backbone.build()
    embed = looks.embed
    embedding = np.asarray(embed(chips))
    assert (embedding.shape, backbone.meta.mirrored) == ((3, backbone.meta.dim), True)
    np.testing.assert_allclose(embedding, both / np.linalg.norm(both, axis=1, keepdims=True), atol=1e-6)
    np.testing.assert_allclose(np.asarray(embed(chips[:, :, ::-1])), embedding, atol=1e-6)
    assert looks.glance is not None
    alone = views[0] / np.linalg.norm(views[0], axis=1, keepdims=True)
    np.testing.assert_allclose(np.asarray(looks.glance(chips)), alone, atol=1e-6)


def test_an_embedding_does_not_depend_on_the_rest_of_the_batch(network) -> None:
    chips = np.random.default_rng(2).integers(0, 256, (5, 150, 150, 3), np.uint8)
    together = np.asarray(network(chips))
    alone = np.concatenate([np.asarray(network(chip[None])) for chip in chips])
    np.testing.assert_allclose(together, alone, atol=1e-5)


@pytest.mark.parametrize("change", ["shortened", "lengthened", "swapped", "other input"])
def test_layers_of_another_architecture_are_refused(change: str) -> None:
    net = dlib_weights.read(dlib_weights.locate())
    layers = net.layers
    other = {
        "shortened": replace(net, layers=layers[:-1]),
        "lengthened": replace(net, layers=(*layers, layers[-1])),
        "swapped": replace(net, layers=(layers[1], layers[0], *layers[2:])),
        "other input": replace(net, input_px=96),
    }[change]
    with pytest.raises(WeightsError):
        face_resnet.build(other)
