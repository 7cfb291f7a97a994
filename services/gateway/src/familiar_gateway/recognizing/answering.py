"""Answering: who is on the pictures of a request, whatever route takes it; told to whoever remembers, and counted."""

import time
from collections.abc import Sequence
from typing import Protocol

from flask import g

from familiar_gateway.operating import Metrics
from familiar_gateway.recognizing import burst
from familiar_gateway.recognizing.burst import Burst
from familiar_gateway.recognizing.recognition import Recognition, Recognizer
from familiar_gateway.recognizing.witness import Look, Occasion, Witness
from familiar_gateway.web import camera, services


class _Needs(Protocol):
    """Of the collaborators of the application."""

    recognizer: Recognizer
    metrics: Metrics
    witness: Witness


def occasion(named: str | None = None, captured_at: float | None = None) -> Occasion:
    """Return where and when the pictures of this request were taken, as far as it says: by itself, just now.

    Raises:
        Forbidden: the key is bound to another camera than the one that is ``named``.
    """
    g.camera = camera(named)  # for the log
    return Occasion(g.request_id, g.camera, time.time() if captured_at is None else captured_at)


def recognize(picture: bytes, when: Occasion) -> Recognition:
    """Return who is on a picture; raises as ``Recognizer.recognize`` does."""
    answer = services(_Needs).recognizer.recognize(picture)
    _tell(answer, [Look(place, face) for place, face in enumerate(answer.faces) if face.embedding is not None], when)
    return answer


def recognize_burst(pictures: Sequence[bytes], when: Occasion) -> Burst:
    """Return who is on all ``pictures``; raises as ``burst.recognize`` does."""
    together = burst.recognize(services(_Needs).recognizer, pictures)
    _tell(together.recognition, [Look(0, look) for look in together.looks], when)
    return together


def _tell(answer: Recognition, looks: Sequence[Look], when: Occasion) -> None:
    its = services(_Needs)
    its.witness.note(when, looks, answer.head_version, answer.backbone_version)
    its.metrics.count_recognition(
        [face.decision.status.value for face in answer.faces],
        [face.observation.reasons[0].value for face in answer.faces if face.observation.reasons],
        answer.timings_ms,
    )
