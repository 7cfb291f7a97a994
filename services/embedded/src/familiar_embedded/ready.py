"""Waiting for the system to be ready: ``python -m familiar_embedded.ready --url URL --timeout 120``."""

import argparse
import json
import ssl
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from familiar_embedded.errors import EmbeddedError, NotReady

DEFAULT_URL = "http://127.0.0.1:8080"
_CALL_TIMEOUT_S = 5.0
_PAUSE_S = 0.5


def wait_until_ready(url: str, timeout_s: float, ca: Path | None = None) -> None:
    """Ask ``url``/readyz until it says yes; by https, ``ca`` names the root certificate to believe.

    Raises:
        NotReady: it has not within ``timeout_s`` seconds; the message has what was missing last.
    """
    give_up_at = time.monotonic() + timeout_s
    while (missing := what_is_missing(url, ca)) is not None:
        if time.monotonic() > give_up_at:
            raise NotReady(f"{url} is not ready after {timeout_s:.0f} s: {missing}")
        time.sleep(_PAUSE_S)


def what_is_missing(url: str, ca: Path | None = None) -> str | None:
    """Return why the system at ``url`` is not ready, None if it is."""
    try:
        context = ssl.create_default_context(cafile=ca)
        with urllib.request.urlopen(f"{url}/readyz", timeout=_CALL_TIMEOUT_S, context=context):
            return None
    except urllib.error.HTTPError as exc:
        return _in_words(exc.read()) or f"/readyz answers {exc.code}"
    except (OSError, ValueError) as exc:
        return f"the gateway does not answer ({getattr(exc, 'reason', exc)})"


def asks_for_key(url: str, ca: Path | None = None) -> bool:
    """Whether the system at ``url`` asks us for a key; where it does not answer, nothing is said of one."""
    try:
        context = ssl.create_default_context(cafile=ca)
        with urllib.request.urlopen(f"{url}/v1/session", timeout=_CALL_TIMEOUT_S, context=context) as answer:
            return bool(json.load(answer)["access"] == "keys")
    except (OSError, ValueError, KeyError, TypeError):
        return False


def _in_words(body: bytes) -> str | None:
    try:
        parts: list[dict[str, Any]] = json.loads(body)["parts"]
        return ", ".join(f"{part['name']}: {part['message']}" for part in parts if not part["ok"])
    except (ValueError, KeyError, TypeError):
        return None


def main() -> int:
    """Wait; the exit status tells whether it became ready."""
    parser = argparse.ArgumentParser(prog="python -m familiar_embedded.ready", description=__doc__)
    parser.add_argument("--url", default=DEFAULT_URL, help="the gateway's address (default: %(default)s)")
    parser.add_argument("--timeout", type=float, default=120.0, metavar="S", help="how long to wait, in seconds")
    parser.add_argument("--ca", type=Path, metavar="FILE", help="the root certificate to believe for https")
    options = parser.parse_args()
    try:
        wait_until_ready(options.url.rstrip("/"), options.timeout, options.ca)
    except EmbeddedError as exc:
        print(exc, file=sys.stderr)
        return exc.exit_status
    return 0


if __name__ == "__main__":
    sys.exit(main())
