"""The one error of the model server: a canonical status code and a message for the client."""

from __future__ import annotations

from familiar.wire import serving_pb2 as pb


class ServerError(Exception):
    """A request or a load failed; transports turn it into their own status."""

    def __init__(self, code: pb.Code, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message

    def __str__(self) -> str:
        return f"{pb.Code.Name(self.code)}: {self.message}"
