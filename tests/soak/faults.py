"""What happens to cameras and to the network between: a kind of fault, and how long it lasts."""

import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from network import Network


class Camera(Protocol):
    """A camera's server, started and stopped as often as one likes."""

    def start(self) -> None:
        """Start it, always at the same port."""

    def stop(self) -> None:
        """End it, with its connections."""


@dataclass(frozen=True)
class Place:
    """A camera of the soak, and the network before it."""

    name: str
    camera: Camera
    network: Network


_BREAK: dict[str, Callable[[Place], None]] = {
    "cut": lambda place: place.network.cut(),
    "stall": lambda place: place.network.stall(),
    "loss": lambda place: place.network.lose(),
    "restart": lambda place: place.camera.stop(),
}
TOLD = {
    "cut": "connections ended, none taken",
    "stall": "connections taken, nothing led on",
    "loss": "every packet lost",
    "restart": "the camera's server killed, and started anew",
}
"""What each kind of fault is, in words."""


@dataclass(frozen=True)
class Fault:
    """A kind of fault and its seconds; written as ``cut:30``."""

    kind: str
    seconds: float

    @classmethod
    def named(cls, text: str) -> "Fault":
        """Return the fault of a name.

        Raises:
            ValueError: it is none.
        """
        kind, _, seconds = text.partition(":")
        if kind not in _BREAK:
            raise ValueError(f"{text!r} is no fault; {', '.join(_BREAK)} are, as in cut:30")
        return cls(kind, float(seconds))

    def __str__(self) -> str:
        return f"{self.kind}:{self.seconds:g}"

    def happen(self, places: list[Place]) -> float:
        """Have it happen to all cameras at once; return the moment of its end (monotonic), when all is well again."""
        for place in places:
            _BREAK[self.kind](place)
        time.sleep(self.seconds)
        for place in places:
            if self.kind == "restart":
                place.camera.start()
            else:
                place.network.mend()
        return time.monotonic()


def can_lose_packets() -> bool:
    """Return whether this process is in a network of its own whose packets it may throw away."""
    try:
        return subprocess.run(["iptables", "-w", "-L", "-n"], capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        return False
