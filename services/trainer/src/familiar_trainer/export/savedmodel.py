"""Write a servable as a frozen SavedModel: one file of constants that every loader reads alike."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from familiar.servable import DESCRIBE_SIGNATURE, LABELS, META_JSON, QUERY
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
        # Held by the module, since a SavedModel keeps what its root can reach.
        module.functions = signatures = {**_graphs(servable), DESCRIBE_SIGNATURE: _describe(servable)}
        tf.saved_model.save(module, str(folder), signatures=signatures)
        write_warmup(folder, _warmup(servable))
        (folder / META_FILE).write_text(servable.meta_json, encoding="utf-8")
    except OSError as error:
        raise ExportFailed(f"the version could not be written to {folder}: {error.strerror}") from error
    except (tf.errors.OpError, ValueError, TypeError) as error:
        raise ExportFailed(f"the model could not be exported: {error}") from error


def _graphs(servable: Servable) -> Mapping[str, Any]:
    """Return the signatures by name, made of constants; what several of them use is stored once."""
    tf = load_tensorflow()
    port = servable.takes
    spec = tf.TensorSpec(port.shape, port.dtype, name=port.name)

    def checked(signature: str, values: Any) -> Mapping[str, Any]:
        # First of all: model servers check no shapes, a wrong rank can kill their process, and a wrong size is
        # answered. This one operation turns both into INVALID_ARGUMENT.
        outputs = servable.graphs[signature](tf.ensure_shape(values, port.shape))
        return {answer.name: tf.identity(outputs[answer.name], name=answer.name) for answer in servable.answers}

    def function(graph: Callable[[Any], Any]) -> Any:
        return tf.function(graph, input_signature=[spec], autograph=False)

    def everything(values: Any) -> Mapping[str, Any]:
        return {signature: checked(signature, values) for signature in servable.graphs}

    concrete = function(everything).get_concrete_function()
    if not concrete.captured_inputs:  # made of constants as it is
        return {signature: function(partial(checked, signature)) for signature in servable.graphs}
    # One function of all of them, since each has its own constants. A model server runs only the part that it is asked
    # for. Freezing forgets the names; what it returns is a list in the order of the sorted names.
    frozen = freeze(concrete)
    names = sorted(answer.name for answer in servable.answers)

    def part(place: int, values: Any) -> Mapping[str, Any]:
        outputs = frozen(values)[place * len(names) : (place + 1) * len(names)]
        return dict(zip(names, outputs, strict=True))

    return {signature: function(partial(part, place)) for place, signature in enumerate(sorted(servable.graphs))}


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
        yield probe.signature, probe.inputs
    yield DESCRIBE_SIGNATURE, {QUERY: [b""]}
