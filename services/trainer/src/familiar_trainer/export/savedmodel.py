"""Write a servable as a frozen SavedModel: one file of constants that every loader reads alike."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from familiar.servable import DESCRIBE_SIGNATURE, LABELS, META_JSON, PREDICT_SIGNATURE, QUERY
from familiar.wire import WarmupRequest, write_warmup
from familiar_trainer.export.errors import ExportFailed
from familiar_trainer.export.servable import Servable
from familiar_trainer.tf_runtime import freeze, load_tensorflow

META_FILE = Path("assets.extra", "meta.json")
"""A copy of the metadata that can be read without a model server."""


def write(servable: Servable, folder: Path) -> None:
    """Write ``servable`` with warm-up records into the existing, empty ``folder``; ExportFailed if it can't be."""
    tf = load_tensorflow()
    try:
        module = tf.Module()
        predict = _predict(servable)
        describe = _describe(servable)
        # Held by the module, since a SavedModel keeps what its root can reach.
        module.predict, module.describe = predict, describe
        tf.saved_model.save(module, str(folder), signatures={PREDICT_SIGNATURE: predict, DESCRIBE_SIGNATURE: describe})
        write_warmup(folder, _warmup(servable))
        (folder / META_FILE).write_text(servable.meta_json, encoding="utf-8")
    except OSError as error:
        raise ExportFailed(f"the version could not be written to {folder}: {error.strerror}") from error
    except (tf.errors.OpError, ValueError, TypeError) as error:
        raise ExportFailed(f"the model could not be exported: {error}") from error


def _predict(servable: Servable) -> Any:
    tf = load_tensorflow()
    port = servable.takes
    spec = tf.TensorSpec(port.shape, port.dtype, name=port.name)

    def checked(values: Any) -> Mapping[str, Any]:
        # First of all: model servers check no shapes, a wrong rank can kill their process, and a wrong size is
        # answered. This one operation turns both into INVALID_ARGUMENT.
        values = tf.ensure_shape(values, port.shape)
        outputs = servable.predict(values)
        return {answer.name: tf.identity(outputs[answer.name], name=answer.name) for answer in servable.answers}

    plain = tf.function(checked, input_signature=[spec], autograph=False)
    concrete = plain.get_concrete_function()
    if not concrete.captured_inputs:
        return plain  # made of constants as it is
    frozen = freeze(concrete)
    # Freezing forgets the names; what it returns is a list in the order of the sorted names.
    names = sorted(answer.name for answer in servable.answers)

    @tf.function(input_signature=[spec], autograph=False)  # type: ignore[untyped-decorator]
    def serving_default(values: Any) -> Mapping[str, Any]:
        return dict(zip(names, frozen(values), strict=True))

    return serving_default


def _describe(servable: Servable) -> Any:
    """Labels and metadata as constants, once per query row: batching and REST need a batch in and out."""
    tf = load_tensorflow()
    labels = np.array([label.encode() for label in servable.labels], dtype=object).reshape(1, -1)
    meta_json = servable.meta_json.encode()

    spec = tf.TensorSpec((None,), tf.string, name=QUERY)

    @tf.function(input_signature=[spec], autograph=False)  # type: ignore[untyped-decorator]
    def describe(query: Any) -> Mapping[str, Any]:
        rows = tf.shape(tf.ensure_shape(query, (None,)))[0]
        return {
            LABELS: tf.tile(tf.constant(labels, tf.string), [rows, 1]),
            META_JSON: tf.fill([rows], tf.constant(meta_json)),
        }

    return describe


def _warmup(servable: Servable) -> Iterator[WarmupRequest]:
    for probe in servable.warmup:
        yield PREDICT_SIGNATURE, probe.inputs
    yield DESCRIBE_SIGNATURE, {QUERY: [b""]}
