"""Keys in the database; none is ever deleted, so that what was done with it keeps its name."""

import time
from collections.abc import Iterable

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from familiar.errors import Conflict, NotFound
from familiar.records.engine import MOST_VARIABLES
from familiar.records.person import new_id
from familiar.records.schema import AccessKey, AccessSession
from familiar.scope import Scope


def add(
    session: Session, name: str, scopes: Iterable[Scope], *, digest: str | None = None, password: str | None = None,
    camera: str | None = None, expires_at: float | None = None,
) -> AccessKey:  # fmt: skip
    """Add a key with the ``digest`` of its secret, or with the hash of a ``password``; the name is clean.

    Of two that are added at once under one name the database's constraint lets one through.

    Raises:
        Conflict: a key that is not revoked has that name.
    """
    if by_name(session, name) is not None:
        raise Conflict(
            f"a key is called {name} already: revoke that one, or choose another name", code="key_name_taken"
        )
    wanted = set(scopes)
    row = AccessKey(
        id=new_id(),
        name=name,
        digest=digest,
        password=password,
        scopes=[each.value for each in Scope if each in wanted],
        camera=camera,
        created_at=time.time(),
        expires_at=expires_at,
    )
    session.add(row)
    session.flush()
    return row


def by_digest(session: Session, digest: str) -> AccessKey | None:
    """Return the key whose secret has that digest, whatever its status."""
    return session.scalars(select(AccessKey).where(AccessKey.digest == digest)).one_or_none()


def by_name(session: Session, name: str) -> AccessKey | None:
    """Return the key of that name that is not revoked."""
    query = select(AccessKey).where(AccessKey.name == name, AccessKey.revoked_at.is_(None))
    return session.scalars(query).one_or_none()


def get(session: Session, key_id: str) -> AccessKey:
    """Return a key.

    Raises:
        NotFound: there is none with that id.
    """
    row = session.get(AccessKey, key_id)
    if row is None:
        raise NotFound(f"there is no key {key_id}", code="key_not_found")
    return row


def newest(session: Session, limit: int, offset: int = 0) -> list[AccessKey]:
    """Return keys, the newest first."""
    query = select(AccessKey).order_by(AccessKey.created_at.desc(), AccessKey.id).limit(limit).offset(offset)
    return list(session.scalars(query))


def count(session: Session) -> int:
    """Return how many keys were ever made."""
    return session.scalar(select(func.count()).select_from(AccessKey)) or 0


def names(session: Session, key_ids: set[str]) -> dict[str, str]:
    """Return the names of keys, at most as many as are on a page."""
    some = list(key_ids)[:MOST_VARIABLES]
    query = select(AccessKey.id, AccessKey.name).where(AccessKey.id.in_(some))
    return {row.id: row.name for row in session.execute(query)}


def revoke(session: Session, row: AccessKey) -> bool:
    """End a key and its sessions; tell whether it was not ended already."""
    if row.revoked_at is not None:
        return False
    row.revoked_at = time.time()
    session.execute(delete(AccessSession).where(AccessSession.key_id == row.id))
    session.flush()
    return True


def note_use(session: Session, key_id: str) -> None:
    """Note that a key was used at this moment."""
    session.execute(update(AccessKey).where(AccessKey.id == key_id).values(used_at=time.time()))
