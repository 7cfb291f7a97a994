"""Names: what this host is called and which addresses it has, as far as a certificate is to vouch for them."""

import ipaddress
import re
import socket
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import psutil

from familiar.errors import MisconfiguredError

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

PRIVATE: tuple[Network, ...] = tuple(
    ipaddress.ip_network(block)
    for block in ("127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16",
                  "::1/128", "fc00::/7", "fe80::/10")
)  # fmt: skip
"""Addresses that mean something within one network only, so that nobody on the internet can be taken for them."""

_LABEL = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_NAME = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True)
class Names:
    """Names (in small letters, without a dot at the end) and addresses of one host; each once, in the order given."""

    dns: tuple[str, ...]
    addresses: tuple[Address, ...]

    @classmethod
    def of(cls, given: Iterable[str]) -> "Names":
        """Sort names from addresses.

        Raises:
            MisconfiguredError: one is neither.
        """
        dns: dict[str, None] = {}
        addresses: dict[Address, None] = {}
        for text in given:
            address = _address(text)
            if address is not None:
                addresses[address] = None
                continue
            name = text.lower().rstrip(".")
            if not _NAME.fullmatch(name) or len(name) > 253 or name.rsplit(".")[-1].isdigit():
                raise MisconfiguredError(f"HTTPS_NAMES: {text!r} is neither a name nor an address")
            if "." not in name and name != "localhost":
                # Whoever may vouch for a name may vouch for all below it, and this could be the end of many: "dev".
                raise MisconfiguredError(f"HTTPS_NAMES: {text!r} has one part only; {name}.local could be meant")
            dns[name] = None
        return cls(tuple(dns), tuple(addresses))

    def __contains__(self, host: str) -> bool:
        """Whether a host, as it stands in an address (``[::1]``), is among them."""
        address = _address(host.strip("[]"))
        return host.lower().rstrip(".") in self.dns if address is None else address in self.addresses

    def __iter__(self) -> Iterator[str]:
        """Go through all of them, as text."""
        yield from self.dns
        yield from map(str, self.addresses)


def given(text: str) -> list[str]:
    """Return the names of a setting, which have commas between them."""
    return [name.strip() for name in text.split(",") if name.strip()]


def own(listens_on: str) -> list[str]:
    """Return what a host is called by itself, and by which addresses it can be reached from its own network.

    Where one address is listened on, it is that one, beside loopback, which costs nothing and is always at hand; where
    all are, the machine's name, which is its own where it has several parts and ends with ``.local`` (mDNS) otherwise.
    Public addresses are left out: they change by the day (those of IPv6), and nobody should be open to the internet.
    """
    if not _is_unspecified(listens_on):
        return [*_LOOPBACK, listens_on]
    name = socket.gethostname().lower()
    called = [name if "." in name else f"{name}.local"] if _NAME.fullmatch(name) else []
    found = (
        address
        for interface in psutil.net_if_addrs().values()
        for each in interface
        if each.family in (socket.AF_INET, socket.AF_INET6) and (address := _address(each.address)) is not None
    )
    near = (address for address in found if not address.is_link_local and any(address in block for block in PRIVATE))
    return [*_LOOPBACK, *called, *map(str, near)]


def _is_unspecified(host: str) -> bool:
    address = _address(host)
    return not host or (address is not None and address.is_unspecified)


def _address(text: str) -> Address | None:
    try:
        return None if "%" in text else ipaddress.ip_address(text)  # behind a % stands one machine's own interface
    except ValueError:
        return None
