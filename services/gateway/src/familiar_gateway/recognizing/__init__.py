"""Recognizing: from a picture, or several, to who is on it."""

from familiar_gateway.recognizing import answering, comparison
from familiar_gateway.recognizing.recognition import Recognizer
from familiar_gateway.recognizing.representations import face as show_face
from familiar_gateway.recognizing.routes import blueprint
from familiar_gateway.recognizing.witness import Look, Occasion, Witness

__all__ = [
    "Look",
    "Occasion",
    "Recognizer",
    "Witness",
    "answering",
    "blueprint",
    "comparison",
    "show_face",
]
