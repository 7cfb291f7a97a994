"""`make run HTTPS=1`: the gateway speaks https, the port for http leads there, and everything of ours finds it."""

import re
import socket
import ssl
import stat
import subprocess
import urllib.error
import urllib.request
from collections.abc import Callable
from http.client import HTTPConnection
from pathlib import Path

import pytest

from familiar_embedded import cli, demo, environment, procfile, ready
from familiar_embedded.environment import plan
from familiar_embedded.errors import NotReady, PortTaken
from familiar_embedded.ports import free_ports
from familiar_embedded.state import StateFolder, running

from .conftest import ROOT, Run, eventually

REAL = {entry.split(":")[0]: entry for entry in (ROOT / "deploy" / "Procfile").read_text().splitlines()}
TRUE_PARTS = "".join(f"{REAL[name]}\n" for name in ("prepare-database", "prepare-certificates", "gateway", "door"))


@pytest.fixture
def port() -> str:
    return str(free_ports(1)[0])


@pytest.fixture
def planned(tmp_path: Path, port: str) -> tuple[StateFolder, environment.Plan]:
    state = StateFolder(tmp_path / "state")
    return state, plan({"GATEWAY_PORT": "0", "HTTPS": "1", "HTTPS_PORT": port}, state, ROOT / "deploy")


def test_without_it_nothing_that_has_to_do_with_certificates_is_started(tmp_path: Path) -> None:
    state = StateFolder(tmp_path / "state")
    prepared = plan({"GATEWAY_PORT": "0"}, state, ROOT / "deploy")
    started = [e for e in procfile.read(ROOT / "deploy" / "Procfile") if e.name not in prepared.left_out]
    assert not any("familiar_gateway.trust" in entry.words for entry in started)
    assert prepared.url.startswith("http://127.0.0.1:") and prepared.ca is None and prepared.trust is None
    state.close()


@pytest.mark.parametrize("told", [True, False])
def test_the_messenger_is_started_where_a_file_says_whom_to_tell(tmp_path: Path, told: bool) -> None:
    state = StateFolder(tmp_path / "state")
    base = {"GATEWAY_PORT": "0", **({"EVENTS": "on", "EVENTS_FILE": "events.yml"} if told else {})}
    prepared = plan(base, state, ROOT / "deploy")
    started = [e for e in procfile.read(ROOT / "deploy" / "Procfile") if e.name not in prepared.left_out]
    assert any("familiar_gateway.messenger" in entry.words for entry in started) is told
    state.close()


def test_with_it_the_certificate_is_there_before_the_gateway_and_the_door_beside_it(
    planned: tuple[StateFolder, environment.Plan], port: str
) -> None:
    state, prepared = planned
    started = [e for e in procfile.read(ROOT / "deploy" / "Procfile") if e.name not in prepared.left_out]
    names = [entry.name for entry in started]
    assert names.index("certificates") < names.index("gateway") and "door" in names
    assert prepared.url == f"https://127.0.0.1:{port}"
    assert prepared.ca == state.certificates / "root.pem" and prepared.env["FAMILIAR_CA"] == str(prepared.ca)
    state.close()


def test_a_taken_port_for_https_is_named(tmp_path: Path) -> None:
    state = StateFolder(tmp_path / "state")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(PortTaken, match=rf"port {port} .*HTTPS_PORT="):
            plan({"GATEWAY_PORT": "0", "HTTPS": "1", "HTTPS_PORT": str(port)}, state, ROOT / "deploy")
    state.close()


