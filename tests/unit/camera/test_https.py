"""By https the client believes nobody but who it was told to believe, and says at once whom it does not."""

import ssl
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import cv2
import httpx
import numpy as np
import pytest

from familiar_camera import cli
from familiar_camera.backoff import Backoff
from familiar_camera.errors import WrongServer
from familiar_camera.server import Server
from familiar_gateway.trust.authority import Authority
from familiar_gateway.trust.names import Names

from .conftest import FakeGateway, serving

PATIENT = Backoff(patience_s=3_600.0, first_s=3_600.0)
"""Whoever asks twice with it does not come to an end."""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """The root that the gateway's certificate is below."""
    return tmp_path / "root.pem"


@pytest.fixture
def secured(away: FakeGateway, root: Path, tmp_path: Path) -> Iterator[FakeGateway]:
    """A gateway that answers by https, as 127.0.0.1 and by no other name."""
    names, now = Names.of(["127.0.0.1", "localhost"]), datetime.now(UTC)
    authority = Authority.of(tmp_path / "authority", names, now)
    root.write_bytes(authority.root_pem)
    (tmp_path / "server.pem").write_bytes(authority.issue(Names.of(["127.0.0.1"]), now))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "server.pem")
    with serving(away, context):
        yield away


def _url(gateway: FakeGateway, host: str = "127.0.0.1") -> str:
    return gateway.url.replace("http://127.0.0.1", f"https://{host}")


def test_a_root_that_is_named_is_believed(secured: FakeGateway, root: Path) -> None:
    assert Server(_url(secured), PATIENT, ca=root).enrollment("e1")["id"] == "e1"


def test_what_this_machine_trusts_is_believed(
    secured: FakeGateway, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(root))
    assert Server(_url(secured), PATIENT).enrollment("e1")["id"] == "e1"


def test_a_stranger_is_refused_at_once_with_what_to_do(secured: FakeGateway, root: Path) -> None:
    with pytest.raises(WrongServer, match=r"cannot be trusted \(.*unable to get local issuer.*--ca names"):
        Server(_url(secured), PATIENT).enrollment("e1")
    with pytest.raises(WrongServer, match=r"cannot be trusted \(.*Hostname mismatch.*the address must be one"):
        Server(_url(secured, "localhost"), PATIENT, ca=root).enrollment("e1")
    assert secured.asked == []


@pytest.mark.parametrize("content", [None, "", "nonsense"])
def test_a_file_without_a_root_is_named(content: str | None, root: Path) -> None:
    if content is not None:
        root.write_text(content)
    with pytest.raises(WrongServer, match=rf"{root} has no certificate to believe"):
        Server("https://127.0.0.1", ca=root)


def test_whoever_asks_by_http_is_told_where_https_is() -> None:
    def door(request: httpx.Request) -> httpx.Response:
        location = str(request.url).replace("http://door.lan:8080", "https://door.lan:8443")
        return httpx.Response(308, headers={"Location": location})

    server = Server("http://door.lan:8080", PATIENT, transport=httpx.MockTransport(door))
    with pytest.raises(WrongServer, match=r"is reached by https; ask https://door\.lan:8443/$"):
        server.enrollment("e1")


@pytest.mark.parametrize("by", ["option", "variable"])
def test_the_command_takes_the_file(
    by: str, secured: FakeGateway, root: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    picture = tmp_path / "nobody.png"
    cv2.imwrite(str(picture), np.zeros((64, 64, 3), np.uint8))
    if by == "variable":
        monkeypatch.setenv("FAMILIAR_CA", str(root))
    options = ["--ca", str(root)] if by == "option" else []
    assert cli.main(["recognize", str(picture), "--once", "--json", "--server", _url(secured), *options]) == 0
    assert cli.main(["recognize", str(picture), "--once", "--server", _url(secured, "localhost"), *options]) == 4
