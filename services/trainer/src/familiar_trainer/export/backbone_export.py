"""A backbone as a servable."""

from __future__ import annotations

from typing import Any

import numpy as np

from familiar.servable import EMBEDDING, IMAGE, WARMUP_BATCHES
from familiar_trainer.backbones import Backbone, BackboneError, Embedder
from familiar_trainer.export.servable import Outputs, Port, Probe, Servable, close_to
from familiar_trainer.tf_runtime import load_tensorflow

# The constants of the export run through other kernels than the variables of the original.
_TOLERANCE = 1e-4


def backbone_servable(backbone: Backbone) -> Servable:
    """Build ``backbone`` and return it with the answers its export must give.

    BackboneError if it answers something else than finite embeddings of length 1.
    """
    meta = backbone.meta
    embed = backbone.build()
    warmup = tuple(_probe(embed, backbone, batch) for batch in WARMUP_BATCHES)
    size = meta.input_px
    return Servable(
        predict=lambda image: {EMBEDDING: embed(image)},
        takes=Port(IMAGE, "uint8", (None, size, size, 3)),
        answers=(Port(EMBEDDING, "float32", (None, meta.dim)),),
        labels=(),
        meta_json=meta.to_json(),
        warmup=warmup,
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


def _probe(embed: Embedder, backbone: Backbone, batch: int) -> Probe:
    """Embed noise, which unlike zeros tells what was learned, with the original, for the export to do the same."""
    tf = load_tensorflow()
    size = backbone.meta.input_px
    image = np.random.default_rng(batch).integers(0, 256, (batch, size, size, 3), np.uint8)
    expected: Any = embed(tf.constant(image)).numpy()
    if expected.shape != (batch, backbone.meta.dim):
        raise BackboneError(f"{backbone.meta.name} answers shape {expected.shape} to {batch} pictures")
    length = np.linalg.norm(expected, axis=1)
    if not np.allclose(length, 1, atol=_TOLERANCE):
        raise BackboneError(f"{backbone.meta.name} answers embeddings of length {length.tolist()}, not 1")
    outputs: Outputs = {EMBEDDING: expected}
    return Probe({IMAGE: image}, close_to(outputs, _TOLERANCE))
