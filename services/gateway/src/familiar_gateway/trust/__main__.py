"""Keep certificates and lead from http to https: ``python -m familiar_gateway.trust [--once]``."""

import argparse
import os
import sys

from familiar.errors import MisconfiguredError
from familiar.settings import Settings
from familiar_gateway import server
from familiar_gateway.trust import door
from familiar_gateway.trust.keeper import Keeper


def main() -> int:
    """Keep certificates until told to stop; the exit status tells whether that could begin."""
    parser = argparse.ArgumentParser(prog="python -m familiar_gateway.trust", description=__doc__)
    parser.add_argument("--once", action="store_true", help="see that there is a certificate, and end")
    options = parser.parse_args()
    os.umask(0o077)
    try:
        settings = Settings.from_env()
        door.begin_to_log(settings)
        keeper = Keeper(settings)
        if options.once:
            print(f"root certificate {settings.root_file}, SHA-256 {keeper.authority.fingerprint}")
            return 0
        factory = f"{door.__name__}:{door.from_env.__name__}"
        server.run(factory, host=settings.host, port=settings.port, workers=1, limits=door.LIMITS)
    except MisconfiguredError as exc:
        print(f"familiar-trust: {exc}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
