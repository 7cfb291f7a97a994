"""Sessions: every service leads a session of its own, so all its descendants can be found and ended.

A session is what a process group is not: a child that makes itself the leader of a new group, as a worker of RQ does
with each job, still belongs to it, and so does a child whose parent has died.
"""

import ctypes
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

_PR_SET_PDEATHSIG = 1
_ZOMBIE = "Z"


def members(session: int) -> list[int]:
    """Return the processes of a session that are still running."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                # The name, in parentheses, may hold anything; the state, parent, group and session follow it.
                state, _, _, belongs_to = (entry / "stat").read_text().rpartition(")")[2].split()[:4]
            except (OSError, ValueError):
                continue  # it ended meanwhile
            if int(belongs_to) == session and state != _ZOMBIE:
                found.append(int(entry.name))
    return found


def send(session: int, number: signal.Signals) -> bool:
    """Send a signal to every process of a session; tell whether there was one."""
    found = members(session)
    for pid in found:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            continue
    return bool(found)


def end(sessions: list[int], grace_s: float) -> None:
    """Ask all processes of the sessions to stop; after ``grace_s`` seconds kill those that have not."""
    give_up_at = time.monotonic() + grace_s
    for session in sessions:
        send(session, signal.SIGTERM)
    while time.monotonic() < give_up_at and any(members(session) for session in sessions):
        time.sleep(0.05)
    for session in sessions:
        # One may fork while the others are being killed.
        while send(session, signal.SIGKILL):
            time.sleep(0.02)


def die_with(parent: int) -> Callable[[], None]:
    """Return what a child calls between fork and exec so that the kernel ends it when ``parent`` dies.

    Only Linux knows this; elsewhere the warden alone takes care.
    """
    if not sys.platform.startswith("linux"):
        return lambda: None
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    terminate = int(signal.SIGTERM)

    def ask_the_kernel() -> None:
        prctl(_PR_SET_PDEATHSIG, terminate, 0, 0, 0)
        if os.getppid() != parent:  # it died before we could ask
            os._exit(1)

    return ask_the_kernel
