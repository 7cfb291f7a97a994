"""Health: alive, ready, measured."""

from dataclasses import asdict
from typing import Protocol

from flask import Blueprint, Response
from prometheus_client import CONTENT_TYPE_LATEST

from familiar.scope import Scope
from familiar_gateway.operating.metrics import Metrics
from familiar_gateway.operating.readiness import Readiness
from familiar_gateway.web import RETRY_AFTER_S, Json, asks_for, services


class _Needs(Protocol):
    """Of the collaborators of the application."""

    readiness: Readiness
    metrics: Metrics


blueprint = Blueprint("health", __name__)


@blueprint.get("/healthz")
@asks_for()
def alive() -> Json:
    """Say that this process answers; it asks nobody else."""
    return {"status": "ok"}


@blueprint.get("/readyz")
@asks_for()
def ready() -> tuple[Json, int, dict[str, str]]:
    """Say whether every part is there, and which is not."""
    parts = services(_Needs).readiness.parts()
    all_there = all(part.ok for part in parts)
    headers = {} if all_there else {"Retry-After": str(RETRY_AFTER_S)}
    return {"ready": all_there, "parts": [asdict(part) for part in parts]}, 200 if all_there else 503, headers


@blueprint.get("/metrics")
@asks_for(Scope.OPERATE)
def metrics() -> Response:
    """Give the metrics in Prometheus' text format."""
    return Response(services(_Needs).metrics.render(), content_type=CONTENT_TYPE_LATEST)
