"""Read the weights of dlib's face ResNet out of dlib's own serialisation, without dlib.

The file is a stream in forward order: a header, the input layer, then one record per layer. Integers are
a control byte (low four bits: number of bytes, high bit: sign) and that many little-endian bytes; floats
are a mantissa and a binary exponent, both integers; booleans are the characters ``0`` and ``1``; tensors
are a version, four dimensions and raw little-endian float32.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from importlib import metadata
from math import prod
from pathlib import Path

import numpy as np
import numpy.typing as npt

from familiar_trainer.backbones.backbone import BackboneError

DISTRIBUTION = "face_recognition_models"
FILE_NAME = "dlib_face_recognition_resnet_model_v1.dat"
SHA256 = "55533b28a95800a551ba546ba62fe69625c7e95a7061c338adffead08719da30"
LICENCE = "CC0-1.0"

_INPUT_LAYER_VERSION = 3
_POOLING_INTEGERS = 6  # rows, columns, two strides, two paddings


class WeightsError(BackboneError):
    """The weights file is absent, is another one than expected, or cannot be read."""


@dataclass(frozen=True)
class Layer:
    """One layer as it was written.

    ``kind`` is dlib's name without its format version (``con``, ``affine``, ``relu``, ...); ``geometry``
    holds its integers (convolution: filters, rows, columns, strides, paddings; pooling: rows, columns,
    strides, paddings; fully connected: outputs, inputs); ``tensors`` its float32 parameters: convolution
    ``[filters, channels, rows, columns]`` and ``[filters]``, affine ``[channels]`` twice (gamma, beta),
    fully connected ``[inputs, outputs]``.
    """

    kind: str
    geometry: tuple[int, ...] = ()
    tensors: tuple[npt.NDArray[np.float32], ...] = ()


@dataclass(frozen=True)
class FaceNet:
    """All layers in forward order and the colour means (R, G, B) that the input layer subtracts."""

    input_px: int
    colour_means: tuple[float, float, float]
    layers: tuple[Layer, ...]


def locate() -> Path:
    """Return the weights file inside the installed distribution; WeightsError if it is not there.

    The package itself is never imported: its import needs ``pkg_resources``, which newer setuptools lack.
    """
    try:
        files = metadata.files(DISTRIBUTION) or []
    except metadata.PackageNotFoundError:
        raise WeightsError(
            f"the distribution {DISTRIBUTION!r} is not installed, and it carries the weights of the face "
            f"ResNet: install it with pip, or name the file {FILE_NAME} as weights"
        ) from None
    for file in files:
        if file.name == FILE_NAME:
            path = Path(str(file.locate()))
            if path.is_file():
                return path
    raise WeightsError(f"the installed distribution {DISTRIBUTION!r} lacks its file {FILE_NAME}: reinstall it")


def read(path: Path) -> FaceNet:
    """Parse the weights file at ``path``; WeightsError if it is unreadable or not the known file."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise WeightsError(f"cannot read the weights file {path}: {error.strerror}") from error
    digest = hashlib.sha256(data).hexdigest()
    if digest != SHA256:
        raise WeightsError(f"{path} is not dlib's face ResNet: its sha256 is {digest}, expected {SHA256}")
    return parse(data)


def parse(data: bytes) -> FaceNet:
    """Parse the bytes of a serialised face network; WeightsError where they break the format."""
    stream = _Stream(data)
    _skip_header(stream)
    input_px, colour_means = _input_layer(stream)
    layers = [_layer(stream)]
    stream.integer()  # only the layer on top of the input carries a sample expansion factor
    while not stream.at_end:
        layers.append(_layer(stream))
    return FaceNet(input_px, colour_means, tuple(layers))


