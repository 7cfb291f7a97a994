"""One program of the Procfile as a running process."""

import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from familiar_embedded import sessions
from familiar_embedded.console import LineBuffer
from familiar_embedded.warden import Warden


@dataclass(frozen=True)
class Program:
    """What to run: its name in the log, its command, and its environment."""

    name: str
    argv: Sequence[str]
    env: Mapping[str, str]


@dataclass
class Process:
    """A started program.

    It leads a session of its own, so that Ctrl-C in the terminal reaches only the supervisor, which stops the services
    in order. Its output comes through ``output_fd``, not blocking.
    """

    program: Program
    popen: subprocess.Popen[bytes]
    started_at: float = field(default_factory=time.monotonic)
    lines: LineBuffer = field(default_factory=LineBuffer)

    @classmethod
    def start(cls, program: Program, warden: Warden, inherited_fds: Sequence[int] = ()) -> "Process":
        """Start a program under the eye of ``warden``.

        Raises:
            OSError: it cannot be started.
        """
        die_with_us = sessions.die_with(os.getpid())

        def before_exec() -> None:  # in the child; safe because the supervisor has one thread
            die_with_us()
            warden.enlist()

        popen = subprocess.Popen(
            program.argv,
            env=dict(program.env),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            pass_fds=inherited_fds,
            start_new_session=True,
            preexec_fn=before_exec,
        )
        process = cls(program, popen)
        os.set_blocking(process.output_fd, False)
        return process

    @property
    def output_fd(self) -> int:
        """The end of the pipe that holds what it writes."""
        assert self.popen.stdout is not None
        return self.popen.stdout.fileno()

    @property
    def ended(self) -> bool:
        """Whether it has ended; the status is collected."""
        return self.popen.poll() is not None

    @property
    def run_s(self) -> float:
        """Seconds since its start."""
        return time.monotonic() - self.started_at

    def read(self) -> list[str] | None:
        """Return the lines it has written since the last call, None at the end of its output."""
        try:
            data = os.read(self.output_fd, 65_536)
        except BlockingIOError:
            return []
        lines = self.lines.feed(data)
        return lines if data or lines else None

    def ask_to_stop(self) -> None:
        """Send SIGTERM to the program alone: how its children end is its own business."""
        if not self.ended:
            self.popen.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """Kill the program and every descendant it has left."""
        while sessions.send(self.popen.pid, signal.SIGKILL) and not self.ended:
            time.sleep(0.01)

    def how_it_ended(self) -> str:
        """Return the end in words."""
        status = self.popen.returncode
        if status is None:
            return "is running"
        if status < 0:
            return f"was ended by {signal.Signals(-status).name}"
        return f"ended with status {status}"
