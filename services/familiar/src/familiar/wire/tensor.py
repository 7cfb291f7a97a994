"""Translate between numpy arrays and `Tensor` messages."""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from familiar.wire import serving_pb2 as pb

Array = npt.NDArray[Any]

MAX_TENSOR_BYTES: Final = 1 << 30
"""A few bytes of message may describe a huge tensor (missing values mean zeros), so its size is bounded."""

_NUMPY_OF: Final[dict[pb.DataType, np.dtype[Any]]] = {
    pb.DT_FLOAT: np.dtype("<f4"),
    pb.DT_DOUBLE: np.dtype("<f8"),
    pb.DT_INT32: np.dtype("<i4"),
    pb.DT_UINT8: np.dtype("u1"),
    pb.DT_INT16: np.dtype("<i2"),
    pb.DT_INT8: np.dtype("i1"),
    pb.DT_STRING: np.dtype("O"),
    pb.DT_INT64: np.dtype("<i8"),
    pb.DT_BOOL: np.dtype("?"),
    pb.DT_UINT16: np.dtype("<u2"),
    pb.DT_HALF: np.dtype("<f2"),
    pb.DT_UINT32: np.dtype("<u4"),
    pb.DT_UINT64: np.dtype("<u8"),
}
_WIRE_OF: Final = {numpy_dtype: wire_dtype for wire_dtype, numpy_dtype in _NUMPY_OF.items()}
_FIELD_OF: Final[dict[pb.DataType, str]] = {
    pb.DT_FLOAT: "float_val",
    pb.DT_DOUBLE: "double_val",
    pb.DT_INT32: "int_val",
    pb.DT_UINT8: "int_val",
    pb.DT_INT16: "int_val",
    pb.DT_INT8: "int_val",
    pb.DT_STRING: "string_val",
    pb.DT_INT64: "int64_val",
    pb.DT_BOOL: "bool_val",
    pb.DT_UINT16: "int_val",
    pb.DT_HALF: "half_val",
    pb.DT_UINT32: "uint32_val",
    pb.DT_UINT64: "uint64_val",
}


def encode(array: npt.ArrayLike, *, typed: bool = False) -> pb.Tensor:
    """Write an array of any shape as a message, strings (bytes or str, as UTF-8) included.

    `typed=False` packs numbers into `tensor_content`, which is fast; `typed=True` fills the field of the
    dtype instead, as TensorFlow Serving answers. Strings always use their field.
    Raises ValueError for dtypes that cannot be sent.
    """
    values = np.asarray(array)
    dtype = dtype_of(values)
    tensor = pb.Tensor(dtype=dtype)
    for size in values.shape:
        tensor.tensor_shape.dim.add(size=size)
    if dtype == pb.DT_STRING:
        tensor.string_val.extend(_as_bytes(value) for value in values.ravel().tolist())
        return tensor
    values = np.ascontiguousarray(values, dtype=_NUMPY_OF[dtype])
    if not typed:
        tensor.tensor_content = values.tobytes()
        return tensor
    if dtype == pb.DT_HALF:
        values = values.view(np.dtype("<u2"))
    getattr(tensor, _FIELD_OF[dtype]).extend(values.ravel().tolist())
    return tensor


def decode(tensor: pb.Tensor) -> Array:
    """Read a message as an array that owns its memory; strings come as an object array of bytes.

    Accepts `tensor_content` and the typed fields; a short field repeats its last value, an empty one means
    zeros. Raises ValueError for a message that does not describe a tensor.
    """
    dtype = _NUMPY_OF.get(tensor.dtype)
    if dtype is None:
        raise ValueError(f"unsupported tensor dtype {tensor.dtype}")
    shape = shape_of(tensor.tensor_shape)
    count = math.prod(shape)
    if count * dtype.itemsize > MAX_TENSOR_BYTES:
        raise ValueError(f"tensor of shape {list(shape)} needs more than {MAX_TENSOR_BYTES} bytes")
    if count == 0:
        return np.zeros(shape, dtype)
    if tensor.tensor_content:
        flat = _decode_content(tensor.tensor_content, dtype, count)
    else:
        flat = _decode_field(tensor, dtype, count)
    return flat.reshape(shape)


def dtype_of(values: Array) -> pb.DataType:
    """Name the wire dtype of an array; raises ValueError if there is none."""
    if values.dtype.kind in "OSU":
        return pb.DT_STRING
    dtype = _WIRE_OF.get(values.dtype.newbyteorder("<"))
    if dtype is None:
        raise ValueError(f"arrays of dtype {values.dtype} cannot be sent to a model server")
    return dtype


def shape_of(shape: pb.TensorShape) -> tuple[int, ...]:
    """Read a fully known shape; raises ValueError if a dimension is unknown or negative."""
    if shape.unknown_rank:
        raise ValueError("tensor shape has an unknown rank")
    sizes = tuple(dim.size for dim in shape.dim)
    if any(size < 0 for size in sizes):
        raise ValueError(f"tensor shape {list(sizes)} has a negative dimension")
    return sizes


def _decode_content(content: bytes, dtype: np.dtype[Any], count: int) -> Array:
    if dtype.kind == "O":
        return _object_array(_split_strings(content, count))
    if len(content) != count * dtype.itemsize:
        raise ValueError(f"tensor_content has {len(content)} bytes, expected {count * dtype.itemsize}")
    if dtype.kind == "b":  # any non-zero byte would otherwise become an invalid bool
        return np.asarray(np.frombuffer(content, np.uint8) != 0)
    return np.frombuffer(content, dtype).copy()


def _decode_field(tensor: pb.Tensor, dtype: np.dtype[Any], count: int) -> Array:
    field = _FIELD_OF[tensor.dtype]
    values = list(getattr(tensor, field))
    if len(values) > count:
        raise ValueError(f"{field} has {len(values)} values, expected at most {count}")
    if dtype.kind == "O":
        return _object_array(values + [values[-1] if values else b""] * (count - len(values)))
    try:
        stored = np.dtype("<u2") if tensor.dtype == pb.DT_HALF else dtype
        given = np.array(values, stored).view(dtype)
    except OverflowError as exc:
        raise ValueError(f"{field} holds a value outside the range of {dtype}") from exc
    flat = np.zeros(count, dtype)
    flat[: len(given)] = given
    if len(given):
        flat[len(given) :] = given[-1]
    return flat


def _split_strings(content: bytes, count: int) -> list[bytes]:
    """Undo TensorFlow's packing of strings: all lengths as varints, then all bytes."""
    lengths, position = [], 0
    for _ in range(count):
        length, shift = 0, 0
        while True:
            if position >= len(content) or shift > 28:
                raise ValueError("tensor_content ends inside a string length")
            byte = content[position]
            position += 1
            length |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                break
        lengths.append(length)
    if position + sum(lengths) != len(content):
        raise ValueError(f"tensor_content has {len(content)} bytes, expected {position + sum(lengths)}")
    strings = []
    for length in lengths:
        strings.append(content[position : position + length])
        position += length
    return strings


def _object_array(values: list[bytes]) -> Array:
    array = np.empty(len(values), np.dtype("O"))
    array[:] = values
    return array


def _as_bytes(value: object) -> bytes:
    if isinstance(value, bytes):
        return value
    if isinstance(value, str):
        return value.encode()
    raise ValueError(f"a string tensor holds bytes or str, got {type(value).__name__}")
