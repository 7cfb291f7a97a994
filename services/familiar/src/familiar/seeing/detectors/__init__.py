"""Adapters of face detectors to ``familiar.seeing.Detector``."""

from familiar.seeing.detection import Detector
from familiar.seeing.detectors.searching import SEARCH_PIXELS
from familiar.seeing.detectors.yunet import OpenCvYuNet, YuNet


def create(name: str, search_pixels: int = SEARCH_PIXELS) -> Detector:
    """Return the detector named by the setting ``DETECTOR``: ``yunet``, or the path of a YuNet ONNX file.

    Args:
        name: which one.
        search_pixels: how many pixels of a frame are searched at most; a larger frame is scaled down for the search.

    Raises:
        MisconfiguredError: the file is missing, or no such model.
    """
    return YuNet(search_pixels) if name == "yunet" else OpenCvYuNet(name, search_pixels)
