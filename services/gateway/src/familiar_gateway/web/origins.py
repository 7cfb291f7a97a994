"""Origins: whether a request was meant for this server, and whether a page of another site sent it.

Whoever reaches the port may ask. But a browser reaches it too, on behalf of any page that its user looks at: a form of
another site can be posted here, and another site's name can be made to lead here (DNS rebinding), which lets its page
read the answers as well. Both are told from their headers, which no page can choose, whatever address we listen on.
Programs send neither ``Origin`` nor ``Sec-Fetch-Site``, and are not concerned.
"""

import ipaddress
import re
import socket
from collections.abc import Iterable
from urllib.parse import urlsplit

from familiar.errors import MisconfiguredError
from familiar_gateway.web.errors import Forbidden

_AUTHORITY = re.compile(r"(\[[0-9a-f:.]+\]|[^\s:/@\[\]]+)(?::(\d{1,5})?)?", re.IGNORECASE)
_DEFAULT_PORTS = {"http": "80", "https": "443"}
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_OWN_SITE = frozenset({"same-origin", "none"})


class Hosts:
    """The names by which a gateway is reached.

    Loopback always, and the address it listens on. Where that is every address of the machine, all addresses and the
    machine's own name: an address cannot be rebound, and nobody outside gives the machine its name.
    """

    def __init__(self, listens_on: str, further: Iterable[str] = (), friends: Iterable[str] = ()) -> None:
        """Take the address that is listened on, further names, and the origins of other sites that may ask."""
        self._further = frozenset(name.strip().rstrip(".").lower() for name in further if name.strip())
        self._friends = frozenset(friends)
        self._anywhere = _is_unspecified(listens_on)
        own = {socket.gethostname().lower()} if self._anywhere else {listens_on.lower()}
        self._names = {"localhost", *self._further, *own, *(f"{name}.local" for name in own if self._anywhere)}

    def check(
        self, method: str, host: str | None, origin: str | None, fetch_site: str | None, secure: bool = False
    ) -> None:
        """Check a request's headers ``Host``, ``Origin`` and ``Sec-Fetch-Site``, None where there is none.

        ``secure`` tells that it came by https. Our page did so too then, and what comes by http is somebody else's:
        whoever is on the way can say anything there under our name.

        Raises:
            Forbidden: it is for another host, or a page of another site asks to change something.
        """
        # Only HTTP/1.0 comes without one, which no browser speaks.
        if host is not None and not self._is_ours(host):
            raise Forbidden(
                f"this is not {host[:100]!r}; if it should be, ALLOWED_HOSTS has to name it", code="host_not_allowed"
            )
        if method in _SAFE_METHODS or origin in self._friends:
            return
        if origin is not None and not self._is_own_page(origin, host, secure):
            raise Forbidden(f"a page of {origin[:100]!r} must not change anything here", code="cross_site")
        if fetch_site is not None and fetch_site not in _OWN_SITE:
            raise Forbidden("a page of another site must not change anything here", code="cross_site")

    def _is_ours(self, host: str) -> bool:
        match = _AUTHORITY.fullmatch(host)
        if match is None:
            return False
        name = match[1].lower().rstrip(".")
        address = _address(name)
        if address is None:
            return name in self._names
        return self._anywhere or address.is_loopback or name.strip("[]") in self._names

    def _is_own_page(self, origin: str, host: str | None, secure: bool) -> bool:
        """Whether an origin is that of our page: the very host and port that is asked, or a name that was given us.

        Between us and the browser there may be a proxy that speaks TLS, so that http here says nothing of the page.
        """
        try:
            parts = urlsplit(origin)
        except ValueError:
            return False
        if parts.scheme not in _DEFAULT_PORTS or (secure and parts.scheme != "https"):
            return False
        sent_by = _without_port(parts.netloc, _DEFAULT_PORTS[parts.scheme])
        asked = None if host is None else _without_port(host, _DEFAULT_PORTS[parts.scheme])
        return sent_by == asked or sent_by in self._further


def read_origins(text: str) -> list[str]:
    """Return the origins of a setting, with commas between, as browsers send them.

    Raises:
        MisconfiguredError: one is no origin.
    """
    origins = []
    for each in (part.strip() for part in text.split(",") if part.strip()):
        parts = urlsplit(each)
        if parts.scheme not in _DEFAULT_PORTS or not parts.netloc or each != f"{parts.scheme}://{parts.netloc}":
            raise MisconfiguredError(f"CORS_ORIGINS={text!r}: {each!r} is no origin, as https://desk.example is one")
        origins.append(f"{parts.scheme}://{_without_port(parts.netloc, _DEFAULT_PORTS[parts.scheme])}")
    return origins


def _without_port(authority: str, default: str) -> str:
    return authority.lower().removesuffix(f":{default}")


def _is_unspecified(host: str) -> bool:
    address = _address(host)
    return not host or (address is not None and address.is_unspecified)


def _address(name: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(name.strip("[]"))
    except ValueError:
        return None
