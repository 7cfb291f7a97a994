import numpy as np
import pytest

from familiar_trainer.backbones import BackboneError, dlib_weights, load
from familiar_trainer.backbones.dlib_weights import FaceNet, WeightsError


@pytest.fixture(scope="module")
def net() -> FaceNet:
    return dlib_weights.read(dlib_weights.locate())


def test_the_file_holds_the_known_layers(net: FaceNet) -> None:
    kinds = [layer.kind for layer in net.layers]
    assert {kind: kinds.count(kind) for kind in set(kinds)} == {
        "con": 29,
        "affine": 29,
        "relu": 29,
        "add_prev": 14,
        "avg_pool": 5,
        "max_pool": 1,
        "fc": 1,
    }
    assert kinds[:4] == ["con", "affine", "relu", "max_pool"]
    assert kinds[-2:] == ["avg_pool", "fc"]


def test_the_tensors_have_the_shapes_of_the_network(net: FaceNet) -> None:
    convolutions = [layer for layer in net.layers if layer.kind == "con"]
    assert convolutions[0].tensors[0].shape == (32, 3, 7, 7)
    assert convolutions[-1].tensors[0].shape == (256, 256, 3, 3)
    assert net.layers[-1].tensors[0].shape == (256, 128)
    assert sum(tensor.size for layer in net.layers for tensor in layer.tensors) == 5_614_592
    for layer in net.layers:
        for tensor in layer.tensors:
            assert tensor.dtype == np.float32
            assert np.isfinite(tensor).all()


def test_the_input_is_centred_by_the_published_colour_means(net: FaceNet) -> None:
    assert net.input_px == 150
    assert net.colour_means == pytest.approx((122.782, 117.001, 104.298), abs=1e-4)


def test_a_file_with_another_digest_is_refused_with_both_digests(tmp_path) -> None:
    path = tmp_path / "weights.dat"
    path.write_bytes(b"something else")
    with pytest.raises(WeightsError, match=rf"sha256 is [0-9a-f]{{64}}, expected {dlib_weights.SHA256}"):
        dlib_weights.read(path)


def test_an_absent_file_is_an_error_that_names_it(tmp_path) -> None:
    with pytest.raises(BackboneError, match=r"cannot read the weights file .*absent\.dat: No such file"):
        load("face_resnet", tmp_path / "absent.dat")


def test_a_missing_distribution_is_an_error_that_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dlib_weights, "DISTRIBUTION", "no-such-distribution")
    with pytest.raises(WeightsError, match="'no-such-distribution' is not installed"):
        dlib_weights.locate()


@pytest.mark.parametrize("length", [0, 1, 3, 17, 200, 400, 20_000, 1_000_000, 22_000_000])
def test_truncated_bytes_are_an_error(length: int) -> None:
    data = dlib_weights.locate().read_bytes()[:length]
    with pytest.raises(WeightsError):
        dlib_weights.parse(data)


@pytest.mark.parametrize("position", [0, 4, 20, 300, 336, 19_392, 19_720, 22_334_902])
def test_bytes_overwritten_in_the_structure_are_an_error(position: int) -> None:
    data = bytearray(dlib_weights.locate().read_bytes())
    data[position : position + 8] = b"\xff" * 8
    with pytest.raises(WeightsError):
        dlib_weights.parse(bytes(data))
