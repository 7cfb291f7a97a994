"""Predict in JSON: row ("instances") and columnar ("inputs") bodies to arrays, arrays back to JSON."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from familiar.wire import serving_pb2 as pb
from familiar_modelserver.errors import ServerError
from familiar_modelserver.prediction import DEFAULT_SIGNATURE, Array

_NUMBERS: Final[dict[pb.DataType, Any]] = {
    pb.DT_FLOAT: np.float32,
    pb.DT_DOUBLE: np.float64,
    pb.DT_INT32: np.int32,
    pb.DT_UINT8: np.uint8,
    pb.DT_INT16: np.int16,
    pb.DT_INT8: np.int8,
    pb.DT_INT64: np.int64,
    pb.DT_UINT32: np.uint32,
    pb.DT_UINT64: np.uint64,
}


@dataclass(frozen=True)
class JsonRequest:
    """A parsed body: which signature, the values as sent, and which of the two forms they have."""

    signature_name: str
    values: Any
    by_row: bool


def parse_body(body: bytes) -> JsonRequest:
    """Read the body of a predict request; raises ServerError."""
    try:
        document = json.loads(body)
    except (ValueError, RecursionError) as exc:
        raise _invalid(f"JSON Parse error: {exc}") from exc
    if not isinstance(document, dict):
        raise _invalid("JSON Value: request must be an object")
    name = document.get("signature_name", DEFAULT_SIGNATURE)
    if not isinstance(name, str):
        raise _invalid("'signature_name' key must be a string value.")
    if "instances" in document and "inputs" in document:
        raise _invalid("Request has both 'instances' and 'inputs'; send one of them")
    if "instances" in document:
        rows = document["instances"]
        if not isinstance(rows, list) or not rows:
            raise _invalid("Request value of 'instances' must be a list with at least one value")
        return JsonRequest(name or DEFAULT_SIGNATURE, rows, by_row=True)
    if "inputs" in document:
        return JsonRequest(name or DEFAULT_SIGNATURE, document["inputs"], by_row=False)
    raise _invalid("Missing 'inputs' or 'instances' key")


def read_arrays(request: JsonRequest, signature: pb.SignatureDef) -> dict[str, Array]:
    """Turn the values of a request into the inputs of its signature; raises ServerError."""
    columns = _rows_to_columns(request.values, signature) if request.by_row else _columns(request.values, signature)
    return {alias: _array(alias, columns[alias], signature.inputs[alias].dtype) for alias in columns}


def write_arrays(outputs: Mapping[str, Array], *, by_row: bool) -> dict[str, Any]:
    """Turn outputs into the reply of the form the request had; raises ServerError."""
    if not by_row:
        columns = {alias: _plain(alias, array) for alias, array in outputs.items()}
        return {"outputs": next(iter(columns.values())) if len(columns) == 1 else columns}
    rows = -1
    for alias, array in outputs.items():
        if array.ndim == 0:
            raise _invalid(f"Tensor name: {alias} has no shape information ")
        if rows not in (-1, array.shape[0]):
            raise _invalid(f"Tensor name: {alias} has inconsistent batch size: {array.shape[0]} expecting: {rows}")
        rows = array.shape[0]
    columns = {alias: _plain(alias, array) for alias, array in outputs.items()}
    if len(columns) == 1:
        return {"predictions": next(iter(columns.values()))}
    return {"predictions": [{alias: columns[alias][row] for alias in columns} for row in range(rows)]}


def dump(document: Any, *, indent: int = 4) -> bytes:
    """Write JSON the way the server answers (NaN and Infinity bare, as TensorFlow Serving does)."""
    return json.dumps(document, indent=indent, ensure_ascii=False).encode("utf-8", "replace")


def _rows_to_columns(rows: list[Any], signature: pb.SignatureDef) -> dict[str, list[Any]]:
    if not signature.inputs:
        raise _invalid("Failed to get input map for signature: it has no inputs")
    aliases = set(signature.inputs)
    named = isinstance(rows[0], dict) and rows[0].keys() != {"b64"}
    if not named:
        if len(aliases) != 1:
            raise _invalid(
                f"instances is a plain list, but expecting list of objects as multiple input tensors"
                f" required as per tensorinfo_map: {sorted(aliases)}"
            )
        return {aliases.pop(): rows}
    columns: dict[str, list[Any]] = {alias: [] for alias in aliases}
    for index, row in enumerate(rows):
        if not isinstance(row, dict) or row.keys() != aliases:
            raise _invalid(
                f"Failed to process element: {index} of 'instances' list: expected an object with"
                f" exactly the keys {sorted(aliases)}"
            )
        for alias in aliases:
            columns[alias].append(row[alias])
    return columns


def _columns(values: Any, signature: pb.SignatureDef) -> dict[str, Any]:
    if not signature.inputs:
        raise _invalid("Failed to get input map for signature: it has no inputs")
    aliases = set(signature.inputs)
    if isinstance(values, dict) and values.keys() != {"b64"}:
        if values.keys() != aliases:
            raise _invalid(f"Missing or unknown named inputs: got {sorted(values)}, expected {sorted(aliases)}")
        return values
    if len(aliases) != 1:
        raise _invalid(
            f"inputs is a plain value/list, but expecting an object as multiple input tensors"
            f" required as per tensorinfo_map: {sorted(aliases)}"
        )
    return {aliases.pop(): values}


def _array(alias: str, values: Any, dtype: pb.DataType) -> Array:
    shape = _shape(values)
    leaves: list[Any] = []
    _collect(alias, values, shape, leaves)
    if dtype == pb.DT_STRING:
        array: Array = np.empty(len(leaves), object)
        array[:] = [_bytes(alias, leaf) for leaf in leaves]
        return array.reshape(shape)
    if dtype == pb.DT_BOOL:
        _require(alias, leaves, bool, "bool")
        return np.array(leaves, np.bool_).reshape(shape)
    if dtype not in _NUMBERS:
        raise ServerError(pb.UNIMPLEMENTED, f"Conversion of JSON Value to type of input {alias} is not supported")
    kind = np.dtype(_NUMBERS[dtype])
    _require(alias, leaves, (int, float) if kind.kind == "f" else int, kind.name)
    try:
        return np.array(leaves, kind).reshape(shape)
    except (OverflowError, ValueError) as exc:
        raise _invalid(f"Input {alias} holds a value outside the range of {kind.name}") from exc


def _shape(values: Any) -> tuple[int, ...]:
    shape = []
    while isinstance(values, list):
        shape.append(len(values))
        if not values:
            break
        values = values[0]
    return tuple(shape)


def _collect(alias: str, values: Any, shape: tuple[int, ...], leaves: list[Any]) -> None:
    if not shape:
        if isinstance(values, list):
            raise _invalid(f"Encountered list at unexpected size in input {alias}: ragged lists are not tensors")
        leaves.append(values)
        return
    if not isinstance(values, list) or len(values) != shape[0]:
        raise _invalid(f"Encountered list at unexpected size in input {alias}: ragged lists are not tensors")
    for value in values:
        _collect(alias, value, shape[1:], leaves)


def _require(alias: str, leaves: list[Any], kinds: Any, name: str) -> None:
    for leaf in leaves:
        if not isinstance(leaf, kinds) or (isinstance(leaf, bool) and kinds is not bool):
            shown = json.dumps(leaf)[:100]
            raise _invalid(f"JSON Value: {shown} of input {alias} is not of expected type: {name}")


def _bytes(alias: str, leaf: Any) -> bytes:
    if isinstance(leaf, str):
        return leaf.encode("utf-8", "surrogatepass")
    if isinstance(leaf, dict) and leaf.keys() == {"b64"} and isinstance(leaf["b64"], str):
        try:
            return base64.b64decode(leaf["b64"], validate=True)
        except (binascii.Error, ValueError) as exc:
            raise _invalid(f"Unable to base64 decode a value of input {alias}") from exc
    shown = json.dumps(leaf)[:100]
    raise _invalid(f"JSON Value: {shown} of input {alias} is not of expected type: string")


def _plain(alias: str, array: Array) -> Any:
    if array.dtype.kind == "O":
        return _strings(array.tolist(), as_base64=alias.endswith("_bytes"))
    if array.dtype in (np.float32, np.float16):
        # Through the shortest decimal form of the narrow type: 0.1, not 0.10000000149011612.
        return array.astype(str).astype(np.float64).tolist()
    return array.tolist()


def _strings(values: Any, *, as_base64: bool) -> Any:
    if isinstance(values, list):
        return [_strings(value, as_base64=as_base64) for value in values]
    if as_base64:
        return {"b64": base64.b64encode(values).decode()}
    return values.decode("utf-8", "replace")


def _invalid(message: str) -> ServerError:
    return ServerError(pb.INVALID_ARGUMENT, message)
