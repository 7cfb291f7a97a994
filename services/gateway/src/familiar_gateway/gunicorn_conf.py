"""How gunicorn runs the gateway: threads in few processes, everything bounded, a stop that lets answers finish.

``python -m familiar_gateway`` uses it, and ``gunicorn -c python:familiar_gateway.gunicorn_conf`` may.
"""

import os
import shutil
import signal
import tempfile
from pathlib import Path
from types import FrameType
from typing import Any

from familiar.settings import Settings
from familiar_gateway.memory import advise_allocator

_settings = Settings.from_env()
_METRICS_DIR = "PROMETHEUS_MULTIPROC_DIR"
_own_metrics_dir = tempfile.mkdtemp(prefix="familiar-metrics-") if _settings.workers > 1 else None
if _own_metrics_dir and _METRICS_DIR not in os.environ:
    # Several processes add up their metrics in files; the client library looks for the folder when it is imported.
    os.environ[_METRICS_DIR] = _own_metrics_dir
_SHARED_MEMORY = Path("/dev/shm")

wsgi_app = "familiar_gateway.app:from_env()"
bind = [f"{_settings.host}:{_settings.port}"]
workers = _settings.workers
worker_class = "gthread"
threads = _settings.threads
# The sign of life of a worker is a file; on a disk that is busy it could come too late.
worker_tmp_dir = str(_SHARED_MEMORY) if os.access(_SHARED_MEMORY, os.W_OK) else None
timeout = 120
graceful_timeout = 20
keepalive = 15
backlog = 256
limit_request_line = 4094
limit_request_fields = 100
# Each process opens its own connections: gRPC does not survive a fork.
preload_app = False
accesslog = None
loglevel = _settings.log_level.lower()
control_socket_disable = True


def post_fork(_server: Any, _worker: Any) -> None:
    """Set up the allocator before anything large is allocated."""
    advise_allocator()


def post_worker_init(worker: Any) -> None:
    """Have event streams end when the worker is asked to stop, rather than hold it up until the grace is over."""
    from familiar_gateway.web import KEY

    stopping = worker.wsgi.extensions[KEY].streams.stopping
    stop = signal.getsignal(signal.SIGTERM)

    def stop_streams(number: int, frame: FrameType | None) -> None:
        stopping.set()
        if callable(stop):
            stop(number, frame)

    signal.signal(signal.SIGTERM, stop_streams)


def child_exit(_server: Any, worker: Any) -> None:
    """Forget the gauges of a process that ended, where several share their metrics."""
    if _METRICS_DIR in os.environ:
        from prometheus_client import multiprocess

        multiprocess.mark_process_dead(worker.pid)  # type: ignore[no-untyped-call]


def on_exit(_server: Any) -> None:
    """Remove the folder of the shared metrics."""
    if _own_metrics_dir:
        shutil.rmtree(_own_metrics_dir, ignore_errors=True)
