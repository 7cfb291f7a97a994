"""What keeps the embedded run from starting; each text is a sentence for the person at the terminal."""


class EmbeddedError(Exception):
    """Base of all; ends the run with ``exit_status``."""

    exit_status = 2


class AlreadyRunning(EmbeddedError):
    """Another run uses the same state folder."""

    exit_status = 3


class PortTaken(EmbeddedError):
    """Another program listens where one of our parts should."""


class StepFailed(EmbeddedError):
    """A step that must come before the services did not succeed."""

    exit_status = 1


class NotReady(EmbeddedError):
    """The system did not become ready in time."""

    exit_status = 1
