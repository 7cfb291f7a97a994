"""Enrolling: from the first frame of somebody to a capture that the trainer can learn from."""

from familiar_gateway.enrolling.at_once import enroll_seen
from familiar_gateway.enrolling.capture import Capturer
from familiar_gateway.enrolling.frames import SeenFace
from familiar_gateway.enrolling.routes import blueprint
from familiar_gateway.enrolling.teaching import teach

__all__ = [
    "Capturer",
    "SeenFace",
    "blueprint",
    "enroll_seen",
    "teach",
]
