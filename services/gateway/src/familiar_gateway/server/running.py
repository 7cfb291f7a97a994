"""Running: the socket that is listened on, the processes, and a stop that lets answers finish."""

import logging
import multiprocessing
import multiprocessing.connection
import os
import resource
import signal
import socket
import threading

from uvicorn import Config, Server
from uvicorn.supervisors import Multiprocess

from familiar.errors import MisconfiguredError
from familiar_gateway.server.connection import Connection
from familiar_gateway.server.intake import Intake
from familiar_gateway.server.limits import Limits
from familiar_gateway.server.secure import SecureConnection

log = logging.getLogger(__name__)

_OPEN_FILES = 8_192
_SIGN_OF_LIFE_S = 120


def configuration(application: str | Intake, limits: Limits, workers: int = 1, *, secure: bool = False) -> Config:
    """Return how uvicorn is to serve an ``Intake``, or those that ``module:function`` makes for each process.

    With ``secure`` it speaks TLS, by the certificate of the ``Intake``.
    """
    return Config(
        application,
        factory=isinstance(application, str),
        interface="asgi3",
        workers=workers,
        http=SecureConnection if secure else Connection,
        ws="none",
        loop="asyncio",
        lifespan="off",
        log_config=None,
        log_level="error",  # each refusal would be a warning; the application has a line for every request
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=limits.idle_s,
        timeout_graceful_shutdown=limits.stop_s,
        timeout_worker_healthcheck=_SIGN_OF_LIFE_S,
    )


def run(factory: str, *, host: str, port: int, workers: int, limits: Limits, secure: bool = False) -> None:
    """Serve until told to stop by SIGTERM or SIGINT.

    Args:
        factory: ``module:function`` that makes the ``Intake`` of a process.
        host: name or address to listen on.
        port: 0 for any.
        workers: processes.
        limits: those of the ``Intake`` that ``factory`` makes.
        secure: whether to speak TLS, by the certificate of that ``Intake``.

    Raises:
        MisconfiguredError: nobody can listen there.
    """
    _allow_open_files()
    config = configuration(factory, limits, workers, secure=secure)
    with _listen(host, port, "HTTPS_PORT" if secure else "GATEWAY_PORT") as listener:
        log.info("listening on %s, port %d", *listener.getsockname()[:2])
        if workers > 1:
            Multiprocess(config, [listener]).run()
            return
        for number in (signal.SIGTERM, signal.SIGINT):
            # When all is done uvicorn raises the signal again that told it to stop; it need not end anything any more.
            signal.signal(number, lambda *_: None)
        Server(config).run([listener])


def end_with_parent() -> None:
    """Have this process end when the one that started it does, however that ends."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_after, args=(parent.sentinel,), daemon=True).start()


def _end_after(sentinel: int) -> None:
    multiprocessing.connection.wait([sentinel])
    os.kill(os.getpid(), signal.SIGTERM)


def _listen(host: str, port: int, chosen_by: str) -> socket.socket:
    everywhere = host == "::" and socket.has_dualstack_ipv6()
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, dualstack_ipv6=everywhere)
    except OSError as exc:
        raise MisconfiguredError(f"GATEWAY_HOST, {chosen_by}: cannot listen on {host}:{port}: {exc.strerror}") from exc


def _allow_open_files() -> None:
    """Raise the limit of open files, often a thousand at first: connections and the files of large forms are more."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _OPEN_FILES if hard == resource.RLIM_INFINITY else min(_OPEN_FILES, hard)
    if soft not in (hard, resource.RLIM_INFINITY) and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
