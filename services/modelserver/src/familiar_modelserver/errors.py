"""The one error of the model server: a canonical status code and a message for the client."""

from __future__ import annotations

from familiar.wire import serving_pb2 as pb


class ServerError(Exception):
    """A request or a load failed; transports turn it into their own status.

    The message may have bytes that are no text, as Python carries them (``surrogateescape``): what was found in a file.
    """

    def __init__(self, code: pb.Code, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message

    @property
    def raw(self) -> bytes:
        """The message byte by byte, as TensorFlow Serving sends it."""
        return self.message.encode("utf-8", errors="surrogateescape")

    @property
    def text(self) -> str:
        """The message as text, where nothing else can be sent."""
        return self.raw.decode("utf-8", errors="replace")

    def __str__(self) -> str:
        return f"{pb.Code.Name(self.code)}: {self.message}"
