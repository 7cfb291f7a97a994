"""The server outlives bad peers, many clients and many versions."""

import socket
from concurrent.futures import ThreadPoolExecutor

import pytest

from target import ALL, LATEST_1
from waiting import wait_for

_PAYLOADS = (
    b"\x00\xff\xfe rubbish\r\n\r\n",
    b"GET /v1/models/m\r\n\r\n",
    b"POST /v1/models/m:predict HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
    b"POST /v1/models/m:predict HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999\r\n\r\n{",
    b"POST /v1/models/m:predict HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    b"GET /%zz%00 HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 5000 + b"\r\n",
)


@pytest.mark.parametrize("payload", _PAYLOADS, ids=[str(number) for number in range(len(_PAYLOADS))])
def test_malformed_http_does_not_harm_the_server(target, model, payload):
    host, port = target.rest_address.rsplit(":", 1)
    with socket.create_connection((host, int(port)), timeout=5) as connection:
        try:
            connection.sendall(payload)
            connection.shutdown(socket.SHUT_WR)
            connection.recv(1024)
        except OSError:
            pass  # hanging up is a fine answer
    assert target.http("GET", f"/v1/models/{model.name}").status == 200


def test_rubbish_on_the_grpc_port_does_not_harm_the_server(target, model):
    host, port = target.address.rsplit(":", 1)
    with socket.create_connection((host, int(port)), timeout=5) as connection:
        try:
            connection.sendall(b"GET / HTTP/1.1\r\n\r\n" * 100)
            connection.shutdown(socket.SHUT_WR)
            connection.recv(1024)
        except OSError:
            pass
    assert model.scale() == (2, 2)


def test_many_clients_are_answered(model):
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: model.scale(), range(200)))
    assert answers == [(2, 2)] * 200


@pytest.mark.usefixtures("embedded")
def test_memory_of_retired_versions_is_given_back(target, new_model):
    psutil = pytest.importorskip("psutil")
    process = psutil.Process(target.process.pid)
    model = new_model(1, policy=LATEST_1)

    def swap(version):
        model.publish(version, factor=1)
        wait_for(lambda: model.available() == {version}, 30, f"version {version}")
        model.retire(version - 1)

    for version in range(2, 7):
        swap(version)
    before = process.memory_info().rss
    for version in range(7, 19):
        swap(version)
    grown_mb = (process.memory_info().rss - before) / 1e6
    assert grown_mb < 30, f"12 swaps of a model of 50 kB grew the process by {grown_mb:.1f} MB"


def test_several_models_move_at_once(new_model):
    models = [new_model(1, policy=ALL) for _ in range(3)]
    for model in models:
        model.publish(2)
    for model in models:
        model.wait_until_available(1, 2)
