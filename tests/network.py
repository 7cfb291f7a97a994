"""A network for the tests: what lies between two ports, and can be cut, stalled, mended, and made to lose packets."""

import contextlib
import socket
import subprocess
import threading
from collections.abc import Iterator


class Network:
    """What lies between a camera and us: a port that leads to another one, until it is stalled or cut."""

    def __init__(self, to: int) -> None:
        self._to = to
        self._goes_on = threading.Event()
        self._goes_on.set()
        self._connections: list[socket.socket] = []
        self._over = self._loses = False
        self.port = 0
        self._listener: socket.socket | None = None
        self.mend()

    def stall(self) -> None:
        """Let nothing through any more, and end no connection."""
        self._goes_on.clear()

    def lose(self) -> None:
        """Lose every packet between us and its port, silently; needs a network namespace of our own."""
        if not self._loses:
            self._loses = True
            self._iptables("-A")

    def cut(self) -> None:
        """End all connections, and take none."""
        listener, self._listener = self._listener, None
        if listener is not None:
            with contextlib.suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
            listener.close()
        for each in self._connections:
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()
        self._connections.clear()

    def mend(self) -> None:
        """Lead on again."""
        if self._loses:
            self._loses = False
            self._iptables("-D")
        self._goes_on.set()
        if self._listener is None and not self._over:
            listener = socket.socket()
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(("127.0.0.1", self.port))
            listener.listen()
            self.port = listener.getsockname()[1]
            self._listener = listener
            threading.Thread(target=self._accept, args=(listener,), daemon=True).start()

    def close(self) -> None:
        """End all of it."""
        self._over = True
        self.mend()
        self.cut()

    def _iptables(self, change: str) -> None:
        for end in ("--sport", "--dport"):
            rule = ["INPUT", "-p", "tcp", end, str(self.port), "-j", "DROP"]
            subprocess.run(["iptables", "-w", change, *rule], check=True)

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                here, _ = listener.accept()
            except OSError:
                return
            try:
                there = socket.create_connection(("127.0.0.1", self._to))
            except OSError:
                here.close()
                continue
            self._connections += [here, there]
            for pair in ((here, there), (there, here)):
                threading.Thread(target=self._lead, args=pair, daemon=True).start()

    def _lead(self, source: socket.socket, target: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65_536):
                self._goes_on.wait()
                target.sendall(data)
        for each in (source, target):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)


@contextlib.contextmanager
def network(to: int) -> Iterator[Network]:
    """Give a network that leads to a port of this machine."""
    made = Network(to)
    try:
        yield made
    finally:
        made.close()
