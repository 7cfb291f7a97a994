"""Passwords of operators: kept as a slow hash, tried one at a time."""

import threading

from werkzeug.security import check_password_hash, generate_password_hash

from familiar.errors import Busy, InvalidInput

LEAST_LENGTH = 10
_MOST_LENGTH = 200
_WAIT_S = 5.0
# Each try takes 32 MB and a good part of a second, by design: that must not add up.
_one_at_a_time = threading.Semaphore(1)
# Nobody has this one. Trying it takes as long as trying somebody's, so that time does not tell which names there are.
_NOBODYS = generate_password_hash("")


def hashed(password: str) -> str:
    """Return what is kept of a password; spaces around it are no part of it.

    Raises:
        InvalidInput: it is too short or too long.
    """
    password = password.strip()
    if not LEAST_LENGTH <= len(password) <= _MOST_LENGTH:
        raise InvalidInput(f"a password has {LEAST_LENGTH} to {_MOST_LENGTH} characters", code="invalid_field")
    return generate_password_hash(password)


def matches(kept: str | None, password: str) -> bool:
    """Whether a password is the one of which ``kept`` is kept; of None no password is.

    Raises:
        Busy: too many want to know at once.
    """
    if not _one_at_a_time.acquire(timeout=_WAIT_S):
        raise Busy("many are signing in at this moment; try again")
    try:
        same = check_password_hash(kept or _NOBODYS, password.strip())
    finally:
        _one_at_a_time.release()
    return same and kept is not None
