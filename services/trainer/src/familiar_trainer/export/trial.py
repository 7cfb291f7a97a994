"""The trainer's handle on the process that tries out exports."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from familiar.wire import decode, encode
from familiar.wire import serving_pb2 as pb
from familiar_trainer.export.channel import Channel, ChannelClosed
from familiar_trainer.export.errors import DoesNotLoad, GateFailed
from familiar_trainer.export.servable import Array

_STDERR_TAIL_BYTES = 4096
INVALID_ARGUMENT = 3


class TrialLost(GateFailed):
    """The child died or did not answer in time; it is of no more use."""


@dataclass(frozen=True)
class Refusal:
    """What an export answered instead of outputs: a canonical status code, None if it was no status, and a text."""

    code: int | None
    message: str


@dataclass(frozen=True)
class Contents:
    """What the loader found: signatures (name -> inputs/outputs -> name -> dtype, shape) and operation names."""

    signatures: Mapping[str, Any]
    operations: frozenset[str]


class TrialProcess:
    """One child with TensorFlow imported; every order ends in an answer or, by its deadline, in TrialLost."""

    def __init__(self) -> None:
        """Start the child and return at once; it imports TensorFlow on its own time."""
        ours, theirs = socket.socketpair()
        self._channel = Channel(ours)
        self._stderr: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115  closed by kill()
        self._ready = False
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "familiar_trainer.export.gate_process", str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=self._stderr,
                stderr=self._stderr,
            )
        except BaseException:
            ours.close()
            self._stderr.close()
            raise
        finally:
            theirs.close()

    @property
    def pid(self) -> int:
        """Process id of the child."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether the child still runs."""
        return self._process.poll() is None

    def wait_ready(self, deadline: float) -> None:
        """Wait until the child has imported TensorFlow."""
        if not self._ready:
            self._answer("starting", deadline)
            self._ready = True

    def load(self, folder: Path, deadline: float) -> Contents:
        """Load a version; GateFailed if it does not load."""
        header, _ = self._order({"order": "load", "folder": str(folder)}, b"", "loading", deadline)
        if "error" in header:
            raise DoesNotLoad(f"the export does not load: {header['error']}")
        return Contents(header["signatures"], frozenset(header["operations"]))

    def run(self, request: pb.PredictRequest, doing: str, deadline: float) -> dict[str, Array] | Refusal:
        """Answer ``request`` (only signature and inputs matter) with the loaded version."""
        header, body = self._order({"order": "run"}, request.SerializeToString(), doing, deadline)
        if "error" in header:
            return Refusal(header["code"], header["error"])
        response = pb.PredictResponse.FromString(body)
        return {name: decode(tensor) for name, tensor in response.outputs.items()}

    def unload(self, deadline: float) -> None:
        """Free the loaded version."""
        self._order({"order": "unload"}, b"", "unloading", deadline)

    def kill(self) -> None:
        """End the child, at once and whatever it does."""
        self._channel.close()
        if self.alive:
            self._process.kill()
        self._process.wait()
        self._stderr.close()

    def _order(self, header: dict[str, Any], body: bytes, doing: str, deadline: float) -> tuple[dict[str, Any], bytes]:
        try:
            self._channel.send(header, body, timeout_s=_left_s(deadline))
        except (ChannelClosed, TimeoutError) as error:
            raise self._lost(doing, error) from error
        return self._answer(doing, deadline)

    def _answer(self, doing: str, deadline: float) -> tuple[dict[str, Any], bytes]:
        try:
            return self._channel.receive(timeout_s=_left_s(deadline))
        except (ChannelClosed, TimeoutError) as error:
            raise self._lost(doing, error) from error

    def _lost(self, doing: str, error: Exception) -> TrialLost:
        if isinstance(error, TimeoutError):
            return TrialLost(f"the export did not answer in time while {doing}")
        try:
            status = self._process.wait(timeout=1.0)
        except subprocess.TimeoutExpired:
            return TrialLost(f"the process that tries the export broke off while {doing}")
        ended = signal.Signals(-status).name if status < 0 else f"exit code {status}"
        return TrialLost(f"the process that tries the export died ({ended}) while {doing}{self._last_words()}")

    def _last_words(self) -> str:
        size = self._stderr.seek(0, 2)
        self._stderr.seek(max(0, size - _STDERR_TAIL_BYTES))
        lines = self._stderr.read().decode(errors="replace").strip().splitlines()
        return f": {lines[-1]}" if lines else ""


def request(signature_name: str, inputs: Mapping[str, Array]) -> pb.PredictRequest:
    """Build a request with these inputs."""
    message = pb.PredictRequest(model_spec=pb.ModelSpec(signature_name=signature_name))
    for name, array in inputs.items():
        message.inputs[name].CopyFrom(encode(array))
    return message


def _left_s(deadline: float) -> float:
    # Zero would mean "do not wait" to a socket; an instant is enough to notice that the time is up.
    return max(deadline - time.monotonic(), 0.001)
