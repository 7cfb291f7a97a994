"""Recognizing: from a picture, or several, to who is on it."""

from familiar_gateway.recognizing.recognition import Recognizer
from familiar_gateway.recognizing.routes import blueprint

__all__ = [
    "Recognizer",
    "blueprint",
]
