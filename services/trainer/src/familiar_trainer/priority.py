"""Priority: whoever recognises goes first where the trainer and its gate share a processor with them."""

import contextlib
import os
from pathlib import Path

NICENESS = 5
"""A third of the weight of others: enough to go last, and on a machine that is never idle a training ends soon."""

_GROUP = Path("/proc/self/autogroup")


def give_way() -> None:
    """Let the other processes of this machine go first; those that are started from here do so as well.

    Where Linux shares a processor among sessions (autogroup), a process is nice to its own session only, so the session
    is told too if it is ours: the trainer's, as `make run` starts it, and not the shell's of somebody who started it by
    hand. Containers are told by their shares instead (`docker-compose.yml`).
    """
    os.nice(max(0, NICENESS - os.nice(0)))
    if os.getsid(0) == os.getpid():
        with contextlib.suppress(OSError):  # a kernel without such groups
            _GROUP.write_text(str(NICENESS))
