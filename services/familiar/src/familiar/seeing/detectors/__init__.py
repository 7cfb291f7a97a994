"""Adapters of face detectors to ``familiar.seeing.Detector``."""

from familiar.seeing.detection import Detector
from familiar.seeing.detectors.yunet import OpenCvYuNet, YuFace


def create(name: str) -> Detector:
    """Return the detector named by the setting ``DETECTOR``: ``yuface``, or the path of a YuNet ONNX file.

    Raises:
        MisconfiguredError: the package or the file is missing.
    """
    return YuFace() if name == "yuface" else OpenCvYuNet(name)
