"""Probing: how long a sign of life takes, asked for by a process of its own, since the threads of a busy one wait.

``python probing.py URL`` asks until its input ends, and writes what each answer took in milliseconds.
"""

import http.client
import json
import select
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

_EVERY_S = 0.05
_TIMEOUT_S = 60.0


@contextmanager
def probing(url: str) -> Iterator[list[float]]:
    """Ask for a sign of life all the time; the list is filled at the end."""
    took_ms: list[float] = []
    command = [sys.executable, __file__, url]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        yield took_ms
        written, _ = process.communicate()
    assert process.returncode == 0, "a probe failed"
    took_ms += json.loads(written)


def main() -> int:
    """Probe."""
    netloc = urlsplit(sys.argv[1]).netloc
    took_ms = []
    while not select.select([sys.stdin], [], [], _EVERY_S)[0]:
        start = time.perf_counter()
        connection = http.client.HTTPConnection(netloc, timeout=_TIMEOUT_S)
        connection.request("GET", "/healthz")
        answer = connection.getresponse()
        assert answer.status == 200 and json.loads(answer.read())["status"] == "ok"
        connection.close()
        took_ms.append((time.perf_counter() - start) * 1000)
    print(json.dumps(took_ms))
    return 0


if __name__ == "__main__":
    sys.exit(main())
