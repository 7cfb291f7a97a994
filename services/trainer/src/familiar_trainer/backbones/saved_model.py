"""A backbone of somebody else's making: any SavedModel with the signature that ours have."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from familiar.servable import EMBEDDING, IMAGE, PREDICT_SIGNATURE
from familiar_trainer.backbones.backbone import BackboneError, Embedder, normalised
from familiar_trainer.tf_runtime import load_tensorflow

_WANTED = f"{PREDICT_SIGNATURE}({IMAGE} uint8[N,S,S,3]) -> {EMBEDDING} float32[N,D]"


@dataclass(frozen=True)
class Loaded:
    """A SavedModel that has the signature of a backbone."""

    input_px: int
    dim: int
    embed: Embedder


def load(folder: Path) -> Loaded:
    """Load ``folder`` and read its sizes from the signature; BackboneError if it is no such SavedModel."""
    tf = load_tensorflow()
    if not (folder / "saved_model.pb").is_file():
        raise BackboneError(f"{folder} holds no saved_model.pb, so it is no SavedModel")
    try:
        module = tf.saved_model.load(str(folder))
    except Exception as error:  # the loader raises ValueError, OSError, KeyError and TensorFlow's own
        raise BackboneError(f"{folder} does not load as a SavedModel: {error}") from error
    signature = module.signatures.get(PREDICT_SIGNATURE)
    if signature is None:
        raise BackboneError(f"{folder} has no signature {PREDICT_SIGNATURE!r}; wanted: {_WANTED}")
    inputs, outputs = signature.structured_input_signature[1], signature.structured_outputs
    input_px = _input_px(inputs, folder)
    dim = _dim(outputs, folder)

    def embed(image: Any) -> Any:
        return normalised(signature(**{IMAGE: image})[EMBEDDING])

    embed.module = module  # type: ignore[attr-defined]  # its variables live as long as somebody can call it
    return Loaded(input_px, dim, embed)


def _input_px(inputs: dict[str, Any], folder: Path) -> int:
    spec = inputs.get(IMAGE)
    shape = None if spec is None else spec.shape
    if len(inputs) != 1 or spec is None or shape is None or spec.dtype.name != "uint8" or shape.rank != 4:
        raise BackboneError(f"{folder} takes {inputs}; wanted: {_WANTED}")
    batch, height, width, channels = shape.as_list()
    if batch is not None or height is None or height != width or channels != 3:
        raise BackboneError(f"{folder} takes pictures of shape {shape}; wanted: {_WANTED}")
    return int(height)


def _dim(outputs: dict[str, Any], folder: Path) -> int:
    output = outputs.get(EMBEDDING)
    shape = None if output is None else output.shape
    if output is None or shape is None or output.dtype.name != "float32" or shape.rank != 2 or shape[1] is None:
        raise BackboneError(f"{folder} answers {outputs}; wanted: {_WANTED}")
    return int(shape[1])
