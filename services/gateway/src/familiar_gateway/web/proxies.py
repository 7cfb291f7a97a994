"""Proxies: what those that are trusted say of the client before them; from everybody else it is not even heard."""

import ipaddress
import re
from collections.abc import Callable, Iterable
from typing import Any

from familiar.errors import MisconfiguredError

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]

_PREFIX = re.compile(r"(?:/[A-Za-z0-9._~-]+)+")
_SAID = ("HTTP_X_FORWARDED_FOR", "HTTP_X_FORWARDED_PROTO", "HTTP_X_FORWARDED_PREFIX")
_PASSED_ON = "familiar.passed_on"
_TRACES = (*_SAID, "HTTP_FORWARDED", "HTTP_VIA", "HTTP_X_REAL_IP", "HTTP_X_FORWARDED_HOST")


class Proxies:
    """An application behind proxies at ``trusted`` addresses or networks, with commas between.

    From them it learns the client's address and scheme, and the path that stands before ours and that they took away
    (``X-Forwarded-For``, ``-Proto`` and ``-Prefix``).
    """

    def __init__(self, application: Application, trusted: str) -> None:
        """Prepare to listen to them.

        Raises:
            MisconfiguredError: one is neither an address nor a network.
        """
        self._application = application
        try:
            self._trusted = [ipaddress.ip_network(text.strip()) for text in trusted.split(",") if text.strip()]
        except ValueError as exc:
            raise MisconfiguredError(f"TRUSTED_PROXIES={trusted!r}: {exc}") from exc

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Answer a request, with what is to be believed of it in WSGI's own words."""
        environ[_PASSED_ON] = any(name in environ for name in _TRACES)
        said = [environ.pop(name, "") for name in _SAID]
        if self._trusted and self._trusts(environ.get("REMOTE_ADDR", "")):
            came_from, scheme, prefix = said
            environ["REMOTE_ADDR"] = self._client(environ["REMOTE_ADDR"], came_from)
            # Each proxy adds what it saw at the end: the last word is that of the one next to us.
            if (last := scheme.rpartition(",")[2].strip()) in ("http", "https"):
                environ["wsgi.url_scheme"] = last
            if _PREFIX.fullmatch(before := prefix.rpartition(",")[2].strip().rstrip("/")):
                environ["SCRIPT_NAME"] = before
        return self._application(environ, start_response)

    def _client(self, peer: str, came_from: str) -> str:
        """Return the last address of the way here that is not of a proxy of ours."""
        client = peer
        for text in reversed(came_from.split(",")):
            address = _parse(text.strip())
            if address is None:
                break
            client = str(address)
            if not self._trusts(client):
                break
        return client

    def _trusts(self, text: str) -> bool:
        address = _parse(text)
        return address is not None and any(address in network for network in self._trusted)


def passed_on(environ: dict[str, Any]) -> bool:
    """Whether some proxy has left a trace on a request, whoever it is."""
    return bool(environ.get(_PASSED_ON))


def _parse(text: str) -> Address | None:
    """Return the address, without the port that some write after it; None for what is none."""
    bare = text[1:].partition("]")[0] if text.startswith("[") else text
    bare = bare.partition(":")[0] if bare.count(":") == 1 else bare
    try:
        address = ipaddress.ip_address(bare)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address
