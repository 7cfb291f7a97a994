"""Addresses of cameras: what is one, and how it is shown to people, who must not learn the password from it."""

import re

_BEGINNING = re.compile(r"([a-z][a-z0-9+.-]*)://", re.IGNORECASE)
_LOGIN = re.compile(r"(?<=://)\S*@")
_SECRET = re.compile(
    r"([?&;](?:user|usr|login|account|pass|pwd|pw|psw|token|key|api_?key|auth|secret|session|sid)[a-z_]*=)[^&;\s\"']*",
    re.IGNORECASE,
)


def scheme_of(text: str) -> str | None:
    """Return the scheme of an address, in small letters; None if ``text`` is none."""
    found = _BEGINNING.match(text)
    return found[1].lower() if found else None


def masked(text: str) -> str:
    """Return a text without the users and passwords of addresses in it.

    Rather too much goes than too little: a password may have any character in it, escaped or not.
    """
    return _SECRET.sub(r"\1***", _LOGIN.sub("***@", text))
