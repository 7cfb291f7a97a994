"""What the API shows of a recognition, as JSON values."""

from collections.abc import Mapping
from typing import Any

from numpy.typing import NDArray

from familiar.seeing import Box
from familiar_gateway.recognizing.burst import Burst
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
        "timings_ms": {name: round(value, 2) for name, value in answer.timings_ms.items()},
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
    seen, made = recognized.observation, recognized.decision
    return {
        "box": box(seen.face.box),
        "landmarks": landmarks(seen.face.landmarks),
        "status": made.status.value,
        "person": None if made.person_id is None else reference(made.person_id, names),
        "score": None if made.score is None else round(made.score, 4),
        "candidates": [
            {"person": reference(each.person_id, names), "score": round(each.score, 4)} for each in made.candidates
        ],
        "quality": seen.quality.to_dict(),
        "reasons": [reason.value for reason in seen.reasons],
    }


def box(place: Box) -> Json:
    """Show a rectangle in pixels."""
    return {name: round(getattr(place, name), 1) for name in ("x_min", "y_min", "x_max", "y_max")}


def landmarks(points: NDArray[Any]) -> Json:
    """Show the five points float32[5, 2] by their names; right and left are the person's own."""
    rounded = ({"x": round(float(x), 1), "y": round(float(y), 1)} for x, y in points)
    return dict(zip(_LANDMARKS, rounded, strict=True))
