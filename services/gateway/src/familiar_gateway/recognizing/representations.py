"""What the API shows of a recognition, as JSON values."""

from collections.abc import Mapping
from typing import Any

from numpy.typing import NDArray

from familiar.seeing import Box, Observation, Observations
from familiar_gateway.recognizing.burst import Burst
from familiar_gateway.recognizing.comparison import Comparison
from familiar_gateway.recognizing.recognition import Recognition, RecognizedFace
from familiar_gateway.web import Json, reference

_LANDMARKS = ("right_eye", "left_eye", "nose", "mouth_right", "mouth_left")


def recognition(answer: Recognition) -> Json:
    """Show who is on a picture."""
    return {
        "head_version": answer.head_version,
        "backbone_version": answer.backbone_version,
        "threshold": round(answer.threshold, 4),
        "faces": [face(each, answer.names) for each in answer.faces],
        "faces_found": answer.faces_found,
        "timings_ms": _rounded(answer.timings_ms),
    }


def burst(answer: Burst) -> Json:
    """Show who is on several frames: as for one picture, and what each frame says by itself."""
    return {
        **recognition(answer.recognition),
        "best_frame": answer.best,
        "frames": [
            {
                "index": index,
                "status": each.decision.status.value,
                "score": None if each.decision.score is None else round(each.decision.score, 4),
                "reasons": [reason.value for reason in each.reasons],
            }
            for index, each in enumerate(answer.frames)
        ],
    }


def face(recognized: RecognizedFace, names: Mapping[str, str]) -> Json:
    """Show one face; a rejected one has neither a person nor candidates."""
    looks, made = seen(recognized.observation), recognized.decision
    return {
        "box": looks["box"],
        "landmarks": looks["landmarks"],
        "status": made.status.value,
        "person": None if made.person_id is None else reference(made.person_id, names),
        "score": None if made.score is None else round(made.score, 4),
        "candidates": [
            {"person": reference(each.person_id, names), "score": round(each.score, 4)} for each in made.candidates
        ],
        "quality": looks["quality"],
        "reasons": looks["reasons"],
    }


def detection(faces: Observations, timings_ms: Mapping[str, float]) -> Json:
    """Show the faces of a picture without saying whose they are."""
    return {"faces": [seen(each) for each in faces], "faces_found": faces.found, "timings_ms": _rounded(timings_ms)}


def comparison(made: Comparison, far_target: float) -> Json:
    """Show whether two faces are of one person; ``same`` is null if that cannot be told."""
    match = made.matches[0] if made.matches else None
    told = None if match is None else match.likeness
    faces = (made.face, None if match is None else match.face)
    return {
        "same": None if told is None else told.same,
        "score": None if told is None else round(told.score, 4),
        "threshold": None if told is None else round(told.threshold, 4),
        "false_accepts": {"target": far_target, "at_score": None if told is None else float(f"{told.expected:.2g}")},
        "backbone_version": made.backbone_version,
        "faces": [None if each is None else seen(each) for each in faces],
        "timings_ms": _rounded(made.timings_ms),
    }


def seen(observation: Observation) -> Json:
    """Show where a face is, how good it is, and why it is too bad to ask about."""
    return {
        "box": box(observation.face.box),
        "landmarks": landmarks(observation.face.landmarks),
        "quality": observation.quality.to_dict(),
        "reasons": [reason.value for reason in observation.reasons],
    }


def _rounded(timings_ms: Mapping[str, float]) -> Json:
    return {name: round(value, 2) for name, value in timings_ms.items()}


def box(place: Box) -> Json:
    """Show a rectangle in pixels."""
    return {name: round(getattr(place, name), 1) for name in ("x_min", "y_min", "x_max", "y_max")}


def landmarks(points: NDArray[Any]) -> Json:
    """Show the five points float32[5, 2] by their names; right and left are the person's own."""
    rounded = ({"x": round(float(x), 1), "y": round(float(y), 1)} for x, y in points)
    return dict(zip(_LANDMARKS, rounded, strict=True))
