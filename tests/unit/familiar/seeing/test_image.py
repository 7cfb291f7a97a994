import struct

import cv2
import numpy as np
import pytest

from familiar.errors import InvalidImage, TooLarge
from familiar.seeing.formats import outline
from familiar.seeing.image import decode, encode_jpeg
from familiar.seeing.outline import ImageLimits


def encoded(kind: str, frame: np.ndarray) -> bytes:
    return cv2.imencode(kind, cv2.cvtColor(frame, cv2.COLOR_RGB2BGR))[1].tobytes()


def with_orientation(jpeg: bytes, orientation: int) -> bytes:
    """Put an EXIF segment with this orientation behind the start marker of a JPEG."""
    tiff = b"II*\x00\x08\x00\x00\x00\x01\x00" + struct.pack("<HHIHH", 0x0112, 3, 1, orientation, 0) + b"\x00" * 4
    body = b"Exif\x00\x00" + tiff
    return jpeg[:2] + b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body + jpeg[2:]


@pytest.mark.parametrize("kind", [".jpg", ".png", ".webp"])
def test_each_kind_of_picture_is_read_with_its_size_and_colours(kind: str, collins: np.ndarray) -> None:
    picture = collins[:400]
    data = encoded(kind, picture)
    read = outline(data, ImageLimits())
    assert (read.width, read.height) == (512, 400)
    frame = decode(data)
    assert frame.shape == (400, 512, 3)
    assert frame.dtype == np.uint8
    assert np.abs(frame.astype(int) - picture).mean() < 6


def test_a_picture_taken_with_the_camera_on_its_side_is_turned_upright(collins: np.ndarray) -> None:
    picture = collins[:400]
    sideways = encode_jpeg(np.ascontiguousarray(np.rot90(picture)))
    upright = decode(with_orientation(sideways, 6))
    assert upright.shape == picture.shape
    assert np.abs(upright.astype(int) - picture).mean() < 6


def test_a_grey_picture_becomes_three_equal_channels(collins: np.ndarray) -> None:
    grey = cv2.cvtColor(collins, cv2.COLOR_RGB2GRAY)
    frame = decode(cv2.imencode(".png", grey)[1].tobytes())
    assert frame.shape == (512, 512, 3)
    assert (frame[..., 0] == frame[..., 1]).all()


@pytest.mark.parametrize("kind", [".jpg", ".png", ".webp"])
@pytest.mark.parametrize("share", [0.001, 0.01, 0.1, 0.5, 0.9, 0.99])
def test_a_picture_cut_short_anywhere_is_refused(kind: str, share: float, collins: np.ndarray) -> None:
    data = encoded(kind, collins)
    with pytest.raises(InvalidImage):
        decode(data[: int(len(data) * share)])


def test_a_jpeg_cut_short_is_refused_though_its_thumbnail_is_whole(collins: np.ndarray) -> None:
    thumbnail = encode_jpeg(cv2.resize(collins, (64, 64)))
    segment = b"\xff\xe2" + struct.pack(">H", len(thumbnail) + 2) + thumbnail
    whole = encode_jpeg(collins)
    data = whole[:2] + segment + whole[2:]
    assert decode(data).shape == collins.shape
    with pytest.raises(InvalidImage, match="cut short"):
        decode(data[: len(data) // 2])


def test_bytes_after_the_end_of_a_picture_do_no_harm(collins: np.ndarray) -> None:
    assert decode(encode_jpeg(collins) + b"\x00" * 1000).shape == collins.shape


@pytest.mark.parametrize(
    "data", [b"", b"\x00", b"hello, this is no picture", b"GIF89a" + b"\x00" * 50, b"\xff\xd8\xff"]
)
def test_bytes_that_are_no_picture_are_refused(data: bytes) -> None:
    with pytest.raises(InvalidImage):
        decode(data)


@pytest.mark.parametrize(
    "data,said",
    [
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "a HEIC picture.*as JPEG"),
        (b"\0\0\0\x1cftypmif1\0\0\0\0miafMA1Bavif", "an AVIF picture.*as JPEG"),
        (b"\xff\xff\xff\xffftypmif1\0\0\0\0", "a HEIC picture"),
        (b"\0\0\0\x18ftypmp42\0\0\0\0isomheic", "a HEIC picture"),
        (b"\0\0\0\x14ftypisom\0\0\0\0isom", "a film"),
        (b"\0\0\0\x14ftypisom\0\0\0\0isom\0\0\0\x08heic", "a film"),
        (b"GIF89a", "GIF"),
        (b"BM\0\0", "BMP"),
        (b"II*\0\x08", "TIFF"),
        (b"\0\0\0\x0cJXL \r\n\x87\n", "JPEG XL"),
        (b"%PDF-1.7", "PDF"),
        (b"\n <!DOCTYPE html>", "HTML"),
        (b"\xef\xbb\xbf<svg>", "SVG"),
        (b'{"image": "AAAA"}', "application/json"),
        (b"data:image/jpeg;base64,/9j/4AAQ", "data: URL"),
        (b"/9j/4AAQSkZJRg==", "base64"),
        (b"PK\x03\x04", "ZIP"),
    ],
)
def test_what_is_of_another_kind_is_told_which_and_what_to_do(data: bytes, said: str) -> None:
    with pytest.raises(InvalidImage, match=f"not a JPEG, PNG or WebP picture but .*{said}"):
        decode(data)


def test_a_header_that_promises_too_many_pixels_is_refused_before_unpacking() -> None:
    header = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + b"IHDR" + struct.pack(">II", 20_000, 20_000)
    with pytest.raises(TooLarge, match="20000x20000"):
        decode(header + b"\x08\x02\x00\x00\x00" + b"\x00" * 100)


def test_limits_on_bytes_and_on_the_least_size_hold(collins: np.ndarray) -> None:
    data = encode_jpeg(collins)
    with pytest.raises(TooLarge, match="bytes"):
        decode(data, ImageLimits(max_bytes=1000))
    with pytest.raises(InvalidImage, match="1x1"):
        decode(encoded(".png", collins[:1, :1]))
