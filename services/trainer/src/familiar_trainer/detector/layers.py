"""Layers of YuNet, as a list in which each is computed from earlier ones.

A backbone halves the picture five times; a neck adds what the coarser grids have seen to the finer ones; heads say for
each cell of the grids of 8, 16 and 32 pixels whether a face is there, and where.

Source: W. Wu, H. Peng, S. Yu: YuNet: A Tiny Millisecond-level Face Detector, Machine Intelligence Research 20, 2023, as
built in ``facedetectcnn.cpp`` of https://github.com/ShiqiYu/libfacedetection.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from familiar_trainer.detector.weights import FIRST, Float32

COLOURS = 3

# The backbone in blocks; a block begins by halving the grid, except for the first one, whose first layer does it. The
# last three give what the neck takes.
_BLOCKS = (
    ("model0_dp",),
    ("model1_dp1", "model1_dp2", "model2_dp1", "model2_dp2"),
    ("model3_dp1", "model3_dp2"),
    ("model4_dp1", "model4_dp2"),
    ("model5_dp1", "model5_dp2"),
)
_STRIDES = (8, 16, 32)
_HEADS = ("cls", "obj", "bbox", "kps")
"""Their channels: 1 for "face", 1 for "object", 4 for the box, 10 for the landmarks."""


@dataclass(frozen=True)
class Picture:
    """The input float32[1, H + 1, W + 1, 3], BGR from 0 to 255; H and W are multiples of 32.

    The first row and the first column are zeros, as is what the picture does not fill.
    """


@dataclass(frozen=True)
class Convolution:
    """``kernel`` float32[out, rows, columns, in], nothing added at the edges; ``bias`` float32[out]."""

    kernel: Float32
    bias: Float32
    stride: int = 1
    relu: bool = False


@dataclass(frozen=True)
class Depthwise:
    """``kernel`` float32[1, rows, columns, channels] on each channel by itself, with zeros around the grid.

    ``bias`` is float32[channels].
    """

    kernel: Float32
    bias: Float32
    relu: bool


@dataclass(frozen=True)
class Halve:
    """The largest of each 2x2 cells."""


@dataclass(frozen=True)
class Double:
    """Each cell four times, as 2x2 cells."""


@dataclass(frozen=True)
class Add:
    """The sum of two grids of the same size."""


Operation = Picture | Convolution | Depthwise | Halve | Double | Add


class Layer(NamedTuple):
    """An operation on the outputs of earlier layers, which ``inputs`` names by their places in the list."""

    operation: Operation
    inputs: tuple[int, ...]
    channels: int


class Network(NamedTuple):
    """All layers in the order of computation, and by name the places of those that are outputs, the finest first."""

    layers: tuple[Layer, ...]
    outputs: dict[str, int]


def network(weights: Mapping[str, Float32]) -> Network:
    """Return YuNet with these ``weights``, which ``familiar_trainer.detector.weights`` describes.

    Its outputs ``p8``, ``p16`` and ``p32`` are float32[1, H / stride, W / stride, 16]: the logits of "face" and
    "object", then box and landmarks in strides.

    Raises:
        ValueError: weights are missing, are left over, or do not fit together.
    """
    building = _Building(weights)
    grids = _backbone(building)
    outputs: dict[str, int] = {}
    coarser = None
    for level in reversed(range(len(_STRIDES))):
        grid = grids[level] if coarser is None else building.add(Add(), building.add(Double(), coarser), grids[level])
        coarser = building.separable(grid, [f"neck__lateral_convs__{level}"], relu=True)
        heads = [f"bbox_head__multi_level_{head}__{level}" for head in _HEADS]
        outputs[f"p{_STRIDES[level]}"] = building.separable(coarser, heads, relu=False)
    building.finish()
    return Network(tuple(building.layers), dict(reversed(outputs.items())))


def _backbone(building: "_Building") -> list[int]:
    """Add the backbone and return the places of its last three grids."""
    kernel, bias = building.weights_of([f"{FIRST}_pw"])
    grid = building.add(Convolution(kernel, bias, stride=2, relu=True), 0)
    ends = []
    for number, block in enumerate(_BLOCKS):
        if number:
            grid = building.add(Halve(), grid)
        for name in block:
            grid = building.separable(grid, [f"backbone__{name}"], relu=True)
        ends.append(grid)
    return ends[-len(_STRIDES) :]


class _Building:
    """The list of layers under construction, and the weights not used yet."""

    def __init__(self, weights: Mapping[str, Float32]) -> None:
        self.layers = [Layer(Picture(), (), COLOURS)]
        self._left = dict(weights)

    def add(self, operation: Operation, *inputs: int) -> int:
        """Add a layer and return its place."""
        channels = self.layers[inputs[0]].channels
        if isinstance(operation, Convolution | Depthwise):
            taken, given = operation.kernel.shape[3], operation.bias.size
            if taken != channels:
                raise ValueError(f"layer {len(self.layers)} of YuNet takes {taken} channels and would get {channels}")
            channels = given
        elif any(self.layers[each].channels != channels for each in inputs):
            raise ValueError(f"layer {len(self.layers)} of YuNet would add grids of different numbers of channels")
        self.layers.append(Layer(operation, inputs, channels))
        return len(self.layers) - 1

    def separable(self, grid: int, names: list[str], *, relu: bool) -> int:
        """Add a pointwise and a depthwise convolution, and return the place of the second.

        Several of them on the same grid become one with all their channels side by side: the arithmetic stays the same
        and takes a third of the calls.
        """
        mixed = self.add(Convolution(*self.weights_of([f"{name}_pw" for name in names])), grid)
        return self.add(Depthwise(*self.weights_of([f"{name}_dw" for name in names]), relu), mixed)

    def weights_of(self, names: list[str]) -> tuple[Float32, Float32]:
        """Hand out the kernels and biases of these names, joined along their outputs."""
        try:
            kernels = [self._left.pop(f"{name}_weight") for name in names]
            biases = [self._left.pop(f"{name}_bias") for name in names]
        except KeyError as error:
            raise ValueError(f"the library has no {error.args[0]}") from error
        outputs = 3 if names[0].endswith("_dw") else 0
        return np.concatenate(kernels, axis=outputs), np.concatenate(biases)

    def finish(self) -> None:
        if self._left:
            raise ValueError(f"the library has weights that YuNet does not use: {', '.join(sorted(self._left))}")
