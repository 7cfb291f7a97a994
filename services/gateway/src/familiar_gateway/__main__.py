"""Start the gateway: ``python -m familiar_gateway``; settings come from the environment (see ``familiar.settings``)."""

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from familiar.errors import MisconfiguredError
from familiar.scratch import own_folder
from familiar.settings import Settings

_METRICS_DIR = "PROMETHEUS_MULTIPROC_DIR"


def main() -> int:
    """Serve until told to stop; the exit status tells whether it could start."""
    try:
        settings = Settings.from_env()
        with _shared_metrics(settings.workers):
            _serve(settings)
    except MisconfiguredError as exc:
        print(f"familiar-gateway: {exc}", file=sys.stderr)
        return 2
    return 0


def _serve(settings: Settings) -> None:
    from familiar_gateway import access, app, front, server, services

    # Everything is built once here, so that a setting that cannot be used is said once and not by every process.
    its = services.build(settings)
    app.create_app(its)
    front.begin_to_log(settings)
    access.announce_first_key(its.database, access.mode_of(settings), lambda text: print(text, flush=True))
    its.database.close()
    server.run(
        f"{front.__name__}:{front.from_env.__name__}",
        host=settings.host,
        port=settings.https_port if settings.https else settings.port,
        workers=settings.workers,
        limits=front.LIMITS,
        secure=bool(settings.https),
    )


@contextmanager
def _shared_metrics(workers: int) -> Iterator[None]:
    """Have several processes add up their metrics in files; the client library looks for them when it is imported.

    Files of a gateway that was killed are removed by the next.
    """
    if workers == 1 or _METRICS_DIR in os.environ:
        yield
        return
    with own_folder(Path(tempfile.gettempdir()), "familiar-metrics-") as folder:
        os.environ[_METRICS_DIR] = str(folder)
        yield


if __name__ == "__main__":
    sys.exit(main())
