"""Streams of JPEGs, taken apart however they are written and whatever comes at once."""

import pytest

from familiar_camera.feeds import FeedLost
from familiar_camera.multipart import boundary_of, parts


@pytest.mark.parametrize(
    "declared,boundary",
    [
        ("multipart/x-mixed-replace; boundary=frame", b"frame"),
        ('multipart/x-mixed-replace;boundary="--my frame"', b"my frame"),
        ("multipart/x-mixed-replace; Boundary=--myboundary; charset=x", b"myboundary"),
        ("multipart/x-mixed-replace; boundary = 'frame'", b"frame"),
        ("multipart/x-mixed-replace", b""),
    ],
)
def test_the_boundary_is_read_however_it_is_declared(declared: str, boundary: bytes) -> None:
    assert boundary_of(declared) == boundary


@pytest.mark.parametrize("size", [1, 3, 7, 100, 10_000])
@pytest.mark.parametrize("lengths", [True, False])
def test_parts_are_told_apart_whatever_comes_at_once(size: int, lengths: bool) -> None:
    pictures = [b"\xff\xd8 one \xff\xd9", b"\xff\xd8\r\n\r\n two --f \xff\xd9", bytes(5000)]
    head = b"Content-Type: image/jpeg\r\nX-Other: 1\r\n"
    stream = b"a preface\r\n" + b"".join(
        b"--f\r\n" + head + (b"Content-Length: %d\r\n" % len(each) if lengths else b"") + b"\r\n" + each + b"\r\n"
        for each in pictures
    )
    chunks = (stream[at : at + size] for at in range(0, len(stream), size))
    # What no boundary follows is not whole, unless it says how long it is.
    assert list(parts(chunks, b"f")) == (pictures if lengths else pictures[:2])


@pytest.mark.parametrize("size", [1, 7, 10_000])
@pytest.mark.parametrize(
    "part",
    [
        b"frame\r\nContent-Type: image/jpeg\r\nContent-Length: %(size)d\r\n\r\n%(jpeg)s\r\n",
        b"frame\r\nContent-Type: image/jpeg\r\n\r\n%(jpeg)s\r\n",
        b"--other\r\nContent-Type: image/jpeg\r\n\r\n%(jpeg)s\r\n",
        b"--other\ncontent-length:%(size)d\n\n%(jpeg)s\n",
        b"--frame\r\nContent-Type: image/jpeg\r\n\r\n%(jpeg)s",
        b"--frame\r\nContent-Length: 0\r\n\r\n%(jpeg)s\r\n",
        b"--frame\r\nX-Content-Length: 3\r\n\r\n%(jpeg)s\r\n",
    ],
)
def test_parts_of_careless_cameras_are_told_apart(part: bytes, size: int) -> None:
    pictures = [b"\xff\xd8 %d frame \nframe \xff\xd9" % number for number in range(4)]
    stream = b"".join(part % {b"size": len(each), b"jpeg": each} for each in pictures)
    chunks = (stream[at : at + size] for at in range(0, len(stream), size))
    assert list(parts(chunks, b"frame"))[:3] == pictures[:3]


def test_a_stream_without_an_end_that_is_none_of_jpegs_is_given_up() -> None:
    with pytest.raises(FeedLost):
        next(parts((bytes(1_000_000) for _ in range(10**6)), b"frame"))
    with pytest.raises(FeedLost, match="too large"):
        next(parts(iter([b"--f\r\nContent-Length: 999999999\r\n\r\n"]), b"f"))
