"""Addresses of cameras: what is one, and how it is shown to people, who must not learn the password from it."""

import re

_BEGINNING = re.compile(r"([a-z][a-z0-9+.-]*)://", re.IGNORECASE)
_LOGIN = re.compile(r"(?<=://).*@", re.DOTALL)
# Of what was meant for an address, and lacks a part of its beginning.
_BARE_LOGIN = re.compile(r"\A(?!.*://).*:.*@", re.DOTALL)
# In a query, or in the path (/user=admin_password=...), whatever has one of these words in its name.
_SECRET = re.compile(
    r"((?:user|usr|login|account|pass|pwd|pw|psw|token|key|auth|secret|session|sid|sig|hash|jwt|cred|code(?==)"
    r"|(?<![a-z])[up](?==))[^=&?#/\s]*=)[^&]*",
    re.IGNORECASE,
)


def scheme_of(text: str) -> str | None:
    """Return the scheme of an address, in small letters; None if ``text`` is none."""
    found = _BEGINNING.match(text)
    return found[1].lower() if found else None


def masked(text: str) -> str:
    """Return an address, or what was meant for one, without users, passwords and other secrets in it.

    Rather too much goes than too little: a password may have any character in it, escaped or not.
    """
    return _SECRET.sub(r"\1***", _BARE_LOGIN.sub("***@", _LOGIN.sub("***@", text)))
