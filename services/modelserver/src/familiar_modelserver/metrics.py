"""Prometheus numbers under the names TensorFlow Serving gives them; latencies in microseconds."""

from __future__ import annotations

import threading
import time
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from familiar.wire import serving_pb2 as pb
from familiar_modelserver.prediction import Array, Model

_BUCKETS_US: Final = tuple(10 * 1.8**exponent for exponent in range(33))

Labels = tuple[str, ...]


class Counter:
    """A number per combination of labels that only grows."""

    def __init__(self, name: str, labels: Sequence[str]) -> None:
        self.name = name
        self._labels = tuple(labels)
        self._values: dict[Labels, int] = {}
        self._lock = threading.Lock()

    def add(self, *labels: str) -> None:
        """Count one more."""
        with self._lock:
            self._values[labels] = self._values.get(labels, 0) + 1

    def lines(self) -> Iterator[str]:
        """Yield the lines of the text format."""
        with self._lock:
            values = dict(self._values)
        yield f"# TYPE {self.name} counter"
        for labels, value in sorted(values.items()):
            yield f"{self.name}{{{_pairs(self._labels, labels)}}} {value}"


class Histogram:
    """A distribution of microseconds per combination of labels."""

    def __init__(self, name: str, labels: Sequence[str]) -> None:
        self.name = name
        self._labels = tuple(labels)
        self._counts: dict[Labels, list[int]] = {}
        self._sums: dict[Labels, float] = {}
        self._lock = threading.Lock()

    def observe(self, seconds: float, *labels: str) -> None:
        """Add one duration."""
        value_us = seconds * 1e6
        with self._lock:
            counts = self._counts.setdefault(labels, [0] * (len(_BUCKETS_US) + 1))
            counts[bisect_left(_BUCKETS_US, value_us)] += 1
            self._sums[labels] = self._sums.get(labels, 0.0) + value_us

    def lines(self) -> Iterator[str]:
        """Yield the lines of the text format."""
        with self._lock:
            counts = {labels: list(values) for labels, values in self._counts.items()}
            sums = dict(self._sums)
        yield f"# TYPE {self.name} histogram"
        for labels, values in sorted(counts.items()):
            pairs = _pairs(self._labels, labels)
            total = 0
            for bound, count in zip((*_BUCKETS_US, float("inf")), values, strict=True):
                total += count
                edge = "+Inf" if bound == float("inf") else f"{bound:.6g}"
                yield f'{self.name}_bucket{{{pairs},le="{edge}"}} {total}'
            yield f"{self.name}_sum{{{pairs}}} {sums[labels]:.6g}"
            yield f"{self.name}_count{{{pairs}}} {total}"


class Metrics:
    """Everything the server counts."""

    def __init__(self) -> None:
        prefix = ":tensorflow:serving:"
        self.request_count = Counter(f"{prefix}request_count", ("model_name", "status"))
        self.request_latency = Histogram(f"{prefix}request_latency", ("model_name", "API", "entrypoint"))
        self.runtime_latency = Histogram(f"{prefix}runtime_latency", ("model_name", "API", "runtime"))
        self.warmup_latency = Histogram(f"{prefix}model_warmup_latency", ("model_path", "status"))

    def text(self) -> str:
        """Render all numbers in Prometheus' text format."""
        families = (self.request_count, self.request_latency, self.runtime_latency, self.warmup_latency)
        return "\n".join(line for family in families for line in family.lines()) + "\n"


class MeasuredModel:
    """A model whose time in the runtime is counted."""

    def __init__(self, model: Model, name: str, metrics: Metrics) -> None:
        self._model = model
        self._name = name
        self._latency = metrics.runtime_latency

    @property
    def signatures(self) -> Mapping[str, pb.SignatureDef]:
        """Those of the model."""
        return self._model.signatures

    def run(self, feeds: Mapping[str, Array], fetches: Sequence[str], timeout_s: float | None) -> Sequence[Array]:
        """Run the model, and count how long it took if it succeeded."""
        started = time.perf_counter()
        arrays = self._model.run(feeds, fetches, timeout_s)
        self._latency.observe(time.perf_counter() - started, self._name, "Predict", "TF1")
        return arrays

    def close(self) -> None:
        """Close the model."""
        self._model.close()


def _pairs(names: Labels, values: Labels) -> str:
    return ",".join(f'{name}="{_escape(value)}"' for name, value in zip(names, values, strict=True))


def _escape(value: str) -> str:
    return value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
