"""What is about to be exported, and what its export must answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import numpy.typing as npt

from familiar.servable import PREDICT_SIGNATURE

if TYPE_CHECKING:
    import tensorflow as tf

Array = npt.NDArray[Any]
Outputs = Mapping[str, Array]
Predict: TypeAlias = "Callable[[tf.Tensor], Mapping[str, tf.Tensor]]"
"""A graph: one tensor in, tensors by output name out."""
Judge = Callable[[Outputs], str | None]
"""Looks at the outputs of a signature and says what is wrong with them, or None."""


@dataclass(frozen=True)
class Port:
    """One input or output of a signature: its name, NumPy dtype, and shape with None where any size goes."""

    name: str
    dtype: str
    shape: tuple[int | None, ...]


@dataclass(frozen=True)
class Probe:
    """A request to a signature whose answer is known beforehand."""

    inputs: Mapping[str, Array]
    judge: Judge
    signature: str = PREDICT_SIGNATURE


@dataclass(frozen=True)
class Servable:
    """A model ready for export.

    Attributes:
        graphs: what each signature does, by name; ``serving_default`` is one of them. What they have in common, such
            as weights, is stored once.
        takes: the one input of each of them.
        answers: their outputs.
        labels: what ``describe`` answers beside the metadata, in index order.
        meta_json: the metadata of ``describe``.
        warmup: requests that travel with the version and are answered before it goes live, with their judges.
        probes: further requests that only the gate makes.
        malformed: arrays of wrong rank or size that the graph must refuse, not answer and not die of.
    """

    graphs: Mapping[str, Predict]
    takes: Port
    answers: tuple[Port, ...]
    labels: tuple[str, ...]
    meta_json: str
    warmup: tuple[Probe, ...]
    probes: tuple[Probe, ...]
    malformed: tuple[Array, ...]


def close_to(expected: Outputs, tolerance: float) -> Judge:
    """Return a judge that wants the ``expected`` outputs, floats within an absolute ``tolerance``."""

    def judge(outputs: Outputs) -> str | None:
        for name, wanted in expected.items():
            found = outputs[name]
            if found.shape != wanted.shape:
                return f"{name} has shape {list(found.shape)}, expected {list(wanted.shape)}"
            if not np.isfinite(found).all():
                return f"{name} is not finite"
            worst = float(np.abs(found - wanted).max(initial=0.0))
            if worst > tolerance:
                return f"{name} is off by {worst:.3g}, more than {tolerance:.3g}"
        return None

    return judge
