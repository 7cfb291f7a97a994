"""What is said when all is ready: commands that work as they stand, and no secret."""

import json
import shlex
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from familiar_embedded import cli
from familiar_embedded.environment import plan
from familiar_embedded.ready import asks_for_key
from familiar_embedded.state import StateFolder

from .conftest import ROOT


@contextmanager
def answering(status: int, body: bytes) -> Iterator[str]:
    """Answer every request so; return the address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status if self.path == "/v1/session" else 404)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.parametrize(
    ("status", "body", "asks"),
    [(200, json.dumps({"access": access}).encode(), access == "keys") for access in ("keys", "loopback", "open")]
    + [(200, b"{}", False), (200, b"[]", False), (200, b"no", False), (503, b"{}", False)],
)
def test_the_gateway_says_itself_whether_it_asks_for_a_key(status: int, body: bytes, asks: bool) -> None:
    with answering(status, body) as url:
        assert asks_for_key(url) is asks
    assert asks_for_key(url) is False  # nobody there any more


@pytest.fixture
def welcome(tmp_path: Path) -> Iterator[Callable[..., str]]:
    """Return the welcome of a run with an environment."""
    state = StateFolder(tmp_path / "state")

    def said(needs_key: bool, **env: str) -> str:
        prepared = plan({"GATEWAY_PORT": "0", "REDIS_URL": "redis://127.0.0.1:1/0", **env}, state, ROOT / "deploy")
        return cli._welcome(prepared, state, needs_key).format(took_s=1.0)

    yield said
    state.close()


def test_where_a_key_is_asked_for_the_commands_show_one_and_it_is_said_how_to_make_others(
    welcome: Callable[..., str], tmp_path: Path
) -> None:
    said = welcome(True)
    (asking,) = [line.partition("curl")[2] for line in said.splitlines() if "curl" in line]
    assert shlex.split(asking)[:3] == ["-s", "-H", "Authorization: Bearer $FAMILIAR_KEY"]
    assert "export FAMILIAR_KEY=fam_..." in said
    (making,) = [line for line in said.splitlines() if "familiar-keys" in line]
    assert f"DATABASE_URL='sqlite:///{tmp_path}/state/familiar.db' " in making


def test_where_none_is_asked_for_nothing_is_said_of_keys(welcome: Callable[..., str]) -> None:
    said = welcome(False)
    assert "curl -s -F" in said and "key" not in said.lower()


def test_a_database_with_a_password_is_not_shown(welcome: Callable[..., str]) -> None:
    assert "hidden" not in welcome(True, DATABASE_URL="postgresql+psycopg://familiar:hidden@localhost/familiar")
