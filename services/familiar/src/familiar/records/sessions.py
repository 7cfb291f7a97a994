"""Sessions of the page in the database: who has signed in, by which key, and until when."""

import secrets
import time

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from familiar.records.key import digest
from familiar.records.schema import AccessKey, AccessSession

LONGEST_S = 30 * 86_400.0
"""After so long a session ends, however often it is used."""
_TOKEN_BYTES = 32


def begin(session: Session, row: AccessKey, idle_s: float) -> tuple[str, AccessSession]:
    """Begin a session of a key that ends when it is not used for ``idle_s``; return its token, and its row.

    Sessions that are over are cleared away.
    """
    now = time.time()
    session.execute(delete(AccessSession).where(AccessSession.expires_at <= now))
    token = secrets.token_urlsafe(_TOKEN_BYTES)
    begun = AccessSession(digest=digest(token), key_id=row.id, created_at=now, expires_at=now + min(idle_s, LONGEST_S))
    session.add(begun)
    session.flush()
    return token, begun


def by_token(session: Session, token: str) -> tuple[AccessSession, AccessKey] | None:
    """Return the session of that token and the key that it was begun with, whatever has become of either."""
    query = select(AccessSession, AccessKey).join(AccessKey, AccessKey.id == AccessSession.key_id)
    found = session.execute(query.where(AccessSession.digest == digest(token))).one_or_none()
    return None if found is None else (found[0], found[1])


def prolong(session: Session, its_digest: str, idle_s: float) -> None:
    """Have a session that is used at this moment end ``idle_s`` from now, or when it has lasted its longest."""
    row = session.get(AccessSession, its_digest)
    if row is not None:
        until = min(time.time() + idle_s, row.created_at + LONGEST_S)
        session.execute(update(AccessSession).where(AccessSession.digest == its_digest).values(expires_at=until))


def end(session: Session, its_digest: str) -> None:
    """End a session."""
    session.execute(delete(AccessSession).where(AccessSession.digest == its_digest))
