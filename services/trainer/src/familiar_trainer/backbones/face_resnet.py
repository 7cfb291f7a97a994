"""dlib's face ResNet as a Keras model: 150x150 RGB in, a 128-d embedding out.

Architecture: a 29-convolution variant of ResNet-34 (He et al., "Deep Residual Learning for Image
Recognition", 2016) with half the filters per layer, published by Davis E. King with dlib in 2017.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from familiar_trainer.backbones.dlib_weights import FaceNet, Layer, WeightsError
from familiar_trainer.tf_runtime import load_tensorflow

if TYPE_CHECKING:
    import keras

INPUT_PX = 150
DIM = 128

# Filters and number of residual blocks of each stage; every stage but the first begins by halving the picture.
_STAGES = ((32, 3), (64, 4), (128, 3), (256, 3), (256, 1))
_PIXEL_SCALE = 1 / 256


def build(net: FaceNet) -> keras.Model:
    """Return the network ``image uint8[N,150,150,3] -> raw embedding float32[N,128]`` with dlib's weights.

    The output is dlib's, not normalised. WeightsError if the parsed layers are not this architecture.
    """
    load_tensorflow()
    import keras

    if net.input_px != INPUT_PX:
        raise WeightsError(f"the weights are for {net.input_px} px pictures, expected {INPUT_PX}")
    layers = _Weights(net.layers)
    image = keras.Input((INPUT_PX, INPUT_PX, 3), dtype="uint8", name="image")
    pixels = keras.ops.cast(image, "float32")
    x = _relu(_convolution(pixels, layers, net.colour_means), layers)
    layers.expect("max_pool", (3, 3, 2, 2, 0, 0))
    x = keras.layers.MaxPooling2D(3, 2, padding="valid")(x)
    for stage, (_, blocks) in enumerate(_STAGES):
        for block in range(blocks):
            x = _residual(x, layers, halve=stage > 0 and block == 0)
    layers.expect("avg_pool", (0, 0, 1, 1, 0, 0))
    x = keras.layers.GlobalAveragePooling2D()(x)
    projection = layers.next("fc")
    dense = keras.layers.Dense(DIM, use_bias=False, name="raw_embedding")
    embedding = dense(x)
    dense.set_weights(list(projection.tensors))
    layers.finish()
    return keras.Model(image, embedding, name="face_resnet")


class _Weights:
    """The parsed layers, handed out in forward order while the same architecture is built beside them."""

    def __init__(self, layers: tuple[Layer, ...]) -> None:
        self._layers: Iterator[Layer] = iter(layers)

    def next(self, kind: str) -> Layer:
        layer = next(self._layers, None)
        if layer is None or layer.kind != kind:
            found = "the end" if layer is None else repr(layer.kind)
            raise WeightsError(f"the weights hold {found} where the face ResNet has a layer {kind!r}")
        return layer

    def expect(self, kind: str, geometry: tuple[int, ...] = ()) -> None:
        layer = self.next(kind)
        if layer.geometry != geometry:
            raise WeightsError(f"a {kind!r} layer of geometry {layer.geometry}, expected {geometry}")

    def finish(self) -> None:
        layer = next(self._layers, None)
        if layer is not None:
            raise WeightsError(f"the weights go on with a layer {layer.kind!r} after the face ResNet's end")


def _residual(x: Any, layers: _Weights, *, halve: bool) -> Any:
    """Two 3x3 convolutions around a shortcut; where the size halves, the shortcut is an average pool."""
    import keras

    branch = _relu(_convolution(x, layers), layers)
    branch = _convolution(branch, layers)
    shortcut = x
    if halve:
        layers.expect("avg_pool", (2, 2, 2, 2, 0, 0))
        shortcut = keras.layers.AveragePooling2D(2, 2, padding="valid")(x)
    layers.expect("add_prev")
    return _relu(_add_padded(branch, shortcut), layers)


def _add_padded(branch: Any, shortcut: Any) -> Any:
    """Add two activations as dlib does: what one of them lacks at the bottom, right or last channels is zero."""
    import keras

    target = tuple(max(a, b) for a, b in zip(branch.shape[1:], shortcut.shape[1:], strict=True))

    def padded(x: Any) -> Any:
        missing = [(0, wanted - size) for wanted, size in zip(target, x.shape[1:], strict=True)]
        return x if not any(after for _, after in missing) else keras.ops.pad(x, [(0, 0), *missing])

    return keras.layers.Add()([padded(branch), padded(shortcut)])


def _convolution(x: Any, layers: _Weights, colour_means: Sequence[float] | None = None) -> Any:
    """Apply a convolution with the affine layer behind it (a frozen batch normalisation) folded into it.

    With ``colour_means`` it takes pixels as they are, and what dlib does to them first is folded into it as well.
    """
    import keras

    convolution, affine = layers.next("con"), layers.next("affine")
    filters, rows, columns, stride_y, stride_x, padding_y, padding_x = convolution.geometry
    kernel, bias = convolution.tensors
    gamma, beta = affine.tensors
    # "same" of TensorFlow equals dlib's symmetric padding for stride 1 only; with stride 2 dlib pads nothing.
    if (padding_y, padding_x) == (0, 0):
        padding = "valid"
    elif stride_y == stride_x == 1 and (padding_y, padding_x) == (rows // 2, columns // 2):
        padding = "same"
    else:
        raise WeightsError(f"a convolution of unexpected geometry {convolution.geometry}")
    kernel, bias = kernel * gamma[:, None, None, None], bias * gamma + beta
    if colour_means is not None:
        if padding != "valid":  # beyond the border dlib sees the mean colour, and this would see black
            raise WeightsError("the first convolution looks beyond the border of the picture")
        kernel = kernel * _PIXEL_SCALE
        bias = bias - np.einsum("fcyx,c->f", kernel, colour_means)
    layer = keras.layers.Conv2D(filters, (rows, columns), (stride_y, stride_x), padding)
    output = layer(x)
    layer.set_weights([kernel.transpose(2, 3, 1, 0), bias])
    return output


def _relu(x: Any, layers: _Weights) -> Any:
    import keras

    layers.expect("relu")
    return keras.layers.ReLU()(x)
