"""The parts of the embedded run, each by itself."""

import http.server
import io
import json
import socket
import stat
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from redis import Redis

from familiar_embedded import environment, procfile, ready, redis_server
from familiar_embedded.console import Console, LineBuffer
from familiar_embedded.environment import plan
from familiar_embedded.errors import EmbeddedError, NotReady, PortTaken
from familiar_embedded.ports import free_ports, require_free
from familiar_embedded.redis_server import find_redis_server
from familiar_embedded.restart import RestartPolicy, Restarts
from familiar_embedded.state import StateFolder, running

from .conftest import ROOT


def read(tmp_path: Path, text: str) -> tuple[procfile.Entry, ...]:
    path = tmp_path / "Procfile"
    path.write_text(text)
    return procfile.read(path)


def test_a_procfile_is_names_and_commands_in_order(tmp_path: Path) -> None:
    entries = read(tmp_path, "# first\nprepare-tables: make them\n\nweb: serve --port=$PORT 'in $DIR'\n")
    assert [(entry.name, entry.is_step) for entry in entries] == [("tables", True), ("web", False)]
    assert entries[1].argv({"PORT": "80", "DIR": "a b; rm"}) == ["serve", "--port=80", "in a b; rm"]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("web serve", "Procfile:1: 'name: command' expected"),
        ("a: x\na: y", "Procfile:2: there are two lines named 'a'"),
    ],
)
def test_a_wrong_procfile_names_its_line(tmp_path: Path, text: str, sentence: str) -> None:
    with pytest.raises(EmbeddedError, match=sentence):
        read(tmp_path, text)


def test_a_name_nobody_knows_is_named(tmp_path: Path) -> None:
    (entry,) = read(tmp_path, "web: serve $PORT")
    with pytest.raises(EmbeddedError, match="web: cannot fill in 'PORT'"):
        entry.argv({})


def test_the_projects_procfile_can_be_filled_in(tmp_path: Path) -> None:
    state = StateFolder(tmp_path / "state")
    prepared = plan({"GATEWAY_PORT": "0"}, state, ROOT / "deploy")
    for entry in procfile.read(ROOT / "deploy" / "Procfile"):
        assert not any("$" in word for word in entry.argv(prepared.env))
    config = state.serving_config.read_text()
    assert f'"{state.models}/backbone"' in config
    assert f'"{state.models}/head"' in config
    state.close()


def test_what_the_environment_says_is_kept(tmp_path: Path) -> None:
    state = StateFolder(tmp_path / "state")
    given = {"DATABASE_URL": "postgresql://host/db", "MODELS_DIR": str(tmp_path / "m"), "OMP_NUM_THREADS": "7"}
    prepared = plan({"GATEWAY_PORT": "0"} | given, state, ROOT / "deploy")
    assert {name: prepared.env[name] for name in given} == given
    assert f'"{tmp_path}/m/head"' in state.serving_config.read_text()
    state.close()


def test_the_packages_server_is_preferred_to_an_installed_one(tmp_path: Path) -> None:
    _program(tmp_path / "redis-server")
    server = find_redis_server(str(tmp_path))
    assert server is not None
    version = subprocess.run([server, "--version"], capture_output=True, text=True, timeout=10, check=True).stdout
    assert "alkey server" in version


@pytest.mark.parametrize("name", ["redis-server", "valkey-server"])
def test_an_installed_server_serves_where_the_package_is_not(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(redis_server, "find_spec", lambda _: None)
    _program(tmp_path / name)
    assert find_redis_server(str(tmp_path)) == str(tmp_path / name)


def test_without_a_server_the_run_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environment, "find_redis_server", lambda _: None)
    state = StateFolder(tmp_path / "state")
    with pytest.raises(EmbeddedError, match="apt install redis-server"):
        plan({"GATEWAY_PORT": "0"}, state, ROOT / "deploy")
    for named in ({"REDIS_SERVER": "/opt/keydb"}, {"REDIS_URL": "redis://elsewhere:6379/0"}):
        assert plan({"GATEWAY_PORT": "0"} | named, state, ROOT / "deploy").env.get("REDIS_SERVER") == named.get(
            "REDIS_SERVER"
        )
    state.close()


def _program(path: Path) -> None:
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)


def test_free_ports_differ_and_can_be_listened_on() -> None:
    ports = free_ports(10)
    assert len(set(ports)) == 10
    for port in ports:
        require_free("127.0.0.1", port, "PORT")


def test_an_address_of_another_machine_cannot_be_listened_on() -> None:
    with pytest.raises(PortTaken, match=r"cannot listen on 192\.0\.2\.1:8080 \(GATEWAY_PORT\)"):
        require_free("192.0.2.1", 8080, "GATEWAY_PORT")


def test_short_runs_wait_longer_each_time_and_end_in_giving_up() -> None:
    restarts = Restarts(RestartPolicy(first_s=0.5, longest_s=2.0, healthy_s=10.0, attempts=4))
    assert [restarts.after(1.0) for _ in range(5)] == [0.5, 1.0, 2.0, 2.0, None]


def test_a_long_run_forgives_earlier_crashes() -> None:
    restarts = Restarts(RestartPolicy(first_s=0.5, longest_s=2.0, healthy_s=10.0, attempts=2))
    assert [restarts.after(run_s) for run_s in (1.0, 1.0, 60.0, 1.0)] == [0.5, 1.0, 0.5, 1.0]


