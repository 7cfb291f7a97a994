"""Recognition: ``POST /v1/recognize``."""

from flask import Blueprint, g, request

from familiar_gateway import pictures, representations
from familiar_gateway.representations import Json
from familiar_gateway.routes import services

blueprint = Blueprint("recognition", __name__)


@blueprint.post("/v1/recognize")
def recognize() -> Json:
    """Say who is on a picture."""
    its = services()
    answer = its.recognizer.recognize(pictures.read_one(request, its.settings.max_image_bytes))
    its.metrics.count_recognition([face.decision.status.value for face in answer.faces], answer.timings_ms)
    return {"request_id": g.request_id, **representations.recognition(answer)}
