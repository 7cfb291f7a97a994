"""Whoever has no key costs little: a long body is not read before it is known that somebody may send it."""

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from access_table import NOBODY, operations
from doorkeeping import bearer, give_key, let_expire, revoke
from gateway_world import MakeWorld, World
from served_app import Answer, Client, served, wait_until

from familiar.scope import Scope
from familiar.settings import Settings
from familiar_gateway import front, server
from familiar_gateway.server import bodies
from familiar_gateway.trust import door
from familiar_gateway.trust.keeper import Keeper
from portraits import jpeg

LONG = 40_000_000
LIMITS = server.Limits(head_s=5.0, body_s=30.0, linger_s=1.0)
CHANGES = [(method, re.sub(r"\{\w+\}", NOBODY, path.replace("{version}", "999999")))
           for method, path in operations() if method != "GET"]  # fmt: skip


class Gateway:
    """A gateway that is served and asks for keys."""

    def __init__(self, world: World, port: int, intake: server.Intake) -> None:
        self.world = world
        self.port = port
        self.room = intake.room

    def begin(self, method: str, path: str, size: int | None = LONG, **headers: str) -> Client:
        """Return a connection over which a long body was announced, None for one in chunks, and its first part sent."""
        said = {"Content-Type": "image/jpeg", **headers}
        said |= {"Transfer-Encoding": "chunked"} if size is None else {"Content-Length": str(size)}
        head = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in said.items())
        client = Client(self.port)
        client.send(f"{method} {path} HTTP/1.1\r\nHost: localhost\r\n{head}\r\n".encode())
        if "Expect" in headers:
            return client
        part = bytes(20_000)
        return client.send(b"%x\r\n%b\r\n" % (len(part), part) if size is None else part)


@contextmanager
def gateway_of(world: World) -> Iterator[Gateway]:
    intake = front.before(world.client.application, world.services, LIMITS)
    with served(intake) as (port, _):
        yield Gateway(world, port, intake)


@pytest.fixture
def gateway(make_world: MakeWorld) -> Iterator[Gateway]:
    with gateway_of(make_world(access="keys")) as running:
        yield running


