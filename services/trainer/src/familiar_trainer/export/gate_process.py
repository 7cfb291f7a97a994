"""The process that tries out exports, so that an export that kills its server kills this process alone.

Started as ``python -m familiar_trainer.export.gate_process <fd>``; on that socket it obeys one order after the
other and decides nothing: ``load`` a folder, ``run`` a signature. It ends when the other side is closed.
"""

from __future__ import annotations

import contextlib
import signal
import socket
import sys
from pathlib import Path
from typing import Any

from familiar.wire import decode, encode
from familiar.wire import serving_pb2 as pb
from familiar_trainer.export.channel import Channel, ChannelClosed
from familiar_trainer.tf_runtime import Session, load_tensorflow

Reply = tuple[dict[str, Any], bytes]


class _Trial:
    """At most one loaded export."""

    def __init__(self) -> None:
        self._session: Session | None = None

    def load(self, folder: str) -> Reply:
        self.unload()
        self._session = Session(Path(folder))
        signatures = {
            name: {
                "inputs": {key: _port(info) for key, info in signature.inputs.items()},
                "outputs": {key: _port(info) for key, info in signature.outputs.items()},
            }
            for name, signature in self._session.signatures.items()
        }
        return {"signatures": signatures, "operations": sorted(self._session.operations)}, b""

    def run(self, body: bytes) -> Reply:
        if self._session is None:
            raise RuntimeError("nothing is loaded")
        request = pb.PredictRequest.FromString(body)
        inputs = {name: decode(tensor) for name, tensor in request.inputs.items()}
        outputs = self._session.run(request.model_spec.signature_name, inputs)
        response = pb.PredictResponse()
        for name, array in outputs.items():
            response.outputs[name].CopyFrom(encode(array))
        return {}, response.SerializeToString()

    def unload(self) -> None:
        if self._session is not None:
            self._session.close()
            self._session = None


def _port(info: Any) -> dict[str, Any]:
    tf = load_tensorflow()
    shape = info.tensor_shape
    return {
        # The initialisation that every SavedModel lists as a signature has an output of no type.
        "dtype": tf.dtypes.as_dtype(info.dtype).name if info.dtype else "none",
        "shape": None if shape.unknown_rank else [None if d.size < 0 else d.size for d in shape.dim],
    }


def _failure(error: Exception) -> Reply:
    tf = load_tensorflow()
    code = error.error_code if isinstance(error, tf.errors.OpError) else None
    return {"error": f"{type(error).__name__}: {error}", "code": code}, b""


def obey(channel: Channel) -> None:
    """Answer orders until the other side is closed."""
    load_tensorflow()
    channel.send({"ready": True})
    trial = _Trial()
    while True:
        header, body = channel.receive()
        try:
            match header["order"]:
                case "load":
                    reply = trial.load(header["folder"])
                case "run":
                    reply = trial.run(body)
                case "unload":
                    trial.unload()
                    reply = {}, b""
                case order:
                    raise ValueError(f"unknown order {order!r}")
        except Exception as error:  # whatever an export does wrong is an answer, not an end
            reply = _failure(error)
        channel.send(*reply)


def main() -> None:
    """Serve the socket whose file descriptor is the only argument."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the trainer's business; this one ends with it
    channel = Channel(socket.socket(fileno=int(sys.argv[1])))
    with contextlib.suppress(ChannelClosed):
        obey(channel)


if __name__ == "__main__":
    main()
