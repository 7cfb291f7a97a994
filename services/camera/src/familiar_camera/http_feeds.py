"""Cameras by http: a stream of JPEGs, an address that gives one picture at a time, or a stream that FFmpeg reads."""

import re
import ssl
import time
from collections.abc import Generator, Iterator
from contextlib import suppress
from urllib.parse import unquote, urlsplit, urlunsplit

import cv2
import httpx
import numpy as np

from familiar_camera.errors import SourceError
from familiar_camera.feeds import CONNECT_S, NO_ADDRESS, READ_S, Feed, FeedLost, open_stream
from familiar_camera.frame import Picture
from familiar_camera.lateness import Lateness
from familiar_camera.multipart import MOST_BYTES, boundary_of, parts
from familiar_camera.trust import believing, doubt, unbelieved

_MOST_S = 10.0
"""So long a picture may take that has begun to come; one that is waited for is given up before."""
_PICTURE = re.compile(rb"\xff\xd8\xff|\x89PNG\r\n|RIFF....WEBP", re.DOTALL)


def open_http(address: str, interval_s: float, context: ssl.SSLContext | None = None) -> Feed:
    """Return the feed that an address gives; one of single pictures is asked every ``interval_s`` seconds at most.

    By https, ``context`` says whom to believe; None: whom this machine trusts.

    Raises:
        FeedLost: it does not answer.
        SourceError: it answers, but not with pictures, or not to us, or is not believed.
    """
    client, url = _client(address, context or believing(None))
    response = None
    asked_at = time.monotonic()
    try:
        response = _get(client, url)
        _require_success(response)
        kind = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        if kind.startswith("multipart/"):
            return MotionJpeg(client, response)
        # Careless cameras give no kind, or another one; whatever ends and begins like a picture is one.
        body = _Body(response)
        if kind.startswith("image/") or ("Content-Length" in response.headers and body.is_picture()):
            return Snapshots(client, url, body.whole(), time.monotonic() - asked_at, interval_s)
        _require_pictures(kind)
    except BaseException:
        if response is not None:
            response.close()
        client.close()
        raise
    response.close()
    client.close()
    return open_stream(address, context)


class MotionJpeg:
    """JPEGs one after the other in one answer without an end (``multipart/x-mixed-replace``)."""

    warms_up, queues, on_demand = False, True, False

    def __init__(self, client: httpx.Client, response: httpx.Response) -> None:
        self._client, self._response = client, response
        # As it comes: with a size, each part would wait for those after it.
        self._body = _Body(response)
        self._parts = parts(self._body.chunks(), boundary_of(response.headers.get("Content-Type", "")))
        self._data = b""

    def grab(self) -> None:
        """Wait for the next part."""
        self._body.wait()
        try:
            self._data = next(self._parts)
        except StopIteration:
            raise FeedLost("the stream has ended") from None

    def late_s(self, now: float) -> None:
        """Return None: nothing tells when a part was taken."""

    def picture(self) -> Picture | None:
        """Decode the part."""
        return decoded(self._data)

    def close(self) -> None:
        """End the connection."""
        self._response.close()
        self._client.close()


class Snapshots:
    """One picture for each request."""

    warms_up, queues, on_demand = False, False, True

    def __init__(self, client: httpx.Client, url: str, first: bytes, took_s: float, interval_s: float) -> None:
        self._client, self._url, self._interval_s = client, url, interval_s
        self._data, self._fetched_at = first, time.monotonic()
        self._is_first = True
        self._lateness = Lateness()
        self._lateness.of(took_s, self._fetched_at)
        # With nothing to compare it with, what took long may have waited: the next one tells.
        self._late_s = took_s

    def grab(self) -> None:
        """Fetch the next picture, not sooner than it is due."""
        if self._is_first and time.monotonic() - self._fetched_at < self._interval_s:
            self._is_first = False
            return
        self._is_first = False
        time.sleep(max(0.0, self._fetched_at + self._interval_s - time.monotonic()))
        self._fetched_at = time.monotonic()
        response = _get(self._client, self._url)
        try:
            if not response.is_success:
                raise FeedLost(f"it answers {response.status_code} {response.reason_phrase}".strip())
            self._data = _Body(response).whole()
        finally:
            response.close()
        came_at = time.monotonic()
        self._late_s = self._lateness.of(came_at - self._fetched_at, came_at)

    def late_s(self, now: float) -> float:
        """Return by how much longer the answer took, for the picture may be as old as the question."""
        return self._late_s

    def picture(self) -> Picture | None:
        """Decode the picture."""
        return decoded(self._data)

    def close(self) -> None:
        """End the connection."""
        self._client.close()


def decoded(data: bytes) -> Picture | None:
    """Return an encoded picture as uint8[H, W, 3], BGR; None if it cannot be read."""
    try:
        picture = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR) if data else None
    except cv2.error:
        return None
    return None if picture is None else np.asarray(picture, np.uint8)


