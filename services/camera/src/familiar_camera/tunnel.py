"""A tunnel: a port of this machine from which connections go on to a camera by TLS.

FFmpeg believes any certificate for a number, and knows no fingerprints, so it is given this port instead.
"""

import contextlib
import selectors
import socket
import ssl
import threading
from typing import Self

_MOST_BYTES = 65_536


class Tunnel:
    """Leads on until it is closed; who is at the other end is looked at for each connection."""

    def __init__(self, host: str, port: int, context: ssl.SSLContext, timeout_s: float) -> None:
        """Listen; a camera that falls silent within something for ``timeout_s`` is left."""
        self._to = (host, port)
        self._context = context
        self._timeout_s = timeout_s
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._over = False
        self._connections: list[socket.socket] = []
        self.port = int(self._listener.getsockname()[1])
        threading.Thread(target=self._accept, name="tunnel", daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End all connections."""
        self._over = True
        for each in (self._listener, *self._connections):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        while not self._over:
            try:
                here, _ = self._listener.accept()
            except OSError:
                return
            self._connections.append(here)
            threading.Thread(target=self._lead, args=(here,), name="tunnel", daemon=True).start()

    def _lead(self, here: socket.socket) -> None:
        with (
            here,
            contextlib.suppress(OSError),
            socket.create_connection(self._to, timeout=self._timeout_s) as plain,
            self._context.wrap_socket(plain, server_hostname=self._to[0]) as there,
        ):
            pass_on(here, there)
        self._connections.remove(here)


def pass_on(here: socket.socket, there: ssl.SSLSocket) -> None:
    """Pass on in both directions, in one thread, for TLS may not be used by two, until one of them ends."""
    with selectors.DefaultSelector() as selector:
        for each in (here, there):
            selector.register(each, selectors.EVENT_READ)
        while True:
            ready = {key.fileobj for key, _ in selector.select()}
            if here in ready:
                if not (data := here.recv(_MOST_BYTES)):
                    return
                there.sendall(data)
            if there in ready:
                if not (data := there.recv(_MOST_BYTES)):
                    return
                here.sendall(data)
                while there.pending():
                    here.sendall(there.recv(_MOST_BYTES))
