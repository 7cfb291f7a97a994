"""Weights of YuNet: arrays by the names that libfacedetection gives them, in the shapes that LiteRT takes.

The library was written by a program from the trained network, as flat arrays of float32, three for each layer: kernels
of 1x1 (``_pw_weight``), kernels of 3x3 for each channel by itself (``_dw_weight``), and ``_bias``. Normalisation is
folded in: the network takes bytes as they are, in the order blue, green, red.

Source: ``facedetectcnn-data.cpp`` and ``facedetectcnn-model.cpp`` of https://github.com/ShiqiYu/libfacedetection, whose
numbers these are.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

Float32 = NDArray[np.float32]

FIRST = "backbone__model0"
"""The first layer, the only one whose kernels see several pixels and several channels at once."""

_FIRST_VALUES, _FIRST_STORED = 3 * 3 * 3, 32


def read(symbols: Mapping[str, bytes]) -> dict[str, Float32]:
    """Return the weights among the data ``symbols`` of the library.

    Biases are float32[out], pointwise kernels float32[out, 1, 1, in], depthwise kernels float32[1, 3, 3, channels], and
    the kernel of the first layer is float32[out, 3, 3, in], rows before columns.

    Raises:
        ValueError: an array has a length that fits no such shape, or holds something else than numbers.
    """
    biases = {name: _values(name, content) for name, content in symbols.items() if name.endswith("_bias")}
    found = dict(biases)
    for name, content in symbols.items():
        if not name.endswith("_weight"):
            continue
        bias = biases.get(name.removesuffix("weight") + "bias")
        if bias is None:
            raise ValueError(f"the library has {name} and no bias for it")
        found[name] = _kernel(name, _values(name, content), bias.size)
    if not found:
        raise ValueError("the library has no weights of YuNet")
    return found


def _values(name: str, content: bytes) -> Float32:
    if not content or len(content) % 4:
        raise ValueError(f"{name} has {len(content)} bytes, which are no floats")
    values = np.frombuffer(content, "<f4").astype(np.float32)
    if not np.isfinite(values).all():
        raise ValueError(f"{name} holds something else than numbers")
    return values


def _kernel(name: str, values: Float32, outputs: int) -> Float32:
    if values.size % outputs:
        raise ValueError(f"{name} has {values.size} values for {outputs} outputs")
    if name == f"{FIRST}_pw_weight":
        return _first_kernel(name, values.reshape(outputs, -1))
    if name.endswith("_pw_weight"):
        return values.reshape(outputs, 1, 1, -1)
    if values.size != 9 * outputs:
        raise ValueError(f"{name} has {values.size} values for {outputs} kernels of 3x3")
    return values.reshape(1, 3, 3, outputs)


def _first_kernel(name: str, rows: Float32) -> Float32:
    # The library lays each patch of 3x3 pixels out as a row, filled up with zeros to a length that suits its registers.
    if rows.shape[1] != _FIRST_STORED or rows[:, _FIRST_VALUES:].any():
        raise ValueError(f"{name} has no rows of {_FIRST_VALUES} values, filled up with zeros to {_FIRST_STORED}")
    return rows[:, :_FIRST_VALUES].reshape(-1, 3, 3, 3)
