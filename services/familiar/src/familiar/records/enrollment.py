"""Enrolment: the states a capture goes through, from the first frame to being recognised."""

from enum import StrEnum

from familiar.records.training import Stage


class EnrollmentStatus(StrEnum):
    """Where an enrolment stands.

    ``open -> capturing -> queued -> training -> evaluating -> loading -> live``, or ``failed``. Only some are stored
    with the enrolment; from ``queued`` on the words are those of the training it takes part in.
    """

    OPEN = "open"
    CAPTURING = "capturing"
    QUEUED = "queued"
    TRAINING = "training"
    EVALUATING = "evaluating"
    LOADING = "loading"
    LIVE = "live"
    FAILED = "failed"

    @property
    def takes_frames(self) -> bool:
        """Whether frames may still be added."""
        return self in (EnrollmentStatus.OPEN, EnrollmentStatus.CAPTURING)

    @property
    def ended(self) -> bool:
        """Whether nothing more will happen."""
        return self in (EnrollmentStatus.LIVE, EnrollmentStatus.FAILED)


class IfKnown(StrEnum):
    """What to do when the face being enrolled is somebody already known."""

    ASK = "ask"
    """Stop and say who it is; the default."""
    ADD = "add"
    """The same person: add the samples to the one already known."""
    NEW = "new"
    """Another person who looks alike: enrol under a new id all the same."""


class IfNotAlike(StrEnum):
    """What to do with pictures that do not show the same person as the others."""

    ASK = "ask"
    """Stop and say which; the default."""
    TAKE = "take"
    """Take them nevertheless."""
    LEAVE_OUT = "leave_out"
    """Enrol without them; nothing of them is kept."""


def status_of(stored: EnrollmentStatus, stage: Stage | None) -> EnrollmentStatus:
    """Return the status to show: the stored one, or that of the training while it is under way."""
    if stored is EnrollmentStatus.QUEUED and stage is not None and not stage.ended:
        return EnrollmentStatus(stage.value)
    return stored
