"""What a picture states is held against its bytes before a decoder sees it."""

import contextlib
import logging

import cv2
import numpy as np
import pytest

from familiar.errors import InvalidImage, TooLarge
from familiar.seeing.formats import outline
from familiar.seeing.image import decode, encode_jpeg
from familiar.seeing.outline import ImageLimits
from fuzz import parts
from fuzz.costly import READ, REFUSED

LIMITS = ImageLimits()


@pytest.fixture
def no_decoder(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fail where a decoder is asked."""
    monkeypatch.setattr(cv2, "imdecode", lambda *_: pytest.fail("it came to a decoder"))


@pytest.mark.parametrize("name", REFUSED)
def test_what_costs_more_than_it_weighs_never_comes_to_a_decoder(name: str, no_decoder: None) -> None:
    with pytest.raises((InvalidImage, TooLarge)):
        decode(REFUSED[name]())


@pytest.mark.parametrize("name", READ)
def test_what_a_picture_holds_beside_its_pixels_is_left_to_itself(name: str) -> None:
    data = READ[name]()
    assert min(decode(data).shape[:2]) >= 16


def test_a_decoder_sees_nothing_of_a_png_but_its_pixels() -> None:
    plain = parts.png()
    texts = parts.chunk(b"tEXt", b"a\0b") + parts.chunk(b"zTXt", b"a\0\0b") + parts.chunk(b"acTL", bytes(8))
    assert outline(parts.png(before=texts), LIMITS).data == plain
    assert outline(plain, LIMITS).data is plain


def test_a_decoder_sees_nothing_of_a_jpeg_but_its_pixels_its_colours_and_how_it_was_held() -> None:
    start, rest = parts.jpeg()[:2], parts.jpeg()[2:]
    exif, adobe = parts.segment(0xE1, b"Exif\0\0II*\0"), parts.segment(0xEE, b"Adobe" + bytes(7))
    remarks = parts.segment(0xFE, b"a") + parts.segment(0xE1, b"http://") + parts.segment(0xE2, b"ICC_PROFILE")
    assert outline(start + remarks + exif + adobe + remarks + exif + rest, LIMITS).data == start + exif + adobe + rest
    assert outline(start + exif + adobe + rest, LIMITS).data == start + exif + adobe + rest


def test_a_decoder_sees_nothing_of_a_webp_but_its_pixels_and_how_it_was_held() -> None:
    start, pixels, exif = parts.canvas(16, 16, 0x08), parts.webp_pixels(), parts.webp_chunk(b"EXIF", b"II*\0\x08")
    remarks = parts.webp_chunk(b"ICCP", b"abc") + parts.webp_chunk(b"XMP ", b"abcd")
    given = outline(parts.riff(start, remarks, pixels, exif, remarks, exif) + b"more", LIMITS).data
    assert given == parts.riff(start, pixels, exif)
    assert outline(parts.riff(start, pixels) + b"more", LIMITS).data == parts.riff(start, pixels)


def test_what_lies_within_a_frame_of_a_webp_stays_there() -> None:
    frame = parts.animation_frame(16, 16, parts.webp_pixels(lossless=True), parts.webp_chunk(b"ABCD", b"odd"))
    start = parts.canvas(16, 16, 0x02) + parts.webp_chunk(b"ANIM", bytes(6))
    given = outline(parts.riff(start, frame, parts.webp_chunk(b"ABCD", b"odd"), frame), LIMITS).data
    assert given == parts.riff(start, frame, frame)
    assert decode(given).shape == (16, 16, 3)


def test_transparency_and_orientation_of_a_png_are_kept() -> None:
    needed = parts.chunk(b"tRNS", bytes(6)) + parts.chunk(b"eXIf", b"II*\0\x08\0\0\0\0\0\0\0\0\0")
    assert outline(parts.png(before=needed + parts.chunk(b"tEXt")), LIMITS).data == parts.png(before=needed)


@pytest.mark.parametrize("colour,depth", [(0, 1), (0, 8), (0, 16), (2, 8), (2, 16), (3, 4), (4, 8), (6, 8), (6, 16)])
@pytest.mark.parametrize("interlaced", [False, True])
def test_every_kind_of_png_is_read_whatever_stands_beside_its_pixels(colour: int, depth: int, interlaced: bool) -> None:
    palette = parts.chunk(b"PLTE", bytes(range(48))) if colour == 3 else b""
    gamma = parts.chunk(b"gAMA", (45_455).to_bytes(4, "big")) + parts.chunk(b"bKGD", bytes(6))
    plain = parts.png(33, 17, before=palette, depth=depth, colour=colour, interlaced=interlaced)
    dressed = parts.png(33, 17, before=gamma + palette, depth=depth, colour=colour, interlaced=interlaced)
    assert decode(plain).shape == (17, 33, 3)
    assert (decode(dressed) == decode(plain)).all()


def test_a_large_png_is_measured_and_read(collins: np.ndarray) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (1200, 1600, 3), np.uint8)
    data = cv2.imencode(".png", noise)[1].tobytes()
    assert (decode(data) == noise[:, :, ::-1]).all()


@pytest.mark.parametrize("kind", [".jpg", ".png", ".webp"])
def test_a_picture_cut_at_any_byte_or_with_any_byte_changed_is_read_or_refused(
    kind: str, collins: np.ndarray, caplog: pytest.LogCaptureFixture
) -> None:
    data = cv2.imencode(kind, cv2.resize(collins, (24, 24)))[1].tobytes()
    changed = [data[:at] for at in range(min(len(data), 700))]
    for at in range(min(len(data), 350)):
        changed += [data[:at] + bytes([value]) + data[at + 1 :] for value in (0, 255, 217)]
    for each in changed:
        with contextlib.suppress(InvalidImage, TooLarge):
            assert decode(each).dtype == np.uint8
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


def test_passes_over_the_pixels_are_counted_whether_they_are_few_or_many() -> None:
    picture = parts.jpeg(64, 64, progressive=True)
    scans = sum(piece[1] == 0xDA for piece in parts.pieces(picture))
    just_enough = ImageLimits(max_pixels=64 * 64)
    twenty = picture[:-2] + parts.last_scan(picture) * (20 - scans) + picture[-2:]
    assert outline(twenty, just_enough).pixels == 64 * 64
    with pytest.raises(TooLarge, match="21 times"):
        outline(twenty[:-2] + parts.last_scan(picture) + picture[-2:], just_enough)


def test_restarts_and_stuffed_bytes_are_no_scans(collins: np.ndarray) -> None:
    made = cv2.imencode(".jpg", collins, [cv2.IMWRITE_JPEG_RST_INTERVAL, 1, cv2.IMWRITE_JPEG_QUALITY, 100])[1].tobytes()
    assert made.count(b"\xff\xd0") > 100
    assert outline(made, LIMITS).data is made


@pytest.mark.parametrize("stage", ["familiar.seeing.formats.jpeg.outline", "cv2.imdecode"])
@pytest.mark.parametrize("fault", [IndexError("here"), MemoryError(), ValueError("there")])
def test_what_nobody_foresaw_is_a_refusal_and_a_line_in_the_log(
    stage: str, fault: Exception, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, collins: np.ndarray
) -> None:
    def fail(*_: object) -> None:
        raise fault

    monkeypatch.setattr(stage, fail)
    with pytest.raises(InvalidImage):
        decode(encode_jpeg(collins))
    (record,) = caplog.records
    assert record.levelno == logging.ERROR and "defect" in record.message and record.exc_info[1] is fault


STRAY = {
    "two zero bytes": bytes(2),
    "fill bytes": b"\xff" * 7,
    "text": b"made by a camera\r\n",
    "a stuffed zero": b"\xff\0",
    "fill bytes before a stuffed zero": b"\xff\xff\0abc",
    "zeros and fill bytes": bytes(5) + b"\xff\xff",
    "a restart": b"\xff\xd0",
    "a remark of a length that is none": b"\xff\xfe\0\0",
    "what an application noted, of length one": b"\xff\xe5\0\1",
    "the same where colours are told": b"\xff\xee\0\1",
    "a kilobyte of each": (bytes(100) + b"\xff" * 100 + b"\xff\0" + b"x" * 100) * 4,
}


@pytest.mark.parametrize("stray", STRAY)
def test_what_stands_between_the_segments_of_a_jpeg_is_read_over(stray: str, collins: np.ndarray) -> None:
    picture = encode_jpeg(cv2.resize(collins, (64, 48)))
    expected = decode(picture)
    made = parts.pieces(picture)
    assert len(made) > 6
    for place in range(1, len(made)):
        data = b"".join([*made[:place], STRAY[stray], *made[place:]])
        assert (decode(data) == expected).all(), place
        assert outline(data, LIMITS).pixels == 64 * 48


def test_limits_hold_whatever_stands_before_the_size_of_a_jpeg(no_decoder: None) -> None:
    made = parts.pieces(parts.resized(parts.jpeg(), 20_000, 20_000))
    for stray in STRAY.values():
        with pytest.raises(TooLarge, match="20000x20000"):
            decode(b"".join(piece + stray for piece in made))


def test_a_decoder_sees_nothing_of_what_stands_between_segments(capfd: pytest.CaptureFixture[str]) -> None:
    plain = parts.jpeg()
    assert outline(plain[:2] + b"abc" + plain[2:], LIMITS).data == plain
    decode(plain[:2] + b"abc" + plain[2:])
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("behind", [b"\r\n", bytes(1000), parts.jpeg(64, 64)], ids=["a line end", "zeros", "a picture"])
def test_a_decoder_sees_nothing_of_what_stands_behind_a_jpeg(behind: bytes) -> None:
    plain = parts.jpeg()
    assert outline(plain + behind, LIMITS).data == plain


@pytest.mark.parametrize("stray", [b"\xff", b"\xff\0", b"a", bytes(7)], ids=repr)
def test_megabytes_between_segments_take_time_in_proportion(stray: bytes) -> None:
    plain = parts.jpeg()
    assert outline(plain[:2] + stray * (15_000_000 // len(stray)) + plain[2:], LIMITS).data == plain
