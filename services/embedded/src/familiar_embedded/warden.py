"""The warden: a small process that ends the services when the supervisor is gone without having done so.

The supervisor holds the other end of its standard input; each service writes its session there as it starts. When the
input ends, the supervisor has stopped: whatever of those sessions still runs is asked to stop, then killed. The kernel
tells each service of the supervisor's death too (``sessions.die_with``), but not the service's own children.
"""

import os
import signal
import subprocess
import sys
from contextlib import suppress

from familiar_embedded import sessions

_GRACE_S = 3.0


class Warden:
    """The supervisor's end."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "familiar_embedded.warden"], stdin=subprocess.PIPE, start_new_session=True
        )

    def enlist(self) -> None:
        """Tell the warden of the calling process's session; for a child between fork and exec.

        The child does it, not the supervisor afterwards: no program runs for a moment without the warden's knowledge.
        """
        assert self._process.stdin is not None
        signal.signal(signal.SIGPIPE, signal.SIG_IGN)
        with suppress(BrokenPipeError):  # somebody killed the warden; what the kernel does remains
            os.write(self._process.stdin.fileno(), f"{os.getpid()}\n".encode())
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)

    def close(self) -> None:
        """Let the warden end what is left and wait until it has."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()


def main() -> None:
    """Collect sessions from standard input; end them when it ends."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    sessions.end([int(line) for line in sys.stdin.buffer], _GRACE_S)


if __name__ == "__main__":
    main()
