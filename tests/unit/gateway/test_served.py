"""The gateway as it really runs: processes, threads, sockets; only what stands behind it is fake."""

import http.client
import json
import os
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from bad_input.cases import all_cases
from bad_input.firing import fire, refusal
from bad_input.request import Case
from familiar.records import Database, sightings
from familiar.records.migrate import migrate

_HERE = Path(__file__).parent
_START_TIMEOUT_S = 90.0
_STOP_TIMEOUT_S = 15.0
# What the heap of eight threads may keep of a flood; a body of 101 MB held anywhere would show.
_MAX_GROWTH_BYTES = 60_000_000


@dataclass
class Server:
    """A gateway that is served."""

    process: subprocess.Popen[bytes]
    port: int
    names: dict[str, str]
    log: Path

    def ask(self, method: str, path: str, body: bytes = b"", **headers: str) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def memory_bytes(self) -> int:
        return int(psutil.Process(self.process.pid).memory_info().rss)


def wait_until(condition: Callable[[], bool], timeout_s: float, why: Callable[[], str]) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, why()
        time.sleep(0.05)


@pytest.fixture(scope="module")
def start(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[], Server]]:
    """Start gateways; all are stopped at the end."""
    started: list[subprocess.Popen[bytes]] = []

    def run() -> Server:
        folder = tmp_path_factory.mktemp("gateway")
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        env = {
            **os.environ, "FAMILIAR_TEST_DIR": str(folder),
            "PYTHONPATH": os.pathsep.join([str(_HERE), str(_HERE.parents[1]), *sys.path]),
        }  # fmt: skip
        command = [sys.executable, str(_HERE / "gateway_over_fakes.py"), str(port)]
        log = folder / "log"
        with log.open("wb") as output:
            process = subprocess.Popen(command, cwd=_HERE, env=env, stdout=output, stderr=output)
        started.append(process)
        ready = folder / "names.json"
        wait_until(lambda: ready.exists() or process.poll() is not None, _START_TIMEOUT_S, log.read_text)
        assert process.poll() is None, log.read_text()
        server = Server(process, port, json.loads(ready.read_text()), log)

        def answers() -> bool:
            try:
                return server.ask("GET", "/healthz")[0] == 200
            except OSError:
                return False

        wait_until(answers, _START_TIMEOUT_S, log.read_text)
        return server

    yield run
    for process in started:
        if process.poll() is None:
            process.kill()
        process.wait()


@pytest.fixture(scope="module")
def server(start: Callable[[], Server]) -> Server:
    """One gateway for all tests that leave it as it was."""
    return start()


def fire_all(server: Server, cases: list[Case], threads: int) -> list[str]:
    def one(case: Case) -> str | None:
        try:
            return refusal(case, *fire("127.0.0.1", server.port, case, server.names))
        except (OSError, http.client.HTTPException, ValueError) as exc:
            return f"{case.name}: {type(exc).__name__} {exc}"

    with ThreadPoolExecutor(threads) as pool:
        return [wrong for wrong in pool.map(one, cases) if wrong is not None]


def test_a_flood_of_bad_requests_is_refused_one_by_one_and_memory_stays_flat(server: Server):
    cases = all_cases()
    assert fire_all(server, cases, threads=8) == []
    before = server.memory_bytes()
    assert fire_all(server, cases, threads=8) == []
    grown = server.memory_bytes() - before
    assert grown < _MAX_GROWTH_BYTES, f"{grown / 1e6:.0f} MB more"
    assert b"Traceback" not in server.log.read_bytes()
    assert server.ask("GET", "/healthz")[0] == 200


def test_a_client_that_stops_in_the_middle_of_its_body_holds_up_nobody(server: Server):
    stuck = []
    for _ in range(20):  # there are four threads
        connection = socket.create_connection(("127.0.0.1", server.port))
        connection.sendall(b"POST /v1/recognize HTTP/1.1\r\nHost: x\r\nContent-Type: image/jpeg\r\n"
                           b"Content-Length: 1000\r\n\r\nhalf")  # fmt: skip
        stuck.append(connection)
    assert server.ask("GET", "/healthz")[0] == 200
    assert server.ask("POST", "/v1/recognize", b"no picture")[0] == 415
    for connection in stuck:
        connection.close()


