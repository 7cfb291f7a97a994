"""Learning anew: what follows when somebody's samples have changed and a training was asked for in one transaction."""

import contextlib
from typing import Any, Protocol

from flask import url_for

from familiar.errors import DatabaseUnavailable
from familiar.records import Database, clean
from familiar_gateway.operating import Inbox
from familiar_gateway.web import Json, services


class _Needs(Protocol):
    """Of the collaborators of the application."""

    database: Database
    inbox: Inbox


Answer = tuple[Json, int, dict[str, str]]


def learn_anew(asked: Json, **shown: Any) -> Answer:
    """Tell the trainer of the job ``asked`` for, clean the files of what was deleted, and answer with what is shown."""
    its = services(_Needs)
    its.inbox.put(asked["id"])
    with contextlib.suppress(DatabaseUnavailable):
        clean(its.database)  # if that cannot be now, the erasure stays open until the trainer has done it
    return {**shown, "job": asked}, 202, {"Location": url_for("jobs.show", job_id=asked["id"])}
