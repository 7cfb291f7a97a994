"""A backbone as a servable."""

from __future__ import annotations

from typing import Any

import numpy as np

from familiar.knowing import normalise
from familiar.servable import EMBEDDING, GLANCE_SIGNATURE, IMAGE, PREDICT_SIGNATURE, WARMUP_BATCHES, BackboneMeta
from familiar_trainer.backbones import Backbone, BackboneError, Embedder
from familiar_trainer.export.servable import Array, Outputs, Port, Predict, Probe, Servable, close_to
from familiar_trainer.tf_runtime import load_tensorflow

# The constants of the export run through other kernels than the variables of the original.
_TOLERANCE = 1e-4


def backbone_servable(backbone: Backbone) -> Servable:
    """Build ``backbone`` and return it with the answers its export must give.

    BackboneError if it answers something else than finite embeddings of length 1.
    """
    meta = backbone.meta
    looks = backbone.build()
    if (looks.glance is None) != (meta.glance_margin is None):
        raise BackboneError(f"{meta.name} has no glance, or does not say how far to trust it")
    ways = {PREDICT_SIGNATURE: looks.embed} | ({GLANCE_SIGNATURE: looks.glance} if looks.glance else {})
    size = meta.input_px
    if looks.glance:
        _check_glance(looks.embed, looks.glance, meta)
    return Servable(
        graphs={signature: _graph(embed) for signature, embed in ways.items()},
        takes=Port(IMAGE, "uint8", (None, size, size, 3)),
        answers=(Port(EMBEDDING, "float32", (None, meta.dim)),),
        labels=(),
        meta_json=meta.to_json(),
        warmup=tuple(
            _probe(signature, embed, backbone, batch) for signature, embed in ways.items() for batch in WARMUP_BATCHES
        ),
        probes=(),
        malformed=tuple(
            np.zeros(shape, np.uint8)
            for shape in (
                (),
                (size, size, 3),
                (1, 1, size, size, 3),
                (1, size + 1, size, 3),
                (1, size, size - 1, 3),
                (1, size, size, 4),
                (2, size, size, 1),
            )
        ),
    )


def _check_glance(embed: Embedder, glance: Embedder, meta: BackboneMeta) -> None:
    """Make sure that two glances make an embedding, since the gateway completes one by another."""
    image = _noise(2, meta.input_px)
    views = [np.asarray(glance(load_tensorflow().constant(view))) for view in (image, image[:, :, ::-1])]
    if not np.allclose(normalise(np.add(*views)), np.asarray(embed(image)), atol=_TOLERANCE):
        raise BackboneError(f"{meta.name} does not answer the mean of its glances at a face and at its mirror image")


def _noise(batch: int, size_px: int) -> Array:
    return np.random.default_rng(batch).integers(0, 256, (batch, size_px, size_px, 3), np.uint8)


def _graph(embed: Embedder) -> Predict:
    return lambda image: {EMBEDDING: embed(image)}


def _probe(signature: str, embed: Embedder, backbone: Backbone, batch: int) -> Probe:
    """Embed noise, which unlike zeros tells what was learned, with the original, for the export to do the same."""
    tf = load_tensorflow()
    size = backbone.meta.input_px
    image = _noise(batch, size)
    expected: Any = embed(tf.constant(image)).numpy()
    if expected.shape != (batch, backbone.meta.dim):
        raise BackboneError(f"{backbone.meta.name} answers shape {expected.shape} to {batch} pictures")
    length = np.linalg.norm(expected, axis=1)
    if not np.allclose(length, 1, atol=_TOLERANCE):
        raise BackboneError(f"{backbone.meta.name} answers embeddings of length {length.tolist()}, not 1")
    outputs: Outputs = {EMBEDDING: expected}
    return Probe({IMAGE: image}, close_to(outputs, _TOLERANCE), signature)
