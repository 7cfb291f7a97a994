"""The gate: no version is published that has not proved itself behind TensorFlow Serving's own loader."""

from __future__ import annotations

import contextlib
import itertools
import json
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Self

import numpy as np

from familiar.servable import DESCRIBE_SIGNATURE, LABELS, META_JSON, QUERY
from familiar.wire import read_warmup
from familiar_trainer.export.errors import GateFailed
from familiar_trainer.export.servable import Outputs, Port, Servable
from familiar_trainer.export.trial import INVALID_ARGUMENT, Contents, Refusal, TrialLost, TrialProcess, request

START_TIMEOUT_S = 120.0
"""How long a check waits for the child's import of TensorFlow, which is no fault of the export."""

# Run in Python, or keep state or weights outside the graph: a model server either lacks them or loses them.
_FORBIDDEN = ("PyFunc", "NumpyFunction", "NumPyFunction", "VarHandleOp", "VariableV2", "ReadVariableOp", "RestoreV2")
_FORBIDDEN_IO = ("ReadFile", "WriteFile", "SaveV2")
# What every SavedModel contains to restore and save variables, even where it has none.
_SAVER = frozenset({"RestoreV2", "SaveV2"})


class Gate:
    """Checks written versions in a child process that stands by with TensorFlow imported.

    A child that crashes or hangs fails the check it was at and is replaced; the caller's process never suffers.
    One check at a time; safe to call from several threads. Not to be used across a fork.
    """

    def __init__(self) -> None:
        """Start the standby child; its import of TensorFlow does not delay the caller."""
        self._lock = threading.Lock()
        self._closed = False
        self._trial: TrialProcess | None = TrialProcess()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    @property
    def child_pid(self) -> int | None:
        """Process id of the standby child, None after ``close``."""
        return None if self._trial is None else self._trial.pid

    def check(self, folder: Path, servable: Servable, *, timeout_s: float = 30.0) -> None:
        """Prove that ``folder`` holds ``servable``; GateFailed with the reason, by the deadline, if it does not."""
        with self._lock, self._standby() as trial:
            deadline = time.monotonic() + timeout_s
            _check_contents(trial.load(folder, deadline), servable)
            _check_warmup(trial, folder, servable, deadline)
            _check_probes(trial, servable, deadline)
            _check_describe(trial, servable, deadline)
            _check_malformed(trial, servable, deadline)
            trial.unload(deadline)

    def describe(self, folder: Path, *, timeout_s: float = 30.0) -> tuple[tuple[str, ...], str]:
        """Load ``folder`` and return its labels and metadata JSON; GateFailed if it does not answer."""
        with self._lock, self._standby() as trial:
            deadline = time.monotonic() + timeout_s
            trial.load(folder, deadline)
            outputs = _describe(trial, 1, deadline)
            trial.unload(deadline)
            return tuple(label.decode() for label in outputs[LABELS][0]), outputs[META_JSON][0].decode()

    def close(self) -> None:
        """End the child."""
        with self._lock:
            self._closed = True
            self._replace(None)

    @contextlib.contextmanager
    def _standby(self) -> Iterator[TrialProcess]:
        if self._closed:
            raise GateFailed("the gate is closed")
        if self._trial is None or not self._trial.alive:
            self._replace(TrialProcess())
        trial = self._trial
        assert trial is not None
        try:
            trial.wait_ready(time.monotonic() + START_TIMEOUT_S)
            yield trial
        except BaseException as error:
            # A wrong answer leaves a child that can be asked again; anything else leaves one that is dead, busy or in
            # the middle of a message, and its successor starts importing at once.
            if isinstance(error, TrialLost) or not isinstance(error, GateFailed):
                self._replace(TrialProcess())
            raise

    def _replace(self, successor: TrialProcess | None) -> None:
        previous, self._trial = self._trial, successor
        if previous is not None:
            previous.kill()