class _Stream:
    """A cursor over dlib's serialised primitives."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    @property
    def at_end(self) -> bool:
        return self._at == len(self._data)

    def take(self, size_bytes: int) -> bytes:
        chunk = self._data[self._at : self._at + size_bytes]
        if len(chunk) != size_bytes:
            raise WeightsError(f"the weights end at byte {len(self._data)}, in the middle of a value")
        self._at += size_bytes
        return chunk

    def integer(self) -> int:
        control = self.take(1)[0]
        size_bytes = control & 0x0F
        if control & 0x70 or not 1 <= size_bytes <= 8:
            raise WeightsError(f"no integer at byte {self._at - 1} of the weights")
        value = int.from_bytes(self.take(size_bytes), "little")
        return -value if control & 0x80 else value

    def integers(self, count: int) -> tuple[int, ...]:
        return tuple(self.integer() for _ in range(count))

    def floating(self) -> float:
        mantissa, exponent = self.integer(), self.integer()
        if abs(exponent) > 1100:
            raise WeightsError(f"no float before byte {self._at} of the weights")
        return mantissa * 2.0**exponent

    def string(self) -> str:
        return self.take(self.integer()).decode("ascii", errors="replace")

    def boolean(self) -> bool:
        digit = self.take(1)
        if digit not in (b"0", b"1"):
            raise WeightsError(f"no boolean at byte {self._at - 1} of the weights")
        return digit == b"1"

    def expect(self, value: int, what: str) -> None:
        found = self.integer()
        if found != value:
            raise WeightsError(f"{what} is {found} before byte {self._at} of the weights, expected {value}")

    def tensor(self) -> npt.NDArray[np.float32]:
        self.expect(2, "a tensor's format version")
        shape = self.integers(4)
        if min(shape) < 0:
            raise WeightsError(f"a tensor of shape {shape} before byte {self._at} of the weights")
        return np.frombuffer(self.take(4 * prod(shape)), dtype="<f4").astype(np.float32).reshape(shape)

    def view_shape(self) -> tuple[int, ...]:
        """Read the shape of a view into a parameter tensor."""
        self.expect(1, "a view's format version")
        return self.integers(4)


def _skip_header(stream: _Stream) -> None:
    """Skip the loss layer and the format versions of the nested layers, outermost first."""
    stream.integer()
    loss = stream.string()
    if loss != "loss_metric_2":
        raise WeightsError(f"the weights begin with {loss!r}, not with the face network's metric loss")
    stream.floating()
    stream.floating()
    while (version := stream.integer()) != _INPUT_LAYER_VERSION:
        if version not in (1, 2):
            raise WeightsError(f"unknown layer format version {version} in the weights")


def _input_layer(stream: _Stream) -> tuple[int, tuple[float, float, float]]:
    kind = stream.string()
    if kind != "input_rgb_image_sized":
        raise WeightsError(f"unexpected input layer {kind!r} in the weights")
    means = (stream.floating(), stream.floating(), stream.floating())
    rows, columns = stream.integers(2)
    if rows != columns:
        raise WeightsError(f"the network takes {columns}x{rows} pictures, expected square ones")
    return rows, means


def _layer(stream: _Stream) -> Layer:
    kind = stream.string()
    details = _DETAILS.get(kind)
    if details is None:
        raise WeightsError(f"unknown layer {kind!r} in the weights")
    layer = details(kind.rstrip("_0123456789"), stream)
    for _ in range(3):  # set up, gradient stale, output disabled
        stream.boolean()
    for _ in range(3):  # input gradient, cached output, parameter gradient: empty in a released model
        stream.tensor()
    return layer


def _convolution(kind: str, stream: _Stream) -> Layer:
    parameters = stream.tensor().ravel()
    geometry = stream.integers(7)
    shape, bias_shape = stream.view_shape(), stream.view_shape()
    filters, bias = _split(parameters, prod(shape), prod(bias_shape))
    _skip_multipliers(stream)
    return Layer(kind, geometry, (filters.reshape(shape), bias))


def _affine(kind: str, stream: _Stream) -> Layer:
    parameters = stream.tensor().ravel()
    gamma, beta = _split(parameters, prod(stream.view_shape()), prod(stream.view_shape()))
    stream.integer()  # per channel or per activation: the sizes above tell
    return Layer(kind, (), (gamma, beta))


def _fully_connected(kind: str, stream: _Stream) -> Layer:
    geometry = stream.integers(2)
    parameters = stream.tensor().ravel()
    shape = stream.view_shape()
    weights, _ = _split(parameters, prod(shape), prod(stream.view_shape()))
    stream.integer()  # with or without bias: the sizes above tell
    _skip_multipliers(stream)
    return Layer(kind, geometry, (weights.reshape(shape[:2]),))


def _pooling(kind: str, stream: _Stream) -> Layer:
    return Layer(kind, stream.integers(_POOLING_INTEGERS))


def _plain(kind: str, stream: _Stream) -> Layer:
    return Layer(kind)


def _skip_multipliers(stream: _Stream) -> None:
    """Skip learning-rate and weight-decay multipliers of weights and biases."""
    for _ in range(4):
        stream.floating()


def _split(
    parameters: npt.NDArray[np.float32], first: int, second: int
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    if parameters.size != first + second:
        raise WeightsError(f"a layer holds {parameters.size} parameters, its views want {first + second}")
    return parameters[:first], parameters[first:]


_DETAILS: dict[str, Callable[[str, _Stream], Layer]] = {
    "con_4": _convolution,
    "affine_": _affine,
    "fc_2": _fully_connected,
    "max_pool_2": _pooling,
    "avg_pool_2": _pooling,
    "relu_": _plain,
    "add_prev_": _plain,
}
