"""Photo job: the stages that the sorting of a folder of photos goes through, and what may be written beside them."""

from enum import StrEnum


class PhotoStage(StrEnum):
    """Where a photo job stands: ``receiving -> queued -> sorting -> done``, ``paused`` in between, or ``failed``."""

    RECEIVING = "receiving"
    """Pictures are being sent; each is looked at as it comes."""
    QUEUED = "queued"
    SORTING = "sorting"
    PAUSED = "paused"
    DONE = "done"
    FAILED = "failed"

    @property
    def is_open(self) -> bool:
        """Whether somebody has to work on it."""
        return self in (PhotoStage.QUEUED, PhotoStage.SORTING)

    @property
    def may_go_on(self) -> bool:
        """Whether it can be asked to go on, or to look for what has come since."""
        return self in (PhotoStage.RECEIVING, PhotoStage.PAUSED, PhotoStage.DONE, PhotoStage.FAILED)


class Written(StrEnum):
    """What can be written beside the pictures."""

    LINKS = "links"
    SIDECARS = "sidecars"
    CSV = "csv"
