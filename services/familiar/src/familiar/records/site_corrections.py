"""The correction of thresholds by the site's own strangers in the database: the last one measured, or none."""

import time
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from familiar.records.person import new_id
from familiar.records.schema import SiteCorrection


def put(session: Session, *, backbone_version: int, numbers: dict[str, Any], audit: dict[str, Any]) -> SiteCorrection:
    """Keep a correction in place of the one before.

    Args:
        session: the caller's.
        backbone_version: which embeddings it was measured on.
        numbers: the correction itself, see ``familiar.learning.Correction``.
        audit: how many pictures were handed in, what became of them, and how the live head did on them.
    """
    drop(session)
    row = SiteCorrection(
        id=new_id(), backbone_version=backbone_version, numbers=numbers, audit=audit, created_at=time.time()
    )
    session.add(row)
    session.flush()
    return row


def current(session: Session) -> SiteCorrection | None:
    """Return the correction that is kept, if there is one."""
    return session.scalars(select(SiteCorrection).order_by(SiteCorrection.created_at.desc())).first()


def drop(session: Session) -> bool:
    """Delete the correction; tell whether there was one."""
    dropped = session.execute(delete(SiteCorrection)).rowcount  # type: ignore[attr-defined]
    session.flush()
    return bool(dropped)
