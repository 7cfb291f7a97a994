"""The gateway that is asked: a process of its own, and how it does meanwhile."""

import contextlib
import http.client
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import apart
from bench.probing import probing
from fuzz.asking import Answer, Ask, Names
from processes import family, resident_bytes

_SCRIPT = Path(__file__).with_name("served.py")
_ANSWER_TIMEOUT_S = 150.0
# What was sent is no HTTP: a server may wait for more of it.
_RAW_TIMEOUT_S = 3.0
_WATCH_EVERY_S = 0.1


@dataclass
class Target:
    """A gateway that runs."""

    process: subprocess.Popen[bytes]
    port: int
    names: Names
    folder: Path

    def answer(self, ask: Ask) -> Answer:
        """Send a request and return what comes back; of raw bytes the first answer."""
        return self._raw(ask.raw) if ask.raw is not None else self._http(ask)

    def log(self) -> str:
        """Return what it has said."""
        return (self.folder / "log").read_text(errors="replace")

    def memory_bytes(self) -> int:
        """Return how much memory it and its children have at this moment."""
        return resident_bytes(family(self.process.pid))

    def _http(self, ask: Ask) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=_ANSWER_TIMEOUT_S)
        try:
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # it may have answered before the end
                connection.request(ask.method, ask.path, ask.body or None, dict(ask.headers))
            answer = connection.getresponse()
            return Answer(answer.status, dict(answer.getheaders()), answer.read())
        except (OSError, http.client.HTTPException):
            return Answer(0, {}, b"")
        finally:
            connection.close()

    def _raw(self, data: bytes) -> Answer:
        connection = socket.create_connection(("127.0.0.1", self.port), timeout=_RAW_TIMEOUT_S)
        try:
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                connection.sendall(data)
                connection.shutdown(socket.SHUT_WR)
            answer = http.client.HTTPResponse(connection)
            answer.begin()
            return Answer(answer.status, dict(answer.getheaders()), answer.read())
        except (OSError, ValueError, http.client.HTTPException):
            return Answer(0, {}, b"")
        finally:
            connection.close()


@contextmanager
def started(folder: Path, database_url: str = "") -> Iterator[Target]:
    """Give a gateway that runs in ``folder``, with its database there or at a URL; it is ended with the block."""
    with apart.served(_SCRIPT, folder, FAMILIAR_TEST_DATABASE=database_url) as gateway:
        yield Target(gateway.process, gateway.port, gateway.names, folder)


@dataclass
class Watch:
    """How the others fare while a gateway is asked by chance: one who asks whether it lives, one who recognises."""

    target: Target
    alive_s: list[float] = field(default_factory=list)
    recognised_s: list[float] = field(default_factory=list)
    refused: int = 0
    wrong: list[str] = field(default_factory=list)
    most_bytes: int = 0
    at_rest_bytes: int = 0

    @contextmanager
    def watching(self) -> Iterator["Watch"]:
        """Watch until the block ends."""
        self.at_rest_bytes = self.target.memory_bytes()
        over = threading.Event()
        works = (self._recognise, self._measure)
        threads = [threading.Thread(target=self._again, args=(work, over), daemon=True) for work in works]
        for thread in threads:
            thread.start()
        try:
            with probing(f"http://127.0.0.1:{self.target.port}") as alive_ms:
                yield self
            self.alive_s += [each / 1000 for each in alive_ms]
        finally:
            over.set()
            for thread in threads:
                thread.join(_ANSWER_TIMEOUT_S)

    def _again(self, work: Callable[[], None], over: threading.Event) -> None:
        while not over.is_set():
            work()
            over.wait(_WATCH_EVERY_S)

    def _recognise(self) -> None:
        known = (self.target.folder / "known.jpg").read_bytes()
        start = time.monotonic()
        answer = self.target.answer(Ask("POST", "/v1/recognize", {"Content-Type": "image/jpeg"}, known))
        self.recognised_s.append(time.monotonic() - start)
        if answer.status == 503:
            self.refused += 1
        elif answer.status != 200 or len(answer.value["faces"]) != 1:
            self.wrong.append(f"somebody else's picture was answered by {answer.status}: {answer.body[:300]!r}")

    def _measure(self) -> None:
        self.most_bytes = max(self.most_bytes, self.target.memory_bytes())
