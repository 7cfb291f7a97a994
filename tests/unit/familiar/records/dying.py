"""A process that dies in the middle of a change, after each of its statements in turn."""

import multiprocessing
import os
import signal
from collections.abc import Callable
from typing import Any

from sqlalchemy import event, select
from sqlalchemy.orm import Session

from familiar.records.engine import Database
from familiar.records.schema import Base


def dump(database: Database) -> dict[str, list[tuple[object, ...]]]:
    """Return all that stands in the tables."""
    with database.read() as session:
        return {
            table.name: sorted(map(repr, session.execute(select(table)).all())) for table in Base.metadata.sorted_tables
        }


def dies_anywhere(database: Database, change: Callable[[Session], Any]) -> int:
    """Do a change at last, after a process has died after each of its statements; return how many these were.

    Nothing of it may be left before.
    """
    before, url = dump(database), database.engine.url.render_as_string(hide_password=False)
    for statement in range(1, 200):
        child = multiprocessing.get_context("fork").Process(target=_die_at, args=(url, statement, change))
        child.start()
        child.join(30)
        if child.exitcode == 0:
            return statement
        assert child.exitcode == -signal.SIGKILL
        assert dump(database) == before, f"half done after {statement} statements"
    raise AssertionError("it never ends")


def _die_at(url: str, statement: int, change: Callable[[Session], Any]) -> None:
    """Change the database, but for the process dying right after so many statements."""
    own = Database(url)
    left = [statement]

    @event.listens_for(own.engine, "after_cursor_execute")
    def count(*_: object) -> None:
        left[0] -= 1
        if left[0] == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    with own.write() as session:
        change(session)
    os._exit(0)
