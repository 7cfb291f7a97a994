"""The keyring: whose key or session it is that is shown, without asking the database each time."""

import hashlib
import logging
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from sqlalchemy.orm import Session

from familiar.errors import FamiliarError
from familiar.records import AccessKey, Database, KeyStatus, key, keys, sessions
from familiar.scope import Scope
from familiar_gateway.web import Caller, Unauthorized

log = logging.getLogger(__name__)

FRESH_S = 5.0
"""For so long a process believes what it has read of a key, so that long after a revocation elsewhere it ends here."""
_MOST_KNOWN = 1_000
_NOTED_EVERY_S = 600.0
_LONGEST_SECRET = 200


@dataclass(frozen=True)
class _Known:
    """Somebody who was looked up: believed until ``fresh_until`` (monotonic), and good until ``ends_at`` (UTC)."""

    caller: Caller
    fresh_until: float
    ends_at: float


class Keyring:
    """Tells whose a secret or a session is."""

    def __init__(self, database: Database, session_s: float) -> None:
        """Ask this database; a session ends when it is not used for ``session_s``."""
        self._database = database
        self._session_s = session_s
        self._known: dict[str, _Known] = {}
        self._notes: dict[str, Callable[[Session], None]] = {}
        self._noting = threading.Lock()

    def of_secret(self, secret: str) -> Caller:
        """Return who has a key with that secret, without their address.

        Raises:
            Unauthorized: nobody has, or the key was revoked or has expired.
            DatabaseUnavailable: nobody knows.
        """
        if len(secret) > _LONGEST_SECRET:
            raise _unknown()
        return self._recall(key.digest(secret), self._read_key)

    def of_session(self, token: str) -> Caller:
        """Return who has signed in, and was given that token.

        Raises:
            Unauthorized: nobody was, the session is over, or its key was revoked or has expired.
            DatabaseUnavailable: nobody knows.
        """
        if len(token) > _LONGEST_SECRET:
            raise _over()
        return self._recall(f"session:{key.digest(token)}", lambda _: self._read_session(token))

    def forget(self) -> None:
        """Believe nothing any more that was read before."""
        self._known.clear()

    def _recall(self, name: str, read: Callable[[str], _Known]) -> Caller:
        known = self._known.get(name)
        if known is None or known.fresh_until <= time.monotonic() or known.ends_at <= time.time():
            known = read(name)
            if len(self._known) >= _MOST_KNOWN:
                self._known.clear()
            self._known[name] = known
        return known.caller

    def _read_key(self, digest: str) -> _Known:
        with self._database.read() as session:
            row = keys.by_digest(session, digest)
        if row is None:
            raise _unknown()
        _require_valid(row)
        if _is_long_ago(row.used_at):
            self._note(row.id, lambda session: keys.note_use(session, row.id))
        return _Known(_caller(row), time.monotonic() + FRESH_S, row.expires_at or float("inf"))

    def _read_session(self, token: str) -> _Known:
        with self._database.read() as session:
            found = sessions.by_token(session, token)
        if found is None or found[0].expires_at <= time.time():
            raise _over()
        begun, row = found
        _require_valid(row)
        if begun.expires_at - time.time() < self._session_s - min(_NOTED_EVERY_S, self._session_s / 2):
            self._note(begun.digest, lambda session: sessions.prolong(session, begun.digest, self._session_s))
        if _is_long_ago(row.used_at):
            self._note(row.id, lambda session: keys.note_use(session, row.id))
        caller = _caller(row, csrf=csrf_of(token), session_until=begun.expires_at)
        return _Known(caller, time.monotonic() + FRESH_S, min(begun.expires_at, row.expires_at or float("inf")))

    def _note(self, of: str, change: Callable[[Session], None]) -> None:
        """Write something down that nobody waits for, and that may as well be lost.

        One thread does so at a time, so that it takes one connection to the database, however many keys are used.
        """
        self._notes[of] = change
        threading.Thread(target=self._write_notes, daemon=True).start()

    def _write_notes(self) -> None:
        while self._notes and self._noting.acquire(blocking=False):
            try:
                with suppress(KeyError, FamiliarError):
                    _, change = self._notes.popitem()
                    with self._database.write() as session:
                        change(session)
            finally:
                self._noting.release()


def csrf_of(token: str) -> str:
    """Return what goes with a session's token: whoever may read our answers knows it, and no other page."""
    return hashlib.sha256(f"csrf:{token}".encode()).hexdigest()


def _caller(row: AccessKey, csrf: str | None = None, session_until: float | None = None) -> Caller:
    scopes = frozenset(Scope(each) for each in row.scopes)
    return Caller(None, scopes, row.id, row.name, row.camera, csrf, session_until)


def _require_valid(row: AccessKey) -> None:
    status = key.status(row, time.time())
    if status is KeyStatus.REVOKED:
        raise Unauthorized("this key was revoked", code="key_revoked")
    if status is KeyStatus.EXPIRED:
        raise Unauthorized("this key has expired", code="key_expired")


def _is_long_ago(used_at: float | None) -> bool:
    return used_at is None or time.time() - used_at > _NOTED_EVERY_S


def _unknown() -> Unauthorized:
    return Unauthorized("there is no such key", code="key_unknown")


def _over() -> Unauthorized:
    return Unauthorized("the session is over; sign in again", code="session_over")