def reason(exc: httpx.TransportError) -> str:
    """Return why a camera could not be reached."""
    if isinstance(exc, httpx.TimeoutException):
        return "it does not answer in time"
    return f"it does not answer ({str(exc).lower() or type(exc).__name__})"


def _client(address: str, context: ssl.SSLContext) -> tuple[httpx.Client, str]:
    """Return a client that shows user and password of the address, and the address without them."""
    try:
        taken = urlsplit(address)
        host = taken.netloc.rpartition("@")[2]
        login = (unquote(taken.username or ""), unquote(taken.password or ""))
        url = urlunsplit((taken.scheme, host, taken.path or "/", taken.query, ""))
        if not httpx.URL(url).host:
            raise ValueError("no host")
    except (ValueError, httpx.InvalidURL) as exc:
        raise SourceError(NO_ADDRESS) from exc
    client = httpx.Client(
        auth=Login(*login) if any(login) else None,
        timeout=httpx.Timeout(READ_S, connect=CONNECT_S),
        follow_redirects=True,
        headers={"User-Agent": "familiar-camera"},
        verify=context,
        event_hooks={"request": [_stay_private] if url.startswith("https:") else []},
        trust_env=False,  # a camera is not on the other side of a proxy
    )
    return client, url


def _stay_private(request: httpx.Request) -> None:
    """Refuse to be led from https to where everybody can read and write along."""
    if request.url.scheme != "https":
        raise SourceError("it leads from https to http, where nobody knows who answers")


class Login(httpx.Auth):
    """User and password in whichever of the two ways the camera asks for."""

    def __init__(self, user: str, password: str) -> None:
        self._basic = httpx.BasicAuth(user, password)
        self._digest = httpx.DigestAuth(user, password)
        self._asks_basic = False

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Ask without, and then as the camera wants it."""
        if self._asks_basic:
            yield from self._basic.auth_flow(request)
            return
        flow = self._digest.auth_flow(request)
        response = yield next(flow)
        asked = response.request
        if asked.url != request.url and _origin(asked.url) == _origin(request.url):
            # A response to this is good for one path: that to which we were led, at the same camera.
            flow, request = self._digest.auth_flow(asked), asked
            next(flow)
        if response.status_code == httpx.codes.UNAUTHORIZED and _challenges(response) == {"basic"}:
            self._asks_basic = True
            yield from self._basic.auth_flow(request)
            return
        with suppress(StopIteration):
            while True:
                response = yield flow.send(response)


def _origin(url: httpx.URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port


def _challenges(response: httpx.Response) -> set[str]:
    return {each.split(" ")[0].lower() for each in response.headers.get_list("WWW-Authenticate")}


def _get(client: httpx.Client, url: str) -> httpx.Response:
    try:
        return client.send(client.build_request("GET", url), stream=True)
    except httpx.TransportError as exc:
        if (why := doubt(exc)) is not None:
            asked = exc.request.url
            raise unbelieved(why, asked.host, asked.port or 443) from exc
        raise FeedLost(reason(exc)) from exc


class _Body:
    """The body of an answer, as it comes; it may trickle, and a picture must not take for ever."""

    def __init__(self, response: httpx.Response) -> None:
        self._chunks = response.iter_bytes()
        self._first: bytes | None = None
        self.wait()

    def wait(self) -> None:
        """Begin to wait for a picture."""
        self._until = time.monotonic() + _MOST_S

    def chunks(self) -> Iterator[bytes]:
        """Yield what comes.

        Raises:
            FeedLost: it breaks, or takes too long.
        """
        first, self._first = self._first, None
        if first is not None:
            yield first
        try:
            for chunk in self._chunks:
                if time.monotonic() > self._until:
                    raise FeedLost("its picture does not come in time")
                yield chunk
        except httpx.TransportError as exc:
            raise FeedLost(reason(exc)) from exc

    def is_picture(self) -> bool:
        """Whether it begins like a picture."""
        self._first = next(self.chunks(), b"")
        return _PICTURE.match(self._first) is not None

    def whole(self) -> bytes:
        """Return all of it.

        Raises:
            FeedLost: it is larger than any picture.
        """
        held = bytearray()
        for chunk in self.chunks():
            held.extend(chunk)
            if len(held) > MOST_BYTES:
                raise FeedLost("its picture is too large")
        return bytes(held)


def _require_success(response: httpx.Response) -> None:
    status = response.status_code
    if status in (httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN):
        raise SourceError(f"it asks for another user or password (http://USER:PASSWORD@...): {status}")
    if status == httpx.codes.NOT_FOUND:
        raise SourceError("there is nothing at this path (404)")
    if not response.is_success:
        raise FeedLost(f"it answers {status} {response.reason_phrase}".strip())


def _require_pictures(kind: str) -> None:
    if kind.startswith("text/") or kind in ("application/json", "application/xhtml+xml"):
        raise SourceError(f"it gives {kind} and no pictures: the address of the stream or snapshot itself is needed")
