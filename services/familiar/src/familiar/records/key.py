"""Keys: what a secret looks like, what of it is kept, and when it is good for something."""

import hashlib
import secrets
from enum import StrEnum

from familiar.records.schema import AccessKey

PREFIX = "fam_"
"""What each of our secrets begins with, so that whoever finds one somewhere knows what it is."""
_SECRET_BYTES = 32


class KeyKind(StrEnum):
    """What is shown to be let in: a secret that we made, or a password that somebody chose."""

    KEY = "key"
    PASSWORD = "password"


class KeyStatus(StrEnum):
    """Whether a key is good for something."""

    VALID = "valid"
    EXPIRED = "expired"
    REVOKED = "revoked"


def new_secret() -> str:
    """Return a fresh secret of 256 random bits, as text."""
    return PREFIX + secrets.token_urlsafe(_SECRET_BYTES)


def digest(secret: str) -> str:
    """Return what is kept of a secret: its SHA-256.

    A slow hash makes up for what people choose badly. Nobody tries 2**256 secrets, however quickly each is tried, and a
    slow one would be paid for by each request.
    """
    return hashlib.sha256(secret.encode()).hexdigest()


def status(row: AccessKey, now: float) -> KeyStatus:
    """Return whether a key is good for something at a time, in UTC seconds since 1970."""
    if row.revoked_at is not None:
        return KeyStatus.REVOKED
    return KeyStatus.EXPIRED if row.expires_at is not None and row.expires_at <= now else KeyStatus.VALID