def _check_contents(contents: Contents, servable: Servable) -> None:
    describe_labels = Port(LABELS, "string", (None, len(servable.labels)))
    wanted = {
        **dict.fromkeys(servable.graphs, ((servable.takes,), servable.answers)),
        DESCRIBE_SIGNATURE: (
            (Port(QUERY, "string", (None,)),),
            (describe_labels, Port(META_JSON, "string", (None,))),
        ),
    }
    for name, (inputs, outputs) in wanted.items():
        found = contents.signatures.get(name)
        if found is None:
            raise GateFailed(f"the export has no signature {name!r}")
        _check_ports(f"the inputs of {name}", found["inputs"], inputs)
        _check_ports(f"the outputs of {name}", found["outputs"], outputs)
    for operation in sorted(contents.operations - _SAVER):
        if operation in _FORBIDDEN_IO or any(word in operation for word in _FORBIDDEN):
            raise GateFailed(f"the export uses the operation {operation}, which a model server must not run")


def _check_ports(what: str, found: Mapping[str, Any], wanted: tuple[Port, ...]) -> None:
    expected = {port.name: {"dtype": port.dtype, "shape": list(port.shape)} for port in wanted}
    if found != expected:
        raise GateFailed(f"{what} are {json.dumps(found)}, expected {json.dumps(expected)}")


def _check_warmup(trial: TrialProcess, folder: Path, servable: Servable, deadline: float) -> None:
    """Replay the records as a model server will before it makes the version available."""
    try:
        records = list(read_warmup(folder))
    except (OSError, ValueError) as error:
        raise GateFailed(f"the warm-up records cannot be read: {error}") from error
    names = [record.model_spec.signature_name for record in records]
    if names != [*(probe.signature for probe in servable.warmup), DESCRIBE_SIGNATURE]:
        raise GateFailed(f"the warm-up records are for {names}")
    for index, record in enumerate(records):
        answer = trial.run(record, f"replaying warm-up record {index}", deadline)
        if isinstance(answer, Refusal):
            raise GateFailed(f"warm-up record {index} fails: {answer.message}")
        problem = servable.warmup[index].judge(answer) if index < len(servable.warmup) else None
        if problem:
            raise GateFailed(f"warm-up record {index} is answered wrongly: {problem}")


def _check_probes(trial: TrialProcess, servable: Servable, deadline: float) -> None:
    for index, probe in enumerate(servable.probes):
        answer = trial.run(request(probe.signature, probe.inputs), f"answering probe {index}", deadline)
        problem = answer.message if isinstance(answer, Refusal) else probe.judge(answer)
        if problem:
            raise GateFailed(f"probe {index} is answered wrongly: {problem}")


def _check_describe(trial: TrialProcess, servable: Servable, deadline: float) -> None:
    for rows in (1, 3):
        outputs = _describe(trial, rows, deadline)
        labels = [label.encode() for label in servable.labels]
        if outputs[LABELS].tolist() != [labels] * rows:
            raise GateFailed("describe answers other labels than were exported")
        if outputs[META_JSON].tolist() != [servable.meta_json.encode()] * rows:
            raise GateFailed("describe answers other metadata than were exported")


def _describe(trial: TrialProcess, rows: int, deadline: float) -> Outputs:
    query = np.array([b""] * rows, dtype=object)
    answer = trial.run(request(DESCRIBE_SIGNATURE, {QUERY: query}), "describing itself", deadline)
    if isinstance(answer, Refusal):
        raise GateFailed(f"describe fails: {answer.message}")
    return answer


def _check_malformed(trial: TrialProcess, servable: Servable, deadline: float) -> None:
    for name, array in itertools.product(servable.graphs, servable.malformed):
        what = f"an input of shape {list(array.shape)}"
        answer = trial.run(request(name, {servable.takes.name: array}), f"refusing {what}", deadline)
        if not isinstance(answer, Refusal):
            raise GateFailed(f"{what} is answered instead of refused by {name}")
        if answer.code != INVALID_ARGUMENT:
            raise GateFailed(f"{what} is refused by {name} with {answer.message}, expected an InvalidArgumentError")
