"""Start, limits and end of the embedded server; every test has a process of its own.

Intended differences: the real server neither drains nor tells its ports, dies of an occupied one, and reports no
version of any model as available while a request holds up the unloading of another.
"""

import json
import shutil
import socket
from concurrent.futures import ThreadPoolExecutor

import grpc
import pytest

from model_server import EmbeddedServer, write_config
from target import LATEST_2, ModelFolder, Target, measured_steps_per_second
from waiting import wait_for


@pytest.fixture
def models(tmp_path):
    folder = tmp_path / "models"
    folder.mkdir()
    return folder


@pytest.fixture
def publish(models, exports):
    """publish(version): make it visible; publish(version, broken=True): without its model."""

    def make(version, broken=False):
        part = models / "m" / f".tmp-{version}"
        shutil.copytree(exports / "frozen" / str(version), part)
        if broken:
            (part / "saved_model.pb").unlink()
        part.rename(models / "m" / str(version))

    (models / "m").mkdir()
    return make


@pytest.fixture
def start(tmp_path, models):
    """start(flag, ...): run a server over the models."""
    running = []

    def run(*flags, wait=True, policy="latest { num_versions: 2 }"):
        config = write_config(tmp_path / "models.pbtxt", ("m", models / "m", policy))
        server = EmbeddedServer(tmp_path / f"server-{len(running)}", f"--model_config_file={config}", *flags, wait=wait)
        running.append(server)
        return server

    yield run
    for server in running:
        server.stop()


@pytest.fixture(scope="module")
def steps_per_second(tmp_path_factory, exports):
    """How many steps of the `slow` signature our own server does in a second; the one under test may be another."""
    folder = tmp_path_factory.mktemp("pace")
    models = folder / "models"
    shutil.copytree(exports / "frozen" / "1", models / "m" / "1")
    config = write_config(folder / "models.pbtxt", ("m", models / "m", "latest { num_versions: 2 }"))
    server = EmbeddedServer(folder / "server", f"--model_config_file={config}")
    target = Target("embedded", server.address, server.rest_address, models, str(models), poll_s=0.2)
    try:
        yield measured_steps_per_second(target, ModelFolder(target, exports, LATEST_2, "m"))
    finally:
        target.channel.close()
        server.stop()


@pytest.fixture
def seen_from_outside(models, exports):
    targets = []

    def look(server):
        target = Target("embedded", server.address, server.rest_address, models, str(models), poll_s=0.2)
        targets.append(target)
        return target, ModelFolder(target, exports, LATEST_2, "m")

    yield look
    for target in targets:
        target.channel.close()


def _future(target, message, timeout_s=120):
    method = target.channel.unary_unary(
        "/tensorflow.serving.PredictionService/Predict",
        request_serializer=lambda request: request.SerializeToString(),
    )
    return method.future(message, timeout=timeout_s)


def _in_flight(model):
    """True once the server works on a request: version 1 cannot be unloaded then."""
    return model.states().get(1) == "UNLOADING"


def test_ports_stay_closed_until_there_is_a_version(start, publish):
    server = start(wait=False)
    wait_for(lambda: "No versions of servable m found" in server.log, 60, "the first look at the folder")
    assert not server.is_open
    publish(1)
    server.wait_until_open()


def test_start_with_a_good_and_a_bad_version_serves_the_good_one(start, publish, seen_from_outside):
    publish(1)
    publish(2, broken=True)
    _, model = seen_from_outside(start())
    assert model.scale() == (1, 1)
    model.wait_until_failed(2)


def test_start_with_only_a_bad_version_in_reach_fails(start, publish):
    publish(1)
    publish(2, broken=True)
    server = start(wait=False, policy="latest { num_versions: 1 }")
    assert server.wait_for_exit() == 255
    assert "Failed to start server. Error: " in server.log


