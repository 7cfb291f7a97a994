"""Seeing: from the bytes of a picture to faces cut out and judged; it knows pixels and no person."""

from familiar.seeing import detectors
from familiar.seeing.alignment import CROP_PX, align, resize
from familiar.seeing.decoding import Decoder, SlowLane
from familiar.seeing.detection import Box, Detector
from familiar.seeing.formats.foreign import STILL_HEAD_BYTES, is_still
from familiar.seeing.image import Frame, decode, encode_jpeg
from familiar.seeing.observation import Choice, Observation, Observations, Observer
from familiar.seeing.orientation import orientation
from familiar.seeing.outline import ImageLimits
from familiar.seeing.quality import ENROLMENT, Quality, QualityLimits
from familiar.seeing.weight import weigh

__all__ = [
    "CROP_PX",
    "ENROLMENT",
    "STILL_HEAD_BYTES",
    "Box",
    "Choice",
    "Decoder",
    "Detector",
    "Frame",
    "ImageLimits",
    "Observation",
    "Observations",
    "Observer",
    "Quality",
    "QualityLimits",
    "SlowLane",
    "align",
    "decode",
    "detectors",
    "encode_jpeg",
    "is_still",
    "orientation",
    "resize",
    "weigh",
]
