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
from familiar_camera.feeds import CONNECT_S, READ_S, Feed, FeedLost, open_stream
from familiar_camera.frame import Picture
from familiar_camera.lateness import Lateness
from familiar_camera.trust import believing, doubt, unbelieved

_MOST_BYTES = 20_000_000  # of one picture, as at the gateway
_MOST_HEAD_BYTES = 100_000  # with what has come together with it
_LENGTH = re.compile(rb"content-length:[ \t]*(\d{1,9})", re.IGNORECASE)
_HEAD_END = re.compile(rb"\r?\n\r?\n")


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
        kind = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        _require_pictures(response, kind)
        if kind.startswith("multipart/"):
            return MotionJpeg(client, response)
        if kind.startswith("image/"):
            first = _whole(response)
            return Snapshots(client, url, first, time.monotonic() - asked_at, interval_s)
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
        self._parts = parts(response.iter_bytes(), boundary_of(response.headers.get("Content-Type", "")))
        self._data = b""

    def grab(self) -> None:
        """Wait for the next part."""
        try:
            self._data = next(self._parts)
        except StopIteration:
            raise FeedLost("the stream has ended") from None
        except httpx.TransportError as exc:
            raise FeedLost(reason(exc)) from exc

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
            self._data = _whole(response)
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


def boundary_of(content_type: str) -> bytes:
    """Return what stands between the parts, without the dashes before it; cameras give these or not, quoted or not."""
    found = re.search(r"boundary=(\"[^\"]*\"|[^;\s]+)", content_type, re.IGNORECASE)
    return (found[1].strip('"') if found else "").lstrip("-").encode("latin-1")


def parts(chunks: Iterator[bytes], boundary: bytes) -> Iterator[bytes]:
    """Yield the content of each part of a multipart stream, by the length it states or up to the next boundary.

    Raises:
        FeedLost: a part is larger than any picture, or it is no such stream.
    """
    held = _Held(chunks)
    line = re.compile(re.escape(b"--" + boundary))
    next_line = re.compile(rb"\r?\n" + line.pattern)
    while held.until(line, _MOST_BYTES) is not None:
        head = held.until(_HEAD_END, _MOST_HEAD_BYTES)
        if head is None:
            return
        stated = _LENGTH.search(head)
        part = held.take(int(stated[1])) if stated else held.until(next_line, _MOST_BYTES, keep=True)
        if part is None:
            return
        yield part


class _Held:
    """What has come of a stream and was not taken yet."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self._held = bytearray()

    def until(self, end: re.Pattern[bytes], most: int, *, keep: bool = False) -> bytes | None:
        """Take what comes before ``end``, and that too unless it is to be kept; None if the stream ends before."""
        while (found := end.search(self._held)) is None:
            if len(self._held) > most:
                raise FeedLost("the stream is not one of JPEGs, or its pictures are too large")
            if not self._more():
                return None
        start, rest = found.start(), found.start() if keep else found.end()
        del found  # or what it has found in could not be shortened
        taken = bytes(self._held[:start])
        del self._held[:rest]
        return taken

    def take(self, size: int) -> bytes | None:
        """Take so many bytes; None if the stream ends before."""
        if size > _MOST_BYTES:
            raise FeedLost("a picture of the stream is too large")
        while len(self._held) < size:
            if not self._more():
                return None
        taken = bytes(self._held[:size])
        del self._held[:size]
        return taken

    def _more(self) -> bool:
        chunk = next(self._chunks, None)
        if chunk is not None:
            self._held += chunk
        return chunk is not None


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
        login = (unquote(taken.username), unquote(taken.password or "")) if taken.username else None
        url = urlunsplit((taken.scheme, host, taken.path or "/", taken.query, ""))
        httpx.URL(url)
    except (ValueError, httpx.InvalidURL) as exc:
        raise SourceError("it is not an address; in a password, '/' is written %2F, '@' %40 and ':' %3A") from exc
    client = httpx.Client(
        auth=Login(*login) if login else None,
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
        if response.status_code == httpx.codes.UNAUTHORIZED and _challenges(response) == {"basic"}:
            self._asks_basic = True
            yield from self._basic.auth_flow(request)
            return
        with suppress(StopIteration):
            while True:
                response = yield flow.send(response)


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


def _whole(response: httpx.Response) -> bytes:
    held = bytearray()
    try:
        for chunk in response.iter_bytes():
            held.extend(chunk)
            if len(held) > _MOST_BYTES:
                raise FeedLost("its picture is too large")
    except httpx.TransportError as exc:
        raise FeedLost(reason(exc)) from exc
    return bytes(held)


def _require_pictures(response: httpx.Response, kind: str) -> None:
    status = response.status_code
    if status in (httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN):
        raise SourceError(f"it asks for another user or password (http://USER:PASSWORD@...): {status}")
    if status == httpx.codes.NOT_FOUND:
        raise SourceError("there is nothing at this path (404)")
    if not response.is_success:
        raise FeedLost(f"it answers {status} {response.reason_phrase}".strip())
    if kind.startswith("text/") or kind in ("application/json", "application/xhtml+xml"):
        raise SourceError(f"it gives {kind} and no pictures: the address of the stream or snapshot itself is needed")
