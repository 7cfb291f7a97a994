"""Jobs: the trainings asked for, under way and done, and trying again one that failed."""

from typing import Protocol

from flask import Blueprint, request, url_for
from sqlalchemy.orm import Session

from familiar.errors import QueueUnavailable
from familiar.records import Action, Database, Training, TrainingKind, audit, check_id, retries, trainings
from familiar.scope import Scope
from familiar_gateway.operating import models, representations
from familiar_gateway.operating.inbox import Inbox
from familiar_gateway.operating.ports import Queue, Serving
from familiar_gateway.web import Json, asks_for, caller, payload, services


class _Needs(Protocol):
    """Of the collaborators of the application."""

    database: Database
    queue: Queue
    inbox: Inbox
    serving: Serving


blueprint = Blueprint("jobs", __name__, url_prefix="/v1/jobs")


@blueprint.get("")
@asks_for(Scope.OPERATE)
def list_all() -> Json:
    """List the last jobs, the newest first, and how full the queue is (null while Redis is away)."""
    query = payload.read_query(request, {"limit": (100, 1, 1000)})
    with services(_Needs).database.read() as session:
        found = trainings.recent(session, query["limit"])
        again = retries.worthwhile(session, found)
        rows = [representations.job(each, can_retry=each.id in again) for each in found]
    return {"jobs": rows, "queue": _queue()}


@blueprint.get("/<job_id>")
@asks_for(Scope.OPERATE, Scope.PEOPLE)  # whose deletion it may be
def show(job_id: str) -> Json:
    """Show one job."""
    payload.read_query(request, {})
    check_id(job_id, "job")
    with services(_Needs).database.read() as session:
        training = trainings.get(session, job_id)
        return representations.job(training, can_retry=bool(retries.worthwhile(session, [training])))


@blueprint.post("/<job_id>/retry")
@asks_for(Scope.OPERATE)
def retry(job_id: str) -> tuple[Json, int, dict[str, str]]:
    """Ask for what a failed job should have done, as a new job that the enrolments wait for which failed with it."""
    its = services(_Needs)
    check_id(job_id, "job")
    payload.read_optional_object(request, {})
    with its.database.read() as session:
        returns = trainings.get(session, job_id).kind == TrainingKind.ROLLBACK
    backbones = models.served_backbones(its.serving) if returns else set()

    def ask(session: Session) -> Json:
        asked = _ask_back(session, job_id, backbones) if returns else retries.ask(session, job_id)
        audit.note(session, caller(), Action.TRAINING_RETRIED, job_id)
        return representations.job(asked)

    shown = its.database.retry(ask)
    its.inbox.put(shown["id"])
    return {"job": shown}, 202, {"Location": url_for("jobs.show", job_id=shown["id"])}


def _ask_back(session: Session, job_id: str, backbones: set[int]) -> Training:
    """Return a training that does what a failed rollback should have done, by the rules for any rollback."""
    version = retries.take(session, job_id).source_version
    assert version is not None
    return models.ask_back(session, version, backbones)


def _queue() -> Json | None:
    try:
        state = services(_Needs).queue.state()
    except QueueUnavailable:
        return None
    return {"waiting": state.waiting, "running": state.running, "failed": state.failed}