@pytest.mark.parametrize(
    ("request_", "status", "code"),
    [
        (b"GET /healthz/v1/people HTTP/1.1\r\nHost: localhost\r\nSCRIPT_NAME: /healthz\r\n", 404, "route_not_found"),
        (b"GET /v1/people HTTP/1.1\r\nHost: evil.example\r\n", 403, "host_not_allowed"),
        (
            b"POST /v1/models/2/rollback HTTP/1.1\r\nHost: localhost\r\nOrigin: http://evil.example\r\n",
            403,
            "cross_site",
        ),
        (b"BREW /v1/people HTTP/1.1\r\nHost: localhost\r\n", 405, "method_not_allowed"),
        (b"POST /v1/recognize HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: gzip\r\n", 400, "invalid_request"),
        (b"GET http://localhost/healthz HTTP/1.1\r\nHost: evil.example\r\n", 200, None),
        (b"GET http://evil.example/healthz HTTP/1.1\r\nHost: localhost\r\n", 403, "host_not_allowed"),
        (b"GET http://localhost@evil.example/healthz HTTP/1.1\r\nHost: localhost\r\n", 403, "host_not_allowed"),
        (
            b"DELETE http://localhost/v1/people/1 HTTP/1.1\r\nHost: evil.example\r\nOrigin: http://evil.example\r\n",
            403,
            "cross_site",
        ),
        (b"POST /v1/enroll HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000001\r\n", 413, "too_large"),
        (b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\nHost: localhost\r\n", 414, "too_large"),
        (b"GET /healthz HTTP/1.0\r\n", 200, None),
    ],
)
def test_whatever_refuses_a_request_says_so_in_the_one_error_body(server: Server, request_, status, code):
    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as connection:
        connection.sendall(request_ + b"Connection: close\r\n\r\n")
        answer = http.client.HTTPResponse(connection)
        answer.begin()
        said = json.loads(answer.read())
    assert answer.status == status and said.get("error", {}).get("code") == code
    assert code is None or said["error"]["request_id"] == answer.headers["X-Request-Id"]


def test_a_stop_ends_event_streams_and_leaves_with_status_zero(start: Callable[[], Server]):
    server = start()
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    connection.request("GET", f"/v1/enrollments/{server.names['enrollment']}/events")
    answer = connection.getresponse()
    assert answer.status == 200 and answer.readline().startswith(b"retry:")
    rest: list[bytes] = []
    reader = threading.Thread(target=lambda: rest.append(answer.read()), daemon=True)
    reader.start()
    server.process.terminate()
    assert server.process.wait(_STOP_TIMEOUT_S) == 0
    reader.join(_STOP_TIMEOUT_S)
    assert rest and b"event: state" in rest[0]
    connection.close()


def test_a_stop_writes_down_who_was_recognised_just_before(start: Callable[[], Server], collins_frames: list[bytes]):
    server = start()
    status, _ = server.ask("POST", "/v1/recognize", collins_frames[0], **{"Content-Type": "image/jpeg"})
    server.process.terminate()
    assert (status, server.process.wait(_STOP_TIMEOUT_S)) == (200, 0)
    database = Database(f"sqlite:///{server.log.parent}/familiar.db")
    with database.read() as session:
        assert sightings.count(session) == 1
    database.close()


def run_main(folder: Path, **env: str) -> subprocess.Popen[bytes]:
    """Start the real command; nothing stands behind it but a database."""
    wanted = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "DATABASE_URL": f"sqlite:///{folder}/f.db", **env}
    with (folder / "log").open("wb") as output:
        return subprocess.Popen([sys.executable, "-m", "familiar_gateway"], env=wanted, stdout=output, stderr=output)


