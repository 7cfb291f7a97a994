"""What went wrong of late: each kind once, with how often and when, the last few hundred kinds.

Operators look here first; the log has the rest. So there is nothing in it that anybody sent, and nothing of anybody.
"""

import errno
import hashlib
import json
import os
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from types import TracebackType
from typing import Self

from sqlalchemy import delete, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from familiar.errors import FamiliarError
from familiar.records.faults import FULL
from familiar.records.schema import RecentError

MOST = 200
"""So many kinds are kept."""
_MOST_CHARACTERS = 500
_OURS = "familiar"


@dataclass(frozen=True)
class Mishap:
    """Something that went wrong, once or several times.

    Attributes:
        part: of the system, by which it was noticed.
        place: what that was doing: a route with its method, or a duty.
        code: one of ``familiar.codes``.
        message: a sentence that holds nothing of what was sent.
        request_id: of the last request to which it happened; None if it was none.
        first_at, last_at: UTC seconds since 1970.
        times: how often.
    """

    part: str
    place: str
    code: str
    message: str
    request_id: str | None
    first_at: float
    last_at: float
    times: int = 1

    @property
    def kind(self) -> str:
        """What is the same for all that are told as one."""
        return hashlib.sha256(json.dumps([self.part, self.place, self.code, self.message]).encode()).hexdigest()

    def and_later(self, later: Self) -> Self:
        """Return this together with another one of its kind, which came later."""
        return replace(later, first_at=self.first_at, times=self.times + later.times)


def told(error: Exception) -> tuple[str, str]:
    """Return the code of an error, and what operators are told of it.

    Our own sentences hold nothing of what was sent. What else was raised may, so it is told by what it is and where.
    """
    if isinstance(error, FamiliarError):
        return error.code, error.message
    number = _number(error)
    what = type(error).__name__ if number is None else os.strerror(number)
    where = _last_of_ours(error.__traceback__)
    code = FULL.code if number in (errno.ENOSPC, errno.EDQUOT) else FamiliarError.code
    return code, what + (f" in {where}" if where else "")


def add(session: Session, mishaps: Iterable[Mishap]) -> None:
    """Add what went wrong to what is kept, and forget the oldest beyond ``MOST``."""
    for mishap in mishaps:
        if not _add_to_its_kind(session, mishap):
            short = replace(mishap, message=mishap.message.replace("\0", "")[:_MOST_CHARACTERS])
            try:
                with session.begin_nested():
                    session.add(RecentError(kind=mishap.kind, **asdict(short)))
            except IntegrityError:  # another process met with it at the same moment
                _add_to_its_kind(session, mishap)
    kept = select(RecentError.kind).order_by(RecentError.last_at.desc(), RecentError.kind).limit(MOST)
    session.execute(delete(RecentError).where(RecentError.kind.not_in(kept)))


def newest(session: Session) -> Sequence[Mishap]:
    """Return what went wrong, the last one first."""
    rows = session.scalars(select(RecentError).order_by(RecentError.last_at.desc(), RecentError.kind))
    return [
        Mishap(row.part, row.place, row.code, row.message, row.request_id, row.first_at, row.last_at, row.times)
        for row in rows
    ]


def _add_to_its_kind(session: Session, mishap: Mishap) -> bool:
    changed = session.execute(
        update(RecentError)
        .where(RecentError.kind == mishap.kind)
        .values(times=RecentError.times + mishap.times, last_at=mishap.last_at, request_id=mishap.request_id)
    )
    return bool(changed.rowcount)  # type: ignore[attr-defined]


def _number(error: BaseException | None) -> int | None:
    """Return what the system says by number of an error, or of what it came from."""
    while error is not None:
        if isinstance(error, OSError) and error.errno:
            return error.errno
        error = error.__cause__
    return None


def _last_of_ours(trace: TracebackType | None) -> str:
    found = ""
    while trace is not None:
        module = str(trace.tb_frame.f_globals.get("__name__", ""))
        if module.startswith(_OURS):
            found = f"{module}:{trace.tb_lineno}"
        trace = trace.tb_next
    return found