@pytest.mark.parametrize(
    ("host", "machine", "called"),
    [("127.0.0.1", "door", "127.0.0.1"), ("0.0.0.0", "Door", "door.local"),
     ("::", "door.example.org", "door.example.org")],
)  # fmt: skip
def test_other_devices_are_told_where_to_get_the_root(
    host: str, machine: str, called: str, tmp_path: Path, port: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(environment.socket, "gethostname", lambda: machine)
    state = StateFolder(tmp_path / "state")
    base = {"GATEWAY_HOST": host, "GATEWAY_PORT": "0", "HTTPS": "1", "HTTPS_PORT": port}
    prepared = plan(base, state, ROOT / "deploy")
    where = f"http://{called}:{prepared.env['GATEWAY_PORT']}/certificate"
    assert prepared.trust == where
    welcome = cli._welcome(prepared, state, False).format(took_s=1.0)
    assert where in welcome and f"--cacert {prepared.ca}" in welcome and f"FAMILIAR_CA={prepared.ca}" in welcome
    state.close()


def test_the_run_speaks_https_and_its_port_for_http_leads_there(
    run: Callable[..., Run], tmp_path: Path, port: str
) -> None:
    here = run(TRUE_PARTS, HTTPS="1", HTTPS_PORT=port, REDIS_URL="redis://127.0.0.1:1/0", SERVING_ADDR="127.0.0.1:1")
    root, key = (tmp_path / "state" / "certificates" / name for name in ("root.pem", "server.pem"))

    def health() -> int | None:
        try:
            context = ssl.create_default_context(cafile=root)
            with urllib.request.urlopen(f"https://127.0.0.1:{port}/healthz", context=context, timeout=5) as answer:
                return int(answer.status)
        except (OSError, urllib.error.URLError):
            return None

    eventually(lambda: health() == 200, "the gateway answers by https")
    eventually(lambda: here.text().count("listening on") == 2, "the door is open")
    ports = {int(number) for number in re.findall(r"listening on 127\.0\.0\.1, port (\d+)", here.text())}
    (http,) = ports - {int(port)}
    door = HTTPConnection("127.0.0.1", http, timeout=10)
    door.request("POST", "/v1/recognize?x=1", b"a" * 200_000)
    answer = door.getresponse()
    assert (answer.status, answer.getheader("Location")) == (308, f"https://127.0.0.1:{port}/v1/recognize?x=1")
    answer.read()
    door.request("GET", "/certificate/familiar-root.pem")
    assert door.getresponse().read() == root.read_bytes()
    door.close()
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "state" / "authority" / "authority.pem").stat().st_mode) == 0o600
    with pytest.raises(NotReady, match=r"Redis|queue"):
        ready.wait_until_ready(f"https://127.0.0.1:{port}", 0.0, root)
    with pytest.raises(NotReady, match="certificate verify failed"):
        ready.wait_until_ready(f"https://127.0.0.1:{port}", 0.0)
    assert running(tmp_path / "state")["ca"] == str(root)
    here.interrupt()
    assert here.wait() == 0


def test_the_demonstration_believes_the_root_of_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    state = StateFolder(tmp_path / "state")
    state.announce("https://127.0.0.1:1", tmp_path / "root.pem")
    monkeypatch.setenv("FAMILIAR_STATE", str(tmp_path / "state"))
    monkeypatch.delenv("FAMILIAR_SERVER", raising=False)
    monkeypatch.delenv("FAMILIAR_CA", raising=False)
    made: list[Path | None] = []
    monkeypatch.setattr(demo, "Server", lambda url, **given: made.append(given["ca"]) or _stopped(url))
    assert demo.main([]) != 0
    assert made == [tmp_path / "root.pem"]
    state.close()


def _stopped(url: str) -> None:
    raise NotReady(url)


@pytest.mark.parametrize(
    ("given", "said"),
    [(["HOST=0.0.0.0"], "0.0.0.0"), ([], ""), (["GATEWAY_HOST=10.0.0.5"], "10.0.0.5"), (["HTTPS=1"], "")],
)
def test_make_takes_the_host_from_its_command_line_and_never_from_a_shells_own_variable(
    given: list[str], said: str, tmp_path: Path
) -> None:
    (tmp_path / "bin").mkdir()
    program = tmp_path / "bin" / "python"
    program.write_text('#!/bin/sh\necho "host=$GATEWAY_HOST https=$HTTPS"\n')
    program.chmod(0o755)
    ready_made = tmp_path / ".run"
    ready_made.touch()
    command = ["make", "-s", "-C", str(ROOT), "-o", str(ready_made), "run", f"VENV={tmp_path}", *given]
    told = {"PATH": "/usr/bin:/bin", "HOST": "machine.of.the.shell"}
    done = subprocess.run(command, env=told, capture_output=True, text=True, timeout=30, check=True)
    assert done.stdout.strip() == f"host={said} https={'1' if 'HTTPS=1' in given else ''}"