def test_several_processes_add_up_their_metrics_and_clean_up_behind_them_and_behind_who_was_killed(tmp_path: Path):
    (tmp_path / "tmp" / "familiar-metrics-of-the-dead").mkdir(parents=True)
    (tmp_path / "tmp" / "familiar-metrics-of-the-dead" / "counter_1.db").touch()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = run_main(tmp_path, GATEWAY_PORT=str(port), GATEWAY_WORKERS="2", TMPDIR=str(tmp_path / "tmp"))
    server = Server(process, port, {}, tmp_path / "log")
    asked = [0]

    def count() -> int:
        asked[0] += 1
        return server.ask("GET", "/healthz")[0]

    def answers() -> bool:
        try:
            return count() == 200
        except OSError:
            asked[0] -= 1
            return False

    try:
        wait_until(answers, _START_TIMEOUT_S, server.log.read_text)
        for _ in range(20):
            count()
        line = f'familiar_request_seconds_count{{code="200",method="GET",route="/healthz"}} {asked[0]}.0'
        assert line in server.ask("GET", "/metrics")[1].decode()
        assert len(list((tmp_path / "tmp").iterdir())) == 1, "the one that is left of whoever was killed is gone"
    finally:
        process.terminate()
        status = process.wait(_STOP_TIMEOUT_S)
    assert status == 0
    assert not list((tmp_path / "tmp").iterdir())


def test_several_processes_end_with_the_one_that_started_them(tmp_path: Path):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = run_main(tmp_path, GATEWAY_PORT=str(port), GATEWAY_WORKERS="2", TMPDIR=str(tmp_path))
    server = Server(process, port, {}, tmp_path / "log")

    def answers() -> bool:
        try:
            return server.ask("GET", "/healthz")[0] == 200
        except OSError:
            return False

    started: list[psutil.Process] = []
    try:
        wait_until(answers, _START_TIMEOUT_S, server.log.read_text)
        started = psutil.Process(process.pid).children(recursive=True)
        process.kill()
        process.wait(_STOP_TIMEOUT_S)
        wait_until(lambda: not any(each.is_running() for each in started), _STOP_TIMEOUT_S, server.log.read_text)
    finally:
        for each in started:
            if each.is_running():
                each.kill()
    assert len(started) >= 2


def test_where_others_can_come_the_first_key_is_said_at_the_first_start_and_opens_everything(tmp_path: Path):
    database = Database(f"sqlite:///{tmp_path}/f.db")
    migrate(database)
    database.close()
    said = []
    for _ in range(2):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        process = run_main(tmp_path, GATEWAY_HOST="0.0.0.0", GATEWAY_PORT=str(port))
        server = Server(process, port, {}, tmp_path / "log")

        def answers(server: Server = server) -> bool:
            try:
                return server.ask("GET", "/healthz")[0] == 200
            except OSError:
                return False

        try:
            wait_until(answers, _START_TIMEOUT_S, server.log.read_text)
            said.append(re.findall(r"fam_[\w-]+", server.log.read_text()))
            shown = {"Authorization": f"Bearer {said[0][0]}"}
            assert server.ask("GET", "/v1/people")[0] == 401
            assert server.ask("GET", "/v1/people", **shown)[0] == 200
            assert server.ask("GET", "/v1/keys", **shown)[0] == 200
        finally:
            process.terminate()
            process.wait(_STOP_TIMEOUT_S)
    assert [len(each) for each in said] == [1, 0]


@pytest.mark.parametrize(
    "name,value",
    [("GATEWAY_PORT", "http"), ("DATABASE_URL", "nonsense"), ("DETECTOR", "/none"), ("ACCESS", "none"),
     ("TRUSTED_PROXIES", "door.lan"), ("CORS_ORIGINS", "*")],
)  # fmt: skip
def test_a_setting_that_cannot_be_used_ends_the_start_and_names_itself(tmp_path: Path, name, value):
    process = run_main(tmp_path, **{name: value})
    assert process.wait(_START_TIMEOUT_S) == 2
    log = (tmp_path / "log").read_text()
    assert name in log and "Traceback" not in log
