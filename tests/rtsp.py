"""A camera that speaks RTSP, for the tests: GStreamer's server (Debian: gir1.2-gst-rtsp-server-1.0) in a process."""

import shutil
import socket
import subprocess
import time
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import numpy as np

from cameras import number_of

_SCRIPT = Path(__file__).with_name("rtsp_server.py")
_NEEDED = "import gi; gi.require_version('GstRtspServer', '1.0'); from gi.repository import GstRtspServer"
MISSING = "GStreamer's RTSP server for the system's Python is not installed here"


@cache
def python() -> str | None:
    """Return the Python that has GStreamer's server; None if this machine has none."""
    found = shutil.which("python3", path="/usr/bin:/bin")
    if found is None or subprocess.run([found, "-c", _NEEDED], capture_output=True, check=False).returncode:
        return None
    return found


@dataclass
class RtspCamera:
    """Started and stopped as often as one likes, always at the same port. Frame ``n`` is of ``began + n / fps``."""

    login: tuple[str, ...] = ()
    fps: int = 15
    began: float = field(default_factory=time.monotonic)
    port: int = 0
    _process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        """Start the server, and wait until it listens."""
        if not self.port:
            with socket.socket() as probe:
                probe.bind(("127.0.0.1", 0))
                self.port = probe.getsockname()[1]
        used = python()
        assert used is not None, MISSING
        command = [used, str(_SCRIPT), str(self.port), str(self.began), str(self.fps), *self.login]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None and self._process.stdout.readline() == "ready\n"

    def stop(self) -> None:
        """Kill the server, if it runs."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()
            assert process.stdout is not None
            process.stdout.close()

    def now(self) -> int:
        """Return the number of the frame of this moment."""
        return int((time.monotonic() - self.began) * self.fps)

    def age_s(self, picture: np.ndarray) -> float:
        """Return how old a frame is."""
        return time.monotonic() - self.began - number_of(picture) / self.fps
