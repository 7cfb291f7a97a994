"""The mode of access: whether anything is asked for at all."""

import ipaddress
from enum import StrEnum

from familiar.settings import Settings


class Mode(StrEnum):
    """What somebody has to show who wants something.

    ``LOOPBACK``: nothing, for nobody but this machine reaches us. ``OPEN``: nothing, for whoever runs us wants it so.
    """

    KEYS = "keys"
    LOOPBACK = "loopback"
    OPEN = "open"


def mode_of(settings: Settings) -> Mode:
    """Return the mode that the settings mean: keys, unless they ask for something else or nobody else can come."""
    if settings.access:
        return Mode(settings.access)
    # A name beside those of loopback, or a proxy, is for others to come by.
    others = f"{settings.allowed_hosts},{settings.https_names},{settings.trusted_proxies}".strip(", ")
    return Mode.LOOPBACK if _is_loopback(settings.host) and not others else Mode.KEYS


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
