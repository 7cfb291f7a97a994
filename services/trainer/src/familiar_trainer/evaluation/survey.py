"""What is lost before anybody is asked about: pictures without a face, and faces that the quality gate refuses."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from familiar.seeing import QualityLimits
from familiar_trainer.evaluation.sight import Sights


@dataclass(frozen=True)
class Losses:
    """Shares of the pictures; ``reasons`` counts the first reason of each refusal, None where there is no gate."""

    pipeline: str
    pictures: int
    no_face: float
    several: float
    refused: float
    reasons: dict[str, int] | None


def losses(sights: Sights, limits: QualityLimits) -> Losses:
    """Count over all pictures that the pipeline has looked at."""
    judged = [quality.reasons(limits) for quality in sights.quality if quality is not None]
    reasons = Counter(str(found[0]) for found in judged if found)
    faces = sights.faces[sights.faces >= 0]
    return Losses(
        sights.pipeline,
        len(faces),
        float((faces == 0).mean()),
        float((faces > 1).mean()),
        sum(reasons.values()) / len(faces),
        dict(reasons.most_common()) if judged else None,
    )
