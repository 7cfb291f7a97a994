"""The supervisor: runs steps, starts services in order, starts them again when they crash, stops them in reverse.

One thread, one loop: output, ended processes and signals are all events of one selector.
"""

import os
import selectors
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from types import FrameType

from familiar_embedded.console import Console
from familiar_embedded.errors import EmbeddedError, StepFailed
from familiar_embedded.process import Process, Program
from familiar_embedded.restart import RestartPolicy, Restarts
from familiar_embedded.warden import Warden

_STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_TURN_S = 1.0


class Stopped(EmbeddedError):
    """A signal asked to stop before everything had started."""

    exit_status = 0


class Supervisor:
    """Keeps programs running. Use as a context manager; at its end nothing that it started is left."""

    def __init__(
        self,
        console: Console,
        policy: RestartPolicy = RestartPolicy(),
        grace_s: float = 10.0,
        inherited_fds: Sequence[int] = (),
    ) -> None:
        self._console = console
        self._policy = policy
        self._grace_s = grace_s
        self._inherited_fds = inherited_fds
        self._selector = selectors.DefaultSelector()
        self._warden = Warden()
        self._running: dict[str, Process] = {}  # in the order of starting
        self._restarts: dict[str, Restarts] = {}
        self._due: list[tuple[float, Program]] = []
        self._watcher: Process | None = None
        self._signals = 0

    def __enter__(self) -> "Supervisor":
        self._closing = ExitStack()
        self._closing.callback(self._warden.close)
        self._closing.enter_context(self._selector)
        self._closing.enter_context(self._listening())
        return self

    def __exit__(self, *_: object) -> None:
        with self._closing:
            self._stop_all()

    def prepare(self, step: Program) -> None:
        """Run a program to its end.

        Raises:
            StepFailed: it cannot be started or reports failure.
            Stopped: a signal asked to stop meanwhile.
        """
        process = self._start(step)
        while not process.ended and not self._signals:
            self._turn(_TURN_S)
        if self._signals:
            self._stop(process)
            raise Stopped("stopped before the system had started")
        self._drain(process)
        if process.popen.returncode:
            raise StepFailed(f"{step.name} {process.how_it_ended()}; its lines above say why")

    def run(self, services: Sequence[Program], watcher: Program, on_ready: Callable[[], None]) -> int:
        """Run the services until a signal asks to stop (0) or one of them cannot be kept running (1).

        ``watcher`` runs beside them once, from the start; ``on_ready`` is called when it ends well.
        """
        for service in services:
            self._running[service.name] = self._start(service)
        self._watcher = self._start(watcher)
        while not self._signals:
            self._turn(min([_TURN_S, *(at - time.monotonic() for at, _ in self._due)]))
            self._look_at_watcher(on_ready)
            if not (self._bury() and self._restart_due()):
                self._stop_all()
                return 1
        self._console.say("stopping; once more Ctrl-C kills at once")
        self._stop_all()
        self._console.say("stopped")
        return 0

    def _start(self, program: Program) -> Process:
        try:
            process = Process.start(program, self._warden, self._inherited_fds)
        except (OSError, subprocess.SubprocessError) as exc:
            raise StepFailed(f"{program.name}: cannot start {program.argv[0]!r}: {exc}") from exc
        self._selector.register(process.output_fd, selectors.EVENT_READ, process)
        return process

    def _turn(self, timeout_s: float) -> None:
        """Wait for something to happen, at most ``timeout_s`` seconds, and pass output on."""
        for key, _ in self._selector.select(max(0.0, timeout_s)):
            if isinstance(key.data, Process):
                self._pass_on(key.data)
            else:
                os.read(key.fd, 4096)  # a signal's wake-up; what it asks for is in self._signals or in waitpid

    def _pass_on(self, process: Process) -> bool:
        lines = process.read()
        if lines is None:
            self._selector.unregister(process.output_fd)
            return False
        for line in lines:
            self._console.line(process.program.name, line)
        return bool(lines)

    def _drain(self, process: Process) -> None:
        """Pass on what an ended process has left in its pipe, then close it."""
        assert process.popen.stdout is not None
        while process.output_fd in self._selector.get_map() and self._pass_on(process):
            pass
        if process.output_fd in self._selector.get_map():
            self._selector.unregister(process.output_fd)
        process.popen.stdout.close()

    def _look_at_watcher(self, on_ready: Callable[[], None]) -> None:
        if self._watcher is not None and self._watcher.ended:
            self._drain(self._watcher)
            if self._watcher.popen.returncode == 0:
                on_ready()
            self._watcher = None

    def _bury(self) -> bool:
        """Deal with services that have ended by themselves; False if one of them cannot be kept running."""
        for name, process in list(self._running.items()):
            if not process.ended:
                continue
            process.kill()  # what it has left behind could hold its port
            self._drain(process)
            del self._running[name]
            wait_s = self._restarts.setdefault(name, Restarts(self._policy)).after(process.run_s)
            if wait_s is None:
                times = self._policy.attempts + 1
                self._console.say(f"{name} {process.how_it_ended()}, soon after its start, {times} times in a row")
                self._console.say("giving up; its lines above say why")
                return False
            self._console.say(f"{name} {process.how_it_ended()}; starting it again in {wait_s:.1f} s")
            self._due.append((time.monotonic() + wait_s, process.program))
        return True

    def _restart_due(self) -> bool:
        now = time.monotonic()
        ready = [program for at, program in self._due if at <= now]
        self._due = [(at, program) for at, program in self._due if at > now]
        try:
            for program in ready:
                self._running[program.name] = self._start(program)
        except StepFailed as exc:
            self._console.say(str(exc))
            return False
        return True

    def _stop_all(self) -> None:
        if self._watcher is not None:
            self._watcher.kill()
            self._drain(self._watcher)
            self._watcher = None
        for name in reversed(list(self._running)):
            self._stop(self._running.pop(name))

    def _stop(self, process: Process) -> None:
        """Ask a process to stop; kill it after the grace period, or at a second signal."""
        give_up_at = time.monotonic() + self._grace_s
        process.ask_to_stop()
        while not process.ended and self._signals < 2 and time.monotonic() < give_up_at:
            self._turn(min(_TURN_S, give_up_at - time.monotonic()))
        if not process.ended:
            why = "killed" if self._signals >= 2 else f"did not stop within {self._grace_s:.0f} s and was killed"
            self._console.say(f"{process.program.name} {why}")
        process.kill()
        process.popen.wait()
        self._drain(process)

    @contextmanager
    def _listening(self) -> Iterator[None]:
        """Have signals, and ended children, wake the loop."""
        reader, writer = os.pipe()
        for fd in (reader, writer):
            os.set_blocking(fd, False)
        woken_before = signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
        previous = {number: signal.signal(number, self._count) for number in _STOP_SIGNALS}
        previous[signal.SIGCHLD] = signal.signal(signal.SIGCHLD, lambda *_: None)
        self._selector.register(reader, selectors.EVENT_READ)
        try:
            yield
        finally:
            self._selector.unregister(reader)
            signal.set_wakeup_fd(woken_before)
            for number, handler in previous.items():
                signal.signal(number, handler)
            os.close(reader)
            os.close(writer)

    def _count(self, _number: int, _frame: FrameType | None) -> None:
        self._signals += 1
