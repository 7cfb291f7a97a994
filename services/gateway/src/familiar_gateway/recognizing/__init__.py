"""Recognizing: from a picture, or several, to who is on it."""

from familiar_gateway.recognizing import comparison
from familiar_gateway.recognizing.recognition import Recognition, Recognizer, count
from familiar_gateway.recognizing.representations import face as show_face
from familiar_gateway.recognizing.routes import blueprint
from familiar_gateway.recognizing.witness import Look, Occasion, Witness

__all__ = [
    "Look",
    "Occasion",
    "Recognition",
    "Recognizer",
    "Witness",
    "blueprint",
    "comparison",
    "count",
    "show_face",
]
