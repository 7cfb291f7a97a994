"""Adapters of face detectors to ``familiar.seeing.Detector``."""

from familiar.seeing.detection import Detector
from familiar.seeing.detectors.yunet import OpenCvYuNet, YuNet


def create(name: str) -> Detector:
    """Return the detector named by the setting ``DETECTOR``: ``yunet``, or the path of a YuNet ONNX file.

    Raises:
        MisconfiguredError: the file is missing, or no such model.
    """
    return YuNet() if name == "yunet" else OpenCvYuNet(name)
