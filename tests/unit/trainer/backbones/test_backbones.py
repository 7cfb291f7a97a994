from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from familiar.knowing import normalise
from familiar.learning import Metric, metric
from familiar_trainer.backbones import NAMES, BackboneError, face_resnet_in, load
from familiar_trainer.backbones.backbone import sha256_of
from familiar_trainer.export.backbone_export import backbone_servable
from familiar_trainer.export.gate import Gate
from familiar_trainer.export.savedmodel import write
from familiar_trainer.tf_runtime import load_tensorflow

WriteModel = Callable[..., Path]


@pytest.fixture
def imagenet_weights(shared_data: Path) -> Path:
    path = shared_data / "imagenet" / "mobilenet_v2_imagenet_notop.weights.h5"
    if not path.is_file():
        pytest.skip(f"no ImageNet weights at {path}")
    return path


@pytest.fixture
def write_model(tmp_path: Path) -> WriteModel:
    """Write a SavedModel with a variable, whose embedding is the mean colour spread over three rows of weights."""

    def write_it(*, shape: Any = (None, 12, 12, 3), dtype: str = "uint8", name: str = "image", dim: int = 3) -> Path:
        tf = load_tensorflow()
        module = tf.Module()
        module.kernel = tf.Variable(tf.reshape(tf.range(1.0, 3.0 * dim + 1), (3, dim)))

        @tf.function(input_signature=[tf.TensorSpec(shape, dtype, name=name)], autograph=False)
        def serving_default(image):
            colours = tf.reduce_mean(tf.cast(image, tf.float32), list(range(1, len(shape) - 1)))
            return {"embedding": tf.matmul(colours, module.kernel)}

        module.serving_default = serving_default
        folder = tmp_path / "foreign"
        tf.saved_model.save(module, str(folder), signatures={"serving_default": serving_default})
        return folder

    return write_it


def noise(count: int, size_px: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (count, size_px, size_px, 3), np.uint8)


def test_an_unknown_name_is_an_error_that_lists_the_known_ones() -> None:
    with pytest.raises(BackboneError) as error:
        load("no_such_backbone")
    assert all(name in str(error.value) for name in NAMES)


def test_the_default_backbone_says_what_it_is() -> None:
    meta = load("face_resnet").meta
    assert (meta.input_px, meta.dim, meta.licence) == (150, 128, "CC0-1.0")
    assert meta.metric == metric.load("face_resnet").digest
    assert face_resnet_in(None).meta == replace(meta, metric="")


def test_the_default_backbone_answers_in_the_metric_that_ships_at_a_glance_too() -> None:
    chips = load_tensorflow().constant(noise(3, 150))
    plain, ours = face_resnet_in(None).build(), load("face_resnet").build()
    wanted = metric.load("face_resnet").apply(np.asarray(plain.glance(chips)))
    np.testing.assert_allclose(np.asarray(ours.glance(chips)), wanted, atol=1e-5)
    assert np.abs(wanted - np.asarray(plain.glance(chips))).max() > 0.01
    mirrored = np.asarray(ours.glance(chips[:, :, ::-1]))
    np.testing.assert_allclose(np.asarray(ours.embed(chips)), normalise(wanted + mirrored), atol=1e-5)


def test_another_metric_makes_another_backbone() -> None:
    other = Metric(np.diag(np.linspace(0.5, 2, 128)).astype(np.float32))
    assert face_resnet_in(other).meta.metric == other.digest != load("face_resnet").meta.metric


def test_a_saved_model_of_somebody_else_is_normalised_and_frozen(write_model: WriteModel, gate: Gate, tmp_path) -> None:
    folder = write_model()
    backbone = load(str(folder))
    assert (backbone.meta.name, backbone.meta.input_px, backbone.meta.dim) == ("foreign", 12, 3)
    assert (backbone.meta.weights_sha256, backbone.meta.metric) == (sha256_of(folder), "")
    chips = noise(2, 12)
    raw = chips.mean(axis=(1, 2)) @ np.arange(1.0, 10.0).reshape(3, 3)
    embedding = np.asarray(backbone.build().embed(load_tensorflow().constant(chips)))
    np.testing.assert_allclose(embedding, raw / np.linalg.norm(raw, axis=1, keepdims=True), rtol=1e-5)
    servable = backbone_servable(backbone)
    export = tmp_path / "export"
    export.mkdir()
    write(servable, export)
    gate.check(export, servable)


@pytest.mark.parametrize(
    "wrong",
    [
        {"shape": (None, 12, 13, 3)},
        {"shape": (None, None, None, 3)},
        {"shape": (1, 12, 12, 3)},
        {"shape": (None, 12, 3)},
        {"dtype": "float32"},
        {"dtype": "int32"},
        {"name": "picture"},
    ],
    ids=str,
)
def test_a_saved_model_with_another_signature_is_refused_with_the_wanted_one(wrong, write_model: WriteModel) -> None:
    with pytest.raises(BackboneError, match=r"wanted: serving_default\(image uint8\[N,S,S,3\]\)"):
        load(str(write_model(**wrong)))


def test_a_folder_without_a_saved_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BackboneError, match=r"holds no saved_model\.pb"):
        load(str(tmp_path))


def test_a_truncated_saved_model_is_refused(write_model: WriteModel) -> None:
    folder = write_model()
    path = folder / "saved_model.pb"
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(BackboneError, match="does not load as a SavedModel"):
        load(str(folder))


def test_a_saved_model_takes_no_weights_file(write_model: WriteModel, tmp_path: Path) -> None:
    with pytest.raises(BackboneError, match="brings its own weights"):
        load(str(write_model()), tmp_path / "weights.h5")


def test_mobilenet_v2_equals_keras_with_its_own_preprocessing(imagenet_weights: Path) -> None:
    import keras

    backbone = load("mobilenet_v2_imagenet", imagenet_weights)
    assert (backbone.meta.input_px, backbone.meta.dim) == (224, 1280)
    assert backbone.meta.weights_sha256 == sha256_of(imagenet_weights)
    chips = noise(2, 224)
    original = keras.applications.MobileNetV2(include_top=False, pooling="avg", weights=str(imagenet_weights))
    prepared = keras.applications.mobilenet_v2.preprocess_input(chips.astype(np.float32))
    wanted = np.asarray(original(prepared))
    embedding = np.asarray(backbone.build().embed(load_tensorflow().constant(chips)))
    np.testing.assert_allclose(embedding, wanted / np.linalg.norm(wanted, axis=1, keepdims=True), atol=1e-5)


def test_mobilenet_v2_passes_the_gate(imagenet_weights: Path, gate: Gate, tmp_path: Path) -> None:
    servable = backbone_servable(load("mobilenet_v2_imagenet", imagenet_weights))
    write(servable, tmp_path)
    gate.check(tmp_path, servable, timeout_s=120)


@pytest.mark.parametrize("content", [None, b"", b"no weights"])
def test_a_weights_file_that_holds_no_weights_is_refused(content: bytes | None, tmp_path: Path) -> None:
    path = tmp_path / "some.weights.h5"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(BackboneError, match=r"some\.weights\.h5"):
        load("mobilenet_v2_imagenet", path)
