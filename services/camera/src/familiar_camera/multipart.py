"""Multipart: a stream of JPEGs in one answer without an end, taken apart."""

import re
from collections.abc import Iterator

from familiar_camera.feeds import FeedLost

MOST_BYTES = 20_000_000
"""Of one picture, as at the gateway."""
_MOST_HEAD_BYTES = 100_000  # with what has come together with it
_LENGTH = re.compile(rb"^content-length[ \t]*:[ \t]*0*([1-9]\d{0,8})", re.IGNORECASE | re.MULTILINE)
_HEAD_END = re.compile(rb"\r?\n\r?\n")


def boundary_of(content_type: str) -> bytes:
    """Return what stands between the parts, without the dashes before it; cameras give these or not, quoted or not."""
    found = re.search(r"boundary\s*=\s*(\"[^\"]*\"|[^;\s]+)", content_type, re.IGNORECASE)
    return (found[1].strip("\"'") if found else "").lstrip("-").encode("latin-1")


def parts(chunks: Iterator[bytes], boundary: bytes) -> Iterator[bytes]:
    """Yield the content of each part of a multipart stream, by the length it states or up to the next boundary.

    Cameras leave out the dashes before it, write another one than they have declared, or write it right after a JPEG.

    Raises:
        FeedLost: a part is larger than any picture, or it is no such stream.
    """
    held = _Held(chunks)
    declared = rb"--%s|%s(?=\r?\n)" % (re.escape(boundary), re.escape(boundary)) if boundary else rb"--"
    line = re.compile(rb"(?:%s|--[^\r\n]{1,100}(?=\r?\n(?i:content-(?:type|length))))" % declared)
    next_line = re.compile(rb"(?:\r?\n|(?<=\xff\xd9))" + line.pattern)
    while held.until(line, MOST_BYTES) is not None:
        head = held.until(_HEAD_END, _MOST_HEAD_BYTES)
        if head is None:
            return
        stated = _LENGTH.search(head)
        part = held.take(int(stated[1])) if stated else held.until(next_line, MOST_BYTES, keep=True)
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
        if size > MOST_BYTES:
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
