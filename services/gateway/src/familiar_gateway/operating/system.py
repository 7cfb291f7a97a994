"""The system as operators see it: its parts and what they are made of, who is at the queue, how much room there is."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Protocol, TypeVar

from flask import Blueprint, request

from familiar.errors import Unavailable
from familiar.queueing import WorkerState
from familiar.records import Database
from familiar.scope import Scope
from familiar.settings import Settings
from familiar.software import made_of
from familiar_gateway.operating import disks, representations
from familiar_gateway.operating.ports import Queue, Serving
from familiar_gateway.web import Json, asks_for, payload, services

_PATIENCE_S = 2.0
T = TypeVar("T")


class _Needs(Protocol):
    """Of the collaborators of the application."""

    settings: Settings
    database: Database
    queue: Queue
    serving: Serving


blueprint = Blueprint("system", __name__, url_prefix="/v1/system")


@blueprint.get("")
@asks_for(Scope.OPERATE)
def show() -> Json:
    """Show what there is; a part that is away says nothing, and the others are shown."""
    payload.read_query(request, {})
    its = services(_Needs)
    workers = _if_there(its.queue.workers)
    return {
        "parts": [{"name": name, "software": software} for name, software in _parts(its, workers or ())],
        "workers": None if workers is None else [representations.worker(each) for each in workers],
        "disks": [representations.disk(name, disk) for name, disk in disks.known(its.database, workers or ())],
        "links": {"rq_dashboard": its.settings.rq_dashboard_url or None},
    }


def _parts(its: _Needs, workers: Sequence[WorkerState]) -> Iterator[tuple[str, Mapping[str, str] | None]]:
    """Yield each part with what it is made of: None if it is away, nothing if it does not say."""
    yield "gateway", made_of()
    trainers: list[Mapping[str, str] | None] = []
    for each in workers:
        if each.about.software not in trainers:  # while a release is rolled out there may be two
            trainers.append(each.about.software)
    for software in trainers or (None,):
        yield "trainer", software
    yield "serving", _if_there(lambda: its.serving.software(timeout_s=_PATIENCE_S))
    yield "database", _if_there(its.database.software)
    yield "queue", _if_there(its.queue.software)


def _if_there(ask: Callable[[], T]) -> T | None:
    try:
        return ask()
    except Unavailable:
        return None