@pytest.mark.parametrize(
    ("config", "reason"),
    [
        ("model_config_list {", "Invalid protobuf file"),
        ('model_config_list { config { name: "m" base_path: "m" model_platform: "tensorflow" } }', "absolute path"),
        ('model_config_list { config { name: "m" base_path: "/m" } }', "neither ModelServerConfig::model_type"),
        ('model_config_list { config { name: "m" base_path: "/m" model_platform: "torch" } }', "torch"),
    ],
)
def test_start_with_a_wrong_configuration_fails(start, tmp_path, config, reason):
    path = tmp_path / "wrong.pbtxt"
    path.write_text(config)
    server = start(f"--model_config_file={path}", wait=False)
    assert server.wait_for_exit() == 255
    assert reason in server.log


def test_start_on_an_occupied_port_fails(start, publish):
    publish(1)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        server = start(f"--port={taken.getsockname()[1]}", wait=False)
        assert server.wait_for_exit() == 255
    assert "cannot listen" in server.log


def test_termination_while_waiting_for_a_version_exits_cleanly(start, models):
    (models / "m").mkdir()
    server = start(wait=False)
    wait_for(lambda: "No versions of servable m found" in server.log, 60, "the first look at the folder")
    server.terminate()
    assert server.wait_for_exit() == 0


def test_more_requests_than_allowed_at_once_are_turned_away(start, publish, seen_from_outside, steps_per_second):
    publish(1)
    target, model = seen_from_outside(start("--grpc_max_threads=3", "--drain_seconds=0.1"))
    slow = [_future(target, model.slow_request(3 * steps_per_second)) for _ in range(6)]
    codes = [future.code() for future in slow]
    assert codes.count(grpc.StatusCode.OK) == 2
    assert codes.count(grpc.StatusCode.RESOURCE_EXHAUSTED) == 4


def test_ports_open_early_on_request_and_the_port_file_names_them(start, publish, seen_from_outside, tmp_path):
    server = start("--open_ports_early", "--enable_batching=true", "--nonsense")
    ports = json.loads((tmp_path / "server-0" / "ports.json").read_text())
    assert ports["pid"] == server.process.pid
    assert "unknown argument: --enable_batching=true" in server.log
    assert "unknown argument: --nonsense" in server.log
    target, model = seen_from_outside(server)
    with pytest.raises(grpc.RpcError, match="Servable not found"):
        model.scale()
    publish(1)
    model.wait_until_available(1)
    assert target.http("GET", "/v1/models/m").status == 200
    server.terminate()
    assert server.wait_for_exit() == 0
    assert not (tmp_path / "server-0" / "ports.json").exists()


def test_termination_finishes_requests_in_flight_and_refuses_new_ones(
    start, publish, seen_from_outside, steps_per_second
):
    publish(1)
    # Long enough for the requests, and over before the test gives up: a client's idle connection may take all of it.
    server = start("--drain_seconds=25", "--rest_api_timeout_in_ms=120000")
    target, model = seen_from_outside(server)
    steps = int(3 * steps_per_second)
    slow = _future(target, model.slow_request(steps))
    with ThreadPoolExecutor(1) as pool:
        rest = pool.submit(target.post, "/v1/models/m:predict", {"signature_name": "slow", "inputs": steps})
        publish(2)
        publish(3)
        wait_for(lambda: _in_flight(model), 30, "the request to be in flight")
        port = int(target.address.rsplit(":", 1)[1])
        server.terminate()
        wait_for(lambda: slow.done() or not _accepts(port), 30, "new connections to be refused")
        assert slow.result()
        assert rest.result().status == 200
    assert server.wait_for_exit() == 0


def test_stuck_request_holds_up_neither_other_versions_nor_termination(
    start, publish, seen_from_outside, steps_per_second
):
    publish(1)
    server = start("--drain_seconds=0.5")
    target, model = seen_from_outside(server)
    stuck = _future(target, model.slow_request(600 * steps_per_second), timeout_s=600)
    for version in (2, 3, 4):
        publish(version)
    wait_for(lambda: model.available() == {3, 4}, 30, "newer versions to be served")
    assert model.states()[1] == "UNLOADING"
    assert model.scale() == (4, 4)
    server.terminate()
    assert server.wait_for_exit() == 0
    assert stuck.code() is not grpc.StatusCode.OK


def _accepts(port):
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True
