"""Reason: why a face or a frame was refused, in a word."""

from enum import StrEnum


class Reason(StrEnum):
    """Why a face or a frame was refused; the words are part of the API."""

    TOO_SMALL = "too_small"
    BLURRED = "blurred"
    TOO_DARK = "too_dark"
    TOO_BRIGHT = "too_bright"
    TURNED_AWAY = "turned_away"
    CUT_OFF = "cut_off"
    NO_FACE = "no_face"
    SEVERAL_FACES = "several_faces"
    NEAR_COPY = "near_copy"
    NOT_ALIKE = "not_alike"
