"""What can go wrong between a trained model and a published version."""

import contextlib
from collections.abc import Iterator

from familiar.errors import TrainingFailed


class ExportFailed(TrainingFailed):
    """A model could not be written as a version."""

    code = "export_failed"


class VersionExists(ExportFailed):
    """The version is already published; versions are never rewritten."""

    code = "version_exists"


class GateFailed(ExportFailed):
    """A written version did not prove itself and must not be published; the message says what it did wrong."""

    code = "gate_failed"


class DoesNotLoad(GateFailed):
    """What is written is no model that can be loaded."""


@contextlib.contextmanager
def exporting() -> Iterator[None]:
    """Tell a head that cannot be written from a disk that would not take it.

    Raises:
        GateFailed: the head is refused, or cannot be written.
        OSError: the disk would not take it.
    """
    try:
        yield
    except GateFailed:
        raise
    except ExportFailed as exc:
        if isinstance(exc.__cause__, (ValueError, TypeError)):
            raise GateFailed(exc.message) from exc
        raise OSError(exc.message) from exc
