"""Every error the system raises on purpose.

    FamiliarError
    ├── InvalidInput            what was sent cannot be used (400)
    │   ├── InvalidImage        not a picture, truncated, or of an unknown kind (400)
    │   └── TooLarge            more bytes, pixels, faces or frames than allowed (413)
    ├── NotFound                no such person, enrolment, sample, version or job (404)
    ├── Conflict                the state of the thing forbids it (409)
    │   ├── AlreadyKnown        the face belongs to somebody already enrolled (409)
    │   └── NotAlike            pictures of one enrolment do not show one person (409)
    ├── Unavailable             a part is away; trying again may work (503, retryable)
    │   ├── ServingUnavailable  TensorFlow Serving does not answer
    │   │   ├── ServingTimeout  ... within the deadline
    │   │   └── ModelNotFound   ... or has no ready version of the model
    │   ├── QueueUnavailable    Redis does not answer
    │   ├── DatabaseUnavailable the database does not answer
    │   └── Busy                too much is going on at once
    ├── ServingRejected         Serving refused what we sent: a defect of ours (500)
    ├── TrainingFailed          a head could not be trained, exported or loaded
    └── MisconfiguredError      a setting is missing or wrong; ends the process at start

Foreign exceptions are translated at the boundary that owns the protocol, with ``from exc``. ``code`` is the stable word
in the HTTP error body, one of ``familiar.codes``; ``details`` are JSON values for a machine.
"""

from typing import Any


class FamiliarError(Exception):
    """Base of all; catch it to catch what was foreseen and nothing else."""

    code = "internal"
    retryable = False

    def __init__(self, message: str, *, code: str | None = None, **details: Any) -> None:
        super().__init__(message)
        self.message = message
        self.details = details
        if code is not None:
            self.code = code


class InvalidInput(FamiliarError):
    """What was sent cannot be used; the message says what was wrong and what was received."""

    code = "invalid_input"


class InvalidImage(InvalidInput):
    """The bytes are not a picture we read, or are damaged."""

    code = "invalid_image"


class TooLarge(InvalidInput):
    """More bytes, pixels, faces or frames than the limits allow."""

    code = "too_large"


class NotFound(FamiliarError):
    """The thing named by an id does not exist (any more)."""

    code = "not_found"


class Conflict(FamiliarError):
    """The request is well formed, but the state of the thing forbids it."""

    code = "conflict"


class AlreadyKnown(Conflict):
    """The face that is being enrolled belongs to somebody already enrolled."""

    code = "already_known"


class NotAlike(Conflict):
    """Some pictures do not show the same person as the others, or as the one to whom they are to be added."""

    code = "not_alike"


class Unavailable(FamiliarError):
    """A part of the system is away; the same request may succeed later."""

    code = "unavailable"
    retryable = True


class ServingUnavailable(Unavailable):
    """TensorFlow Serving does not answer."""

    code = "serving_unavailable"


class ServingTimeout(ServingUnavailable):
    """TensorFlow Serving did not answer within the deadline."""

    code = "serving_timeout"


class ModelNotFound(ServingUnavailable):
    """TensorFlow Serving has no ready version of the model asked for."""

    code = "model_not_ready"


class QueueUnavailable(Unavailable):
    """Redis does not answer."""

    code = "queue_unavailable"


class DatabaseUnavailable(Unavailable):
    """The database does not answer.

    ``message`` is for whoever asked; as text the error also says, for whoever runs the system, which database that is
    (``where``), what it said itself (``remark``) and what can be done (``remedy``), as far as these details are given.
    """

    code = "database_unavailable"

    def __str__(self) -> str:
        where, remark, remedy = (str(self.details.get(name, "")) for name in ("where", "remark", "remedy"))
        said = self.message + (f": {where}" if where else "") + (f" ({remark})" if remark else "")
        return said + (f"; {remedy}" if remedy else "")


class Busy(Unavailable):
    """Too much is going on at once; a moment later there is room again."""

    code = "busy"


class ServingRejected(FamiliarError):
    """TensorFlow Serving refused a request of ours as malformed: a defect, not a condition to wait out."""

    code = "serving_rejected"


class TrainingFailed(FamiliarError):
    """A head could not be trained, exported, checked or loaded; the message is for a person to act on."""

    code = "training_failed"


class MisconfiguredError(FamiliarError):
    """A setting is missing or unusable; the message names the variable."""

    code = "misconfigured"
