"""Cameras by TLS: whoever shows another certificate than is believed learns no password, and gives no frame."""

import contextlib
import datetime
import hashlib
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

import rtsp
from cameras import HttpCamera, http_camera, number_of
from familiar_camera.cli import main
from familiar_camera.errors import SourceError
from familiar_camera.several import read
from familiar_camera.sources import open_source
from familiar_camera.tunnel import pass_on
from rtsp import RtspCamera

from .conftest import FakeGateway

_CONNECTIONS = 8
PATHS = ["/video.mjpg", "/snapshot.jpg"]


@dataclass(frozen=True)
class Certificate:
    """A certificate that a camera has made by itself, with its key, in one file."""

    file: Path
    trust: str
    context: ssl.SSLContext


def certificate(folder: Path, host: str = "127.0.0.1", bits: int = 2048, days: int = 30) -> Certificate:
    """Make one for a host; that has ended where ``days`` is below 0."""
    key = rsa.generate_private_key(65537, bits)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
    now = datetime.datetime.now(datetime.UTC)
    names = x509.SubjectAlternativeName([_name(host)])
    made = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(x509.random_serial_number()).not_valid_before(now - datetime.timedelta(days=90))
        .not_valid_after(now + datetime.timedelta(days=days)).add_extension(names, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True).sign(key, hashes.SHA256())
    )  # fmt: skip
    file = folder / f"{host}-{bits}-{days}.pem"
    kept = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file.write_bytes(made.public_bytes(serialization.Encoding.PEM) + kept)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_ciphers("DEFAULT:@SECLEVEL=0")
    context.load_cert_chain(file)
    shown = hashlib.sha256(made.public_bytes(serialization.Encoding.DER)).hexdigest()
    return Certificate(file, f"sha256:{shown}", context)


def _name(host: str) -> x509.GeneralName:
    from ipaddress import ip_address

    return x509.IPAddress(ip_address(host)) if host[0].isdigit() else x509.DNSName(host)


@pytest.fixture
def own(tmp_path: Path) -> Certificate:
    return certificate(tmp_path)


@contextmanager
def camera_with(shown: Certificate) -> Iterator[HttpCamera]:
    """A camera by https that asks for a password."""
    with http_camera(HttpCamera(login=("ada", "secret")), shown.context) as camera:
        yield camera


def address_of(camera: HttpCamera, path: str) -> str:
    return f"https://ada:secret@127.0.0.1:{camera.port}{path}"


@pytest.mark.parametrize("path", PATHS)
def test_a_certificate_of_its_own_is_believed_by_its_fingerprint_or_its_file(own: Certificate, path: str) -> None:
    with camera_with(own) as camera:
        for trust in (own.trust, own.trust.upper().replace("SHA256", "sha256"), str(own.file)):
            with closing(open_source(address_of(camera, path), 20.0, trust=trust).frames()) as frames:
                assert [number_of(frame.picture) for frame in islice(frames, 2)]


def test_a_fingerprint_may_have_colons_and_be_of_one_that_has_ended_is_weak_or_has_another_name(tmp_path: Path) -> None:
    for shown in (
        certificate(tmp_path, days=-1), certificate(tmp_path, bits=1024), certificate(tmp_path, host="camera.lan"),
    ):  # fmt: skip
        digits = shown.trust.removeprefix("sha256:")
        trust = "sha256:" + ":".join(digits[at : at + 2] for at in range(0, 64, 2))
        with camera_with(shown) as camera:
            source = open_source(address_of(camera, "/snapshot.jpg"), 20.0, trust=trust)
            with closing(source.frames()) as frames:
                next(frames)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("believed", ["nobody named", "another fingerprint", "another file", "another name"])
def test_whoever_shows_another_certificate_learns_nothing(
    own: Certificate, tmp_path: Path, gateway: FakeGateway, capsys: pytest.CaptureFixture[str], path: str, believed: str
) -> None:
    elsewhere = certificate(tmp_path, host="camera.lan")
    shown = elsewhere if believed == "another name" else own
    trust = {
        "nobody named": [], "another fingerprint": ["--trust", elsewhere.trust],
        "another file": ["--trust", str(elsewhere.file)], "another name": ["--trust", str(elsewhere.file)],
    }[believed]  # fmt: skip
    with camera_with(shown) as camera:
        arguments = ["recognize", address_of(camera, path), "--once", *trust, "--server", gateway.url]
        assert main(arguments) == 2
        assert camera.asked == [] and gateway.asked == []
    said = capsys.readouterr().err
    assert "its certificate is not believed" in said and f"it shows {shown.trust}" in "".join(said.splitlines())
    assert "secret" not in said


