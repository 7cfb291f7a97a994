"""Answer one Predict request with one loaded model."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, Protocol

import numpy.typing as npt

from familiar.wire import decode, dtype_of, encode
from familiar.wire import serving_pb2 as pb
from familiar_modelserver.errors import ServerError

Array = npt.NDArray[Any]

DEFAULT_SIGNATURE: Final = "serving_default"


class Model(Protocol):
    """A loaded version: signatures by name, and a way to run its graph."""

    @property
    def signatures(self) -> Mapping[str, pb.SignatureDef]:
        """Every signature by name."""
        ...

    def run(self, feeds: Mapping[str, Array], fetches: Sequence[str], timeout_s: float | None) -> Sequence[Array]:
        """Compute tensors by name; raises ServerError."""
        ...

    def close(self) -> None:
        """Free the model; nobody uses it any more."""
        ...


def predict(model: Model, version: int, request: pb.PredictRequest, timeout_s: float | None) -> pb.PredictResponse:
    """Run the signature a request names; raises ServerError with the texts TensorFlow Serving uses."""
    signature_name = request.model_spec.signature_name or DEFAULT_SIGNATURE
    signature = model.signatures.get(signature_name)
    if signature is None:
        raise ServerError(pb.FAILED_PRECONDITION, f'Serving signature key "{signature_name}" not found.')
    inputs = _read_inputs(signature, request.inputs)
    outputs = run_signature(model, signature, inputs, request.output_filter, timeout_s)
    response = pb.PredictResponse()
    response.model_spec.name = request.model_spec.name
    response.model_spec.version.value = version
    response.model_spec.signature_name = signature_name
    for alias, array in outputs.items():
        response.outputs[alias].CopyFrom(encode(array, typed=True))
    return response


def run_signature(
    model: Model,
    signature: pb.SignatureDef,
    inputs: Mapping[str, Array],
    output_filter: Sequence[str],
    timeout_s: float | None,
) -> dict[str, Array]:
    """Run a signature on complete inputs by alias and return its outputs by alias."""
    aliases = _choose_outputs(signature, output_filter)
    _check_shapes(signature, inputs)
    feeds = {signature.inputs[alias].name: array for alias, array in inputs.items()}
    fetches = [signature.outputs[alias].name for alias in aliases]
    return dict(zip(aliases, model.run(feeds, fetches, timeout_s), strict=True))


def _read_inputs(signature: pb.SignatureDef, sent: Mapping[str, pb.Tensor]) -> dict[str, Array]:
    missing = signature.inputs.keys() - sent.keys()
    extra = sent.keys() - signature.inputs.keys()
    if len(sent) > len(signature.inputs) or (len(sent) < len(signature.inputs) and not signature.defaults):
        raise ServerError(
            pb.INVALID_ARGUMENT,
            f"input size does not match signature: {len(sent)}!={len(signature.inputs)}"
            f" len({_set(sent)}) != len({_set(signature.inputs)})."
            f" Sent extra: {_set(extra)}. Missing but required: {_set(missing)}.",
        )
    inputs = {}
    for alias, info in sorted(signature.inputs.items()):
        if alias in sent:
            tensor = sent[alias]
        elif alias in signature.defaults:
            tensor = signature.defaults[alias]
        else:
            raise ServerError(
                pb.INVALID_ARGUMENT,
                f"Signature input alias: {alias}(feed name: {info.name}) not found in request and no default"
                f" value provided. Inputs expected to be in the request {_set(sent)}, or default input alias"
                f" set: {','.join(sorted(signature.defaults))}",
            )
        try:
            inputs[alias] = decode(_of_known_rank(tensor))
        except ValueError as exc:
            raise ServerError(pb.INVALID_ARGUMENT, f"tensor parsing error: {alias}") from exc
    return inputs


def _of_known_rank(tensor: pb.Tensor) -> pb.Tensor:
    """Return a tensor that leaves its rank open as the scalar that TensorFlow takes it for."""
    if not tensor.tensor_shape.unknown_rank:
        return tensor
    scalar = pb.Tensor()
    scalar.CopyFrom(tensor)
    scalar.tensor_shape.unknown_rank = False
    return scalar


def _choose_outputs(signature: pb.SignatureDef, output_filter: Sequence[str]) -> list[str]:
    if not output_filter:
        return sorted(signature.outputs)
    chosen: list[str] = []
    for alias in output_filter:
        if alias not in signature.outputs:
            raise ServerError(
                pb.INVALID_ARGUMENT,
                f"output tensor alias not found in signature: {alias} Outputs expected to be in the set"
                f" {_set(signature.outputs)}.",
            )
        if alias in chosen:
            raise ServerError(pb.INVALID_ARGUMENT, f"duplicate output tensor alias: {alias}")
        chosen.append(alias)
    return chosen


def _check_shapes(signature: pb.SignatureDef, inputs: Mapping[str, Array]) -> None:
    """Refuse shapes the signature rules out; TensorFlow's kernels abort the process on some of them.

    TensorFlow Serving does not check. Wrong dtypes are left to the session, which words them itself.
    """
    if any(dtype_of(array) != signature.inputs[alias].dtype for alias, array in inputs.items()):
        return
    for alias, array in inputs.items():
        expected = signature.inputs[alias].tensor_shape
        if expected.unknown_rank:
            continue
        sizes = [dim.size for dim in expected.dim]
        fits = len(sizes) == array.ndim and all(
            wanted in (-1, given) for wanted, given in zip(sizes, array.shape, strict=True)
        )
        if not fits:
            raise ServerError(
                pb.INVALID_ARGUMENT,
                f"Shape of tensor {alias} [{_sizes(array.shape)}] is not compatible with expected shape"
                f" [{_sizes(sizes)}].",
            )


def _sizes(sizes: Iterable[int]) -> str:
    return ",".join("?" if size < 0 else str(size) for size in sizes)


def _set(aliases: Iterable[str]) -> str:
    return "{" + ",".join(sorted(aliases)) + "}"
