"""What cameras answer by http: pictures under any name, where redirects lead, and bodies that trickle."""

import base64
import contextlib
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote

import pytest

from cameras import jpeg_of, number_of, numbered
from familiar_camera import http_feeds
from familiar_camera.errors import SourceError
from familiar_camera.feeds import FeedLost
from familiar_camera.http_feeds import MotionJpeg, Snapshots, open_http

JPEG = jpeg_of(numbered(5))
Serve = Callable[[BaseHTTPRequestHandler], None]


@contextlib.contextmanager
def camera(serve: Serve) -> Iterator[str]:
    """Answer requests; the value is the address."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            with contextlib.suppress(OSError):
                serve(self)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def answer(request: BaseHTTPRequestHandler, status: int, body: bytes = b"", **headers: str) -> None:
    request.send_response(status)
    for name, value in headers.items():
        request.send_header(name.replace("_", "-"), value)
    request.send_header("Content-Length", str(len(body)))
    request.end_headers()
    request.wfile.write(body)


@pytest.mark.parametrize("kind", ["application/octet-stream", "text/plain", "text/html", "", None, "IMAGE/jpg; x=y"])
def test_a_picture_is_one_whatever_it_is_called(kind: str | None) -> None:
    named = {} if kind is None else {"Content_Type": kind}
    with camera(lambda request: answer(request, 200, JPEG, **named)) as host:
        feed = open_http(f"http://{host}/snap", 0.0)
        assert isinstance(feed, Snapshots)
        for _ in range(3):
            feed.grab()
            picture = feed.picture()
            assert picture is not None and number_of(picture) == 5
        feed.close()


def test_a_page_that_says_its_length_is_no_picture() -> None:
    with (
        camera(lambda request: answer(request, 200, b"<html>", Content_Type="text/html")) as host,
        pytest.raises(SourceError, match="it gives text/html and no pictures"),
    ):
        open_http(f"http://{host}/", 0.0)


@pytest.mark.parametrize("scheme", ["basic", "digest"])
def test_user_and_password_are_shown_where_the_camera_leads_to_and_nowhere_else(scheme: str) -> None:
    shown: list[str | None] = []

    def serve(request: BaseHTTPRequestHandler) -> None:
        said = request.headers.get("Authorization") or ""
        if request.path == "/snap":
            answer(request, 302, Location="/real/snap?size=1")
        elif request.path == "/away":
            answer(request, 302, Location=f"http://{other}/snap")
        elif said.startswith("Basic ") if scheme == "basic" else 'uri="/real/snap?size=1"' in said:
            answer(request, 200, JPEG, Content_Type="image/jpeg")
        else:
            way = 'Basic realm="x"' if scheme == "basic" else 'Digest realm="x", nonce="abc", qop="auth"'
            answer(request, 401, WWW_Authenticate=way)

    def elsewhere(request: BaseHTTPRequestHandler) -> None:
        shown.append(request.headers.get("Authorization"))
        answer(request, 401, WWW_Authenticate='Digest realm="x", nonce="abc", qop="auth"')

    with camera(serve) as host, camera(elsewhere) as other:
        feed = open_http(f"http://ada:s3cret@{host}/snap", 0.0)
        for _ in range(3):
            feed.grab()
            assert feed.picture() is not None
        feed.close()
        with pytest.raises(SourceError, match="user or password"):
            open_http(f"http://ada:s3cret@{host}/away", 0.0)
    assert shown and set(shown) == {None}


@pytest.mark.parametrize("login", [":s3cret", "ada:", "j%C3%BCrgen:p%40%C3%A4%2F", "ada:100%"])
def test_users_and_passwords_of_any_letters_and_of_none_are_shown(login: str) -> None:
    shown = base64.b64encode(unquote(login).encode()).decode()

    def serve(request: BaseHTTPRequestHandler) -> None:
        if request.headers.get("Authorization") == f"Basic {shown}":
            answer(request, 200, JPEG, Content_Type="image/jpeg")
        else:
            answer(request, 401, WWW_Authenticate='Basic realm="x"')

    with camera(serve) as host:
        feed = open_http(f"http://{login}@{host}/snap", 0.0)
        assert feed.picture() is not None
        feed.close()


@pytest.mark.parametrize("kind", ["image/jpeg", "multipart/x-mixed-replace; boundary=frame"])
def test_a_body_that_trickles_is_left(monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    monkeypatch.setattr(http_feeds, "_MOST_S", 0.3)
    over = threading.Event()

    def serve(request: BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        request.send_header("Content-Type", kind)
        request.end_headers()
        while not over.wait(0.05):
            request.wfile.write(b"-")

    with camera(serve) as host:
        with pytest.raises(FeedLost, match="does not come in time"):
            feed = open_http(f"http://{host}/", 0.0)
            assert isinstance(feed, MotionJpeg)
            feed.grab()
        over.set()


def test_an_address_without_a_host_is_none() -> None:
    with pytest.raises(SourceError, match="it is not an address"):
        open_http("http:///snap.jpg", 0.0)
