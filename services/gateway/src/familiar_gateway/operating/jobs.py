"""Jobs: the trainings asked for, under way and done."""

from typing import Protocol

from flask import Blueprint, request

from familiar.errors import QueueUnavailable
from familiar.records import Database, check_id, trainings
from familiar.scope import Scope
from familiar_gateway.operating import representations
from familiar_gateway.operating.ports import Queue
from familiar_gateway.web import Json, asks_for, payload, services


class _Needs(Protocol):
    """Of the collaborators of the application."""

    database: Database
    queue: Queue


blueprint = Blueprint("jobs", __name__, url_prefix="/v1/jobs")


@blueprint.get("")
@asks_for(Scope.OPERATE)
def list_all() -> Json:
    """List the last jobs, the newest first, and how full the queue is (null while Redis is away)."""
    query = payload.read_query(request, {"limit": (100, 1, 1000)})
    with services(_Needs).database.read() as session:
        rows = [representations.job(each) for each in trainings.recent(session, query["limit"])]
    return {"jobs": rows, "queue": _queue()}


@blueprint.get("/<job_id>")
@asks_for(Scope.OPERATE, Scope.PEOPLE)  # whose deletion it may be
def show(job_id: str) -> Json:
    """Show one job."""
    payload.read_query(request, {})
    check_id(job_id, "job")
    with services(_Needs).database.read() as session:
        return representations.job(trainings.get(session, job_id))


def _queue() -> Json | None:
    try:
        state = services(_Needs).queue.state()
    except QueueUnavailable:
        return None
    return {"waiting": state.waiting, "running": state.running, "failed": state.failed}