def test_nobody_is_led_from_https_to_http(own: Certificate, gateway: FakeGateway) -> None:
    with http_camera(HttpCamera()) as plain:

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(302)
                self.send_header("Location", f"{plain.url}/snapshot.jpg")
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.socket = own.context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            address = f"https://127.0.0.1:{server.server_address[1]}/"
            with pytest.raises(SourceError, match="it leads from https to http"):
                next(open_source(address, trust=own.trust).frames())
        finally:
            server.shutdown()
            thread.join()
            server.server_close()
        assert plain.asked == []


# ---- streams that FFmpeg reads ---------------------------------------------------------------------------


@pytest.fixture
def secured_rtsp(own: Certificate) -> Iterator[int]:
    """The port at which an RTSP camera speaks TLS, with its own certificate."""
    if rtsp.python() is None:
        pytest.skip(rtsp.MISSING)
    camera = RtspCamera(("ada", "secret"))
    camera.start()
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def lead() -> None:
            with (
                contextlib.suppress(OSError),
                own.context.wrap_socket(listener.accept()[0], server_side=True) as there,
                socket.create_connection(("127.0.0.1", camera.port)) as here,
            ):
                pass_on(here, there)

        threads = [threading.Thread(target=lead, daemon=True) for _ in range(_CONNECTIONS)]
        for thread in threads:
            thread.start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)
        camera.stop()
        for thread in threads:
            thread.join()


def test_a_camera_by_rtsps_is_believed_as_it_is_named(own: Certificate, secured_rtsp: int) -> None:
    address = f"rtsps://ada:secret@127.0.0.1:{secured_rtsp}/door"
    for trust in (own.trust, str(own.file)):
        with closing(open_source(address, 10.0, trust=trust).frames()) as frames:
            assert [number_of(frame.picture) for frame in islice(frames, 3)]


@pytest.mark.parametrize("scheme", ["rtsps", "rtmps", "https"])
def test_no_stream_is_read_from_somebody_who_is_not_believed(own: Certificate, secured_rtsp: int, scheme: str) -> None:
    address = f"{scheme}://ada:secret@127.0.0.1:{secured_rtsp}/door"
    for trust in (None, "sha256:" + "0" * 64):
        with pytest.raises(SourceError, match="its certificate is not believed"):
            next(open_source(address, trust=trust).frames())


# ---- what may be said ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "source,trust,sentence",
    [
        ("https://camera/", "sha256:123", "is no fingerprint: 64 hexadecimal digits"),
        ("https://camera/", "nothing.pem", "nothing.pem has no certificate to believe"),
        ("http://ada:secret@camera/", "sha256:" + "0" * 64, r"http://\*\*\*@camera/ shows no certificate"),
        ("/dev/video0", "sha256:" + "0" * 64, "shows no certificate, so 'trust' cannot be kept"),
        ("rtsp://camera/", "sha256:" + "0" * 64, "begin with https, rtsps or rtmps"),
    ],
)
def test_what_cannot_be_kept_is_refused(source: str, trust: str, sentence: str) -> None:
    with pytest.raises(SourceError, match=sentence):
        open_source(source, trust=trust)


def test_the_file_of_cameras_says_whom_to_believe(tmp_path: Path, own: Certificate) -> None:
    file = tmp_path / "cameras.yml"
    file.write_text(f"cameras:\n  - {{name: door, source: 'https://c/', trust: '{own.trust}'}}\n")
    assert [each.trust for each in read(file)] == [own.trust]
    for wrong in ("''", "7", "sha256:12", "nothing.pem"):
        file.write_text(f"cameras:\n  - {{name: door, source: 'https://c/', trust: {wrong}}}\n")
        with pytest.raises(SourceError, match="camera 1: 'trust'"):
            read(file)
