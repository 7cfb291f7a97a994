"""Start the gateway: ``python -m familiar_gateway``; settings come from the environment (see ``familiar.settings``)."""

import os
import sys
import tempfile

from familiar.errors import MisconfiguredError
from familiar.settings import Settings


def main() -> int:
    """Serve until told to stop; the exit status tells whether it could start."""
    try:
        settings = Settings.from_env()
        from familiar_gateway import services

        services.build(settings).database.close()  # a setting that cannot be used is said once, before any worker
    except MisconfiguredError as exc:
        print(f"familiar-gateway: {exc}", file=sys.stderr)
        return 2
    if settings.workers == 1:
        return _serve()
    with tempfile.TemporaryDirectory(prefix="familiar-metrics-") as folder:
        os.environ.setdefault("PROMETHEUS_MULTIPROC_DIR", folder)
        return _serve()


def _serve() -> int:
    from gunicorn.app.wsgiapp import WSGIApplication  # type: ignore[import-untyped]

    sys.argv = ["familiar-gateway", "-c", "python:familiar_gateway.gunicorn_conf"]
    try:
        WSGIApplication(prog="familiar-gateway").run()
    except SystemExit as exc:
        return int(exc.code or 0)
    return 0


if __name__ == "__main__":
    sys.exit(main())
