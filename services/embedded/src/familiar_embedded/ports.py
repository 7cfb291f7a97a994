"""Ports: free ones for parts that only we talk to, and a clear word when a wanted one is taken."""

import errno
import random
import socket
from pathlib import Path

from familiar_embedded.errors import PortTaken

LOOPBACK = "127.0.0.1"
_LOWEST = 20_000


def free_ports(count: int) -> list[int]:
    """Return ``count`` different free ports of the loopback interface.

    They lie below the range from which the system takes the ports of outgoing connections. A port from that range
    could be lost while its service is being restarted: a client that keeps trying to connect is in time given the very
    port it tries, connects to itself, and holds it.
    """
    highest = max(_ephemeral_start() - 1, _LOWEST + 1000)
    chosen: list[int] = []
    for port in random.sample(range(_LOWEST, highest), k=500):
        if len(chosen) == count:
            return chosen
        if _refusal(LOOPBACK, port) is None:
            chosen.append(port)
    raise PortTaken(f"no {count} free ports between {_LOWEST} and {highest}")


def require_free(host: str, port: int, variable: str) -> None:
    """Make sure that a service can listen on ``host``:``port``, which ``variable`` chooses.

    Raises:
        PortTaken: it cannot.
    """
    refusal = _refusal(host, port)
    if refusal is None:
        return
    if refusal.errno == errno.EADDRINUSE:
        raise PortTaken(
            f"port {port} of {host} is taken by another program; stop that one or choose another port, "
            f"for example {variable}={free_ports(1)[0]}"
        )
    raise PortTaken(f"cannot listen on {host}:{port} ({variable}): {refusal.strerror}")


def _refusal(host: str, port: int) -> OSError | None:
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
            probe.listen(1)
    except OSError as exc:
        return exc
    return None


def _ephemeral_start() -> int:
    try:
        return int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    except (OSError, ValueError, IndexError):
        return 32_768