def test_lines_are_kept_whole_over_reads() -> None:
    lines = LineBuffer()
    assert lines.feed(b"one\ntw") == ["one"]
    assert lines.feed(b"o\r\n\xff\xc3") == ["two"]
    assert lines.feed(b"\xa9") == []
    assert lines.feed(b"") == ["\ufffdé"]
    assert lines.feed(b"") == []


def test_lines_have_one_prefix_one_time_and_no_colour_outside_a_terminal() -> None:
    stream = io.StringIO()
    console = Console(stream, ["redis", "modelserver"])
    console.line("redis", "12:M 22 Nov 2026 20:18:36.158 # started")
    console.line("modelserver", "2026-11-22 20:15:53,076 INFO ready")
    console.line("modelserver", "I0000 00:00:1795378709.669799 1839 devices.cc:76] noise")
    console.say("two\nlines")
    texts = [line[9:] for line in stream.getvalue().splitlines()]
    assert texts == ["redis       | # started", "modelserver | INFO ready", "familiar    | two", "familiar    | lines"]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_gets_a_colour_for_each_service(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    stream = Terminal()
    console = Console(stream, ["a", "b"])
    console.line("a", "x")
    console.line("b", "x")
    first, second = (line.partition("m")[0] for line in stream.getvalue().splitlines())
    assert first.startswith("\x1b[")
    assert first != second


def test_the_state_folder_tells_who_runs_there_until_it_is_closed(tmp_path: Path) -> None:
    state = StateFolder(tmp_path / "state")
    state.announce("http://127.0.0.1:1")
    assert running(state.path)["url"] == "http://127.0.0.1:1"
    state.close()
    assert running(state.path) == {}
    StateFolder(tmp_path / "state").close()


def test_nobody_else_looks_into_a_state_folder_whatever_it_was_like_before(tmp_path: Path) -> None:
    for path in ("state", "state/redis", "state/models"):
        (tmp_path / path).mkdir(mode=0o755)
    (tmp_path / "state").chmod(0o755)
    state = StateFolder(tmp_path / "state")
    assert stat.S_IMODE(state.path.stat().st_mode) == 0o700
    state.close()


@pytest.mark.parametrize("depth", [0, 12])
def test_the_queues_socket_has_a_short_path_in_a_folder_of_ours_alone(tmp_path: Path, depth: int) -> None:
    with tempfile.TemporaryDirectory() as near:
        folder = tmp_path.joinpath(*["a rather long name"] * depth) if depth else Path(near, "a b")
        check_the_socket(folder, in_the_folder=not depth)


def check_the_socket(folder: Path, *, in_the_folder: bool) -> None:
    state = StateFolder(folder)
    place = state.redis_socket.parent
    assert len(str(state.redis_socket)) <= 103
    assert place.is_relative_to(folder) == in_the_folder
    private = folder if in_the_folder else place
    assert stat.S_IMODE(private.stat().st_mode) == 0o700
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(state.redis_socket))
    url = plan({"GATEWAY_PORT": "0"}, state, ROOT / "deploy").env["REDIS_URL"]
    assert Redis.from_url(url).connection_pool.connection_kwargs["path"] == str(state.redis_socket)
    state.close()
    again = StateFolder(folder)
    assert again.redis_socket == state.redis_socket
    again.close()
    assert place.exists() == in_the_folder, "what lies outside the state folder is removed"


def test_a_place_for_the_socket_that_somebody_else_has_made_is_not_used(tmp_path: Path) -> None:
    folder = tmp_path / "/".join(["a rather long name"] * 12) / "state"
    state = StateFolder(folder)
    place = state.redis_socket.parent
    state.close()
    place.symlink_to(tmp_path)
    try:
        with pytest.raises(EmbeddedError, match="somebody else"):
            StateFolder(folder)
    finally:
        place.unlink()


def test_a_state_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(EmbeddedError, match="FAMILIAR_STATE"):
        StateFolder(tmp_path / "file" / "state")


@pytest.fixture
def gateway() -> Iterator[tuple[str, dict]]:
    """A gateway whose readiness the test sets."""
    says: dict = {"ready": False, "parts": []}

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200 if says["ready"] else 503)
            self.end_headers()
            self.wfile.write(json.dumps(says).encode())

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", says
    server.shutdown()
    thread.join()
    server.server_close()


def test_waiting_ends_when_the_system_is_ready(gateway: tuple[str, dict]) -> None:
    url, says = gateway
    says["ready"] = True
    ready.wait_until_ready(url, 5.0)


def test_what_is_missing_is_named(gateway: tuple[str, dict]) -> None:
    url, says = gateway
    says["parts"] = [
        {"name": "database", "ok": True, "message": "fine"},
        {"name": "queue", "ok": False, "message": "Redis does not answer"},
    ]
    with pytest.raises(NotReady, match=r"not ready after 0 s: queue: Redis does not answer$"):
        ready.wait_until_ready(url, 0.0)


def test_a_gateway_that_is_not_there_is_said_to_be_so() -> None:
    with pytest.raises(NotReady, match="the gateway does not answer"):
        ready.wait_until_ready(f"http://127.0.0.1:{free_ports(1)[0]}", 0.0)
