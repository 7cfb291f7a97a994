"""Operating: whether all parts are there, what they cost, which models answer, and what the trainer is asked for."""

from familiar_gateway.operating import errors, health, jobs, models, site, system
from familiar_gateway.operating.inbox import Inbox
from familiar_gateway.operating.metrics import Metrics
from familiar_gateway.operating.ports import Queue, Serving
from familiar_gateway.operating.readiness import Readiness
from familiar_gateway.operating.representations import job, report

__all__ = [
    "Inbox",
    "Metrics",
    "Queue",
    "Readiness",
    "Serving",
    "errors",
    "health",
    "job",
    "jobs",
    "models",
    "report",
    "site",
    "system",
]
