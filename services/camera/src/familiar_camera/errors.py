"""What can end the camera client, and the exit status it then ends with.

CameraError
├── SourceError      the camera, video, folder or picture cannot be used (2)
├── KeyUnusable      the key cannot be read, or cannot be one (2)
├── NeedsAnswer      the server asks something, and nobody is there to answer (3)
├── ServerAway       the server could not be reached, or was busy, for longer than we wait (4)
├── WrongServer      something answers at the address, but not Familiar (4)
├── Refused          the server refused the request; carries its code and details (1)
├── EnrollmentFailed the enrolment came to nothing; the sentence says why (1)
└── SortingFailed    photos could not be sorted, or their results not be unpacked (1)
"""

from typing import Any


class CameraError(Exception):
    """Base of all; its text is one sentence for the person at the terminal."""

    exit_status = 1


class SourceError(CameraError):
    """The camera, video, folder or picture cannot be used."""

    exit_status = 2


class KeyUnusable(CameraError):
    """The key cannot be read, or cannot be one."""

    exit_status = 2


class NeedsAnswer(CameraError):
    """The server asks something that only a person can decide, and nobody is there."""

    exit_status = 3


class ServerAway(CameraError):
    """The server could not be reached, or was busy, for longer than we wait."""

    exit_status = 4


class WrongServer(CameraError):
    """Something answers at the address, but it is not Familiar; or the address cannot be one."""

    exit_status = 4


class Refused(CameraError):
    """The server refused a request.

    Attributes:
        code: the server's stable word for it.
        details: its JSON values for a machine.
    """

    def __init__(self, status: int, code: str, message: str, details: dict[str, Any]) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.details = details


class EnrollmentFailed(CameraError):
    """The enrolment came to nothing; the sentence says why."""


class SortingFailed(CameraError):
    """Photos could not be sorted, or their results not be unpacked; the sentence says why."""
