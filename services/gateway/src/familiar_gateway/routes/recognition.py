"""Recognition: ``POST /v1/recognize``."""

from flask import Blueprint, g, request

from familiar_gateway import burst, pictures, representations
from familiar_gateway.representations import Json
from familiar_gateway.routes import services

blueprint = Blueprint("recognition", __name__)


@blueprint.post("/v1/recognize")
def recognize() -> Json:
    """Say who is on a picture, or on a burst of them."""
    its = services()
    sent = pictures.read_burst(request, its.settings.max_image_bytes, burst.MOST_FRAMES)
    if len(sent) == 1:
        answer = its.recognizer.recognize(sent[0])
        shown = representations.recognition(answer)
    else:
        together = burst.recognize(its.recognizer, sent)
        answer, shown = together.recognition, representations.burst(together)
    its.metrics.count_recognition([face.decision.status.value for face in answer.faces], answer.timings_ms)
    return {"request_id": g.request_id, **shown}
