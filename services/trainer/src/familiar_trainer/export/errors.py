"""What can go wrong between a trained model and a published version."""

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