@pytest.fixture
def files(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """The files that bodies are written to."""
    made: list[object] = []
    real = bodies.tempfile.TemporaryFile
    monkeypatch.setattr(bodies.tempfile, "TemporaryFile", lambda: made.append(real()) or made[-1])
    return made


def code(answer: Answer) -> tuple[int, str]:
    return answer.status, json.loads(answer.body)["error"]["code"]


@pytest.mark.parametrize("size", [LONG, 1_000_000, None], ids=["long", "a megabyte", "chunks"])
def test_without_a_key_nobody_s_body_is_waited_for(gateway: Gateway, files: list[object], size: int | None):
    for method, path in [*CHANGES, ("GET", "/v1/jobs"), ("POST", "/nowhere"), ("PUT", "/v1/recognize")]:
        with gateway.begin(method, path, size) as client:
            if path == "/v1/session" and size is None:
                continue  # what everybody may send is read, as long as it is short
            status, said = code(client.answer())  # though the rest never comes
            refused = {(401, "key_required"), (404, "route_not_found"), (405, "method_not_allowed")}
            assert (status, said) in refused | ({(413, "too_large")} if size else set()), (method, path)
    assert files == [] and gateway.room._taken == 0


def test_what_everybody_may_ask_for_takes_no_long_body(gateway: Gateway, files: list[object]):
    for method, path in (("POST", "/v1/session"), ("GET", "/healthz"), ("GET", "/docs"), ("GET", "/readyz"),
                         ("OPTIONS", "/v1/enroll"), ("OPTIONS", "/nowhere")):  # fmt: skip
        with gateway.begin(method, path, 65_537) as client:
            assert code(client.answer()) == (413, "too_large"), (method, path)
    assert files == []


def test_each_reason_to_keep_somebody_out_is_said_before_the_body(gateway: Gateway, files: list[object]):
    revoked, expired, other = (give_key(gateway.world, name=name) for name in ("revoked", "expired", "other"))
    revoke(gateway.world, revoked[0])
    let_expire(gateway.world, expired[0])
    people = give_key(gateway.world, Scope.PEOPLE, name="people")[1]
    for headers, expected in (
        (bearer("fam_wrong"), (401, "key_unknown")),
        (bearer(revoked[1]), (401, "key_revoked")),
        (bearer(expired[1]), (401, "key_expired")),
        ({"Cookie": "familiar-session=abc"}, (401, "session_over")),
        (bearer(people), (403, "scope_missing")),
        ({**bearer(other[1]), "Origin": "http://evil.example"}, (403, "cross_site")),
        ({**bearer(other[1]), "Host": "evil.example"}, (400, "invalid_request")),  # two hosts
    ):
        with gateway.begin("POST", "/v1/recognize", 10_000_000, **headers) as client:
            assert code(client.answer()) == expected
    assert files == []


def test_whoever_waits_to_be_asked_for_the_body_is_not_asked_without_a_key(gateway: Gateway):
    with gateway.begin("POST", "/v1/enroll", Expect="100-continue") as client:
        answer = client.answer()
        assert code(answer) == (401, "key_required") and answer.headers["connection"] == "close"
        wait_until(client.has_ended, "nothing more is expected")
    secret = give_key(gateway.world)[1]
    picture = jpeg("Eileen Collins")
    padded = picture + bytes(100_000)
    with gateway.begin("POST", "/v1/recognize", len(padded), Expect="100-continue", **bearer(secret)) as client:
        assert client.answer().status == 100
        assert client.send(padded).answer().status == 200


@pytest.mark.parametrize("chunked", [False, True])
def test_with_a_key_all_of_it_is_read_and_the_request_counts_once(make_world: MakeWorld, chunked: bool):
    picture = jpeg("Eileen Collins") + bytes(200_000)
    with gateway_of(make_world(access="keys", rate_limit=3)) as gateway:
        shown = bearer(give_key(gateway.world)[1])
        for _ in range(3):
            with gateway.begin("POST", "/v1/recognize", None if chunked else len(picture) + 20_000, **shown) as client:
                client.send(b"%x\r\n%b\r\n0\r\n\r\n" % (len(picture), picture) if chunked else picture)
                assert code(client.answer()) == (400, "invalid_image")  # it began with zeros
        with gateway.begin("POST", "/v1/recognize", 10_000_000, **shown) as client:
            assert code(client.answer()) == (429, "rate_limited")
        counted = gateway.world.services.metrics.render().decode()
        (asked,) = re.findall(r'familiar_request_seconds_count\{code="400".*route="/v1/recognize"\} (\S+)', counted)
        assert float(asked) == 3.0


def test_where_no_key_is_asked_for_long_bodies_are_read_as_ever(make_world: MakeWorld):
    picture = jpeg("Eileen Collins") + bytes(200_000)
    with gateway_of(make_world()) as gateway, Client(gateway.port) as client:
        head = b"POST /v1/recognize HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/jpeg\r\n"
        answer = client.send(b"%bContent-Length: %d\r\n\r\n%b" % (head, len(picture), picture)).answer()
        assert answer.status == 200


def test_what_was_sent_in_vain_is_thrown_away_and_the_connection_serves_on(gateway: Gateway, files: list[object]):
    with gateway.begin("POST", "/v1/enroll", 3_000_000) as client:
        assert client.answer().status == 401
        client.send(bytes(2_980_000), b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert client.answer().status == 200
    assert files == []


def test_the_port_for_http_leads_on_without_waiting_for_a_body(tmp_path: Path, files: list[object]):
    settings = Settings(authority_dir=tmp_path / "a", certificates_dir=tmp_path / "c", https_names="localhost")
    intake = door.before(door.create(Keeper(settings), 8443), settings, threading.Event())
    with served(intake) as (port, _):
        for headers, status in (("", 308), ("Authorization: Bearer fam_x\r\n", 403)):
            with Client(port) as client:
                head = f"POST /v1/enroll HTTP/1.1\r\nHost: localhost\r\n{headers}Content-Length: {LONG}\r\n\r\n"
                assert client.send(head.encode(), bytes(20_000)).answer().status == status
    assert files == [] and intake.room._taken == 0
