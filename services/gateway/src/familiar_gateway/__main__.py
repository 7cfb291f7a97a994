"""Start the gateway: ``python -m familiar_gateway``; settings come from the environment (see ``familiar.settings``)."""

import sys

from familiar.errors import MisconfiguredError


def main() -> int:
    """Serve until told to stop; the exit status tells whether it could start."""
    try:
        # The configuration comes first: it says where several processes share their metrics.
        from familiar_gateway import gunicorn_conf

        _check()
    except MisconfiguredError as exc:
        print(f"familiar-gateway: {exc}", file=sys.stderr)
        return 2
    from gunicorn.app.wsgiapp import WSGIApplication  # type: ignore[import-untyped]

    sys.argv = ["familiar-gateway", "-c", f"python:{gunicorn_conf.__name__}"]
    try:
        WSGIApplication(prog="familiar-gateway").run()
    except SystemExit as exc:
        return int(exc.code or 0)
    return 0


def _check() -> None:
    """Build everything once, so that a setting that cannot be used is said once and not by every worker."""
    from familiar.settings import Settings
    from familiar_gateway import services

    services.build(Settings.from_env()).database.close()


if __name__ == "__main__":
    sys.exit(main())
