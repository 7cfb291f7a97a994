"""Training: why a head is made, and how far that is."""

from enum import StrEnum


class Stage(StrEnum):
    """How far a training is; an enrolment that takes part shows the same word."""

    QUEUED = "queued"
    TRAINING = "training"
    EVALUATING = "evaluating"
    LOADING = "loading"
    LIVE = "live"
    REJECTED = "rejected"
    FAILED = "failed"

    @property
    def ended(self) -> bool:
        """Whether nothing more will happen."""
        return self in (Stage.LIVE, Stage.REJECTED, Stage.FAILED)

    @property
    def progress(self) -> float:
        """Share of the way from the queue to being recognised, 0 to 1, for progress bars."""
        return _PROGRESS[self]


_PROGRESS = {
    Stage.QUEUED: 0.0,
    Stage.TRAINING: 0.2,
    Stage.EVALUATING: 0.5,
    Stage.LOADING: 0.7,
    Stage.LIVE: 1.0,
    Stage.REJECTED: 1.0,
    Stage.FAILED: 1.0,
}


class TrainingKind(StrEnum):
    """Why a head is made."""

    LEARN = "learn"
    """From the samples of everybody enrolled."""
    ROLLBACK = "rollback"
    """From the weights of an earlier version."""
