import struct

import pytest

from familiar_trainer.detector.elf import data_symbols

SYMBOLS = {"some_weight": struct.pack("<3f", 1, 2, 3), "some_bias": b"\x07" * 5, "third": b"x"}
# Where the numbers of the header stand, and their sizes.
SEGMENTS_AT, SECTIONS_AT, SEGMENT_BYTES, SECTIONS = (32, "<Q"), (40, "<Q"), (54, "<H"), (60, "<H")


@pytest.fixture
def file(make_elf) -> bytes:
    return make_elf(SYMBOLS)


def changed(file: bytes, at: int, form: str, value: int) -> bytes:
    return file[:at] + struct.pack(form, value) + file[at + struct.calcsize(form) :]


def place(file: bytes, section: int, field: int) -> int:
    """Where a field of 8 bytes of the record of a section stands."""
    return struct.unpack_from("<Q", file, SECTIONS_AT[0])[0] + 64 * section + field


def symbol(file: bytes, number: int) -> int:
    """Where the record of a symbol stands."""
    return struct.unpack_from("<Q", file, place(file, 1, 24))[0] + 24 * number


def test_the_data_of_a_library_are_found_by_name_and_nothing_else_is(file: bytes) -> None:
    assert data_symbols(file) == SYMBOLS


def test_a_library_without_data_has_none(make_elf) -> None:
    assert data_symbols(make_elf({})) == {}


def test_a_library_of_another_kind_is_refused(file: bytes) -> None:
    for other in (b"", b"MZ" + file[2:], changed(file, 4, "<B", 1), changed(file, 5, "<B", 2)):
        with pytest.raises(ValueError, match="64 bits, little-endian"):
            data_symbols(other)


def test_a_library_that_ends_too_early_is_refused_wherever_it_ends(file: bytes) -> None:
    for length in range(len(file)):
        with pytest.raises(ValueError, match=r"ends at byte|not an ELF"):
            data_symbols(file[:length])


@pytest.mark.parametrize(
    ("at", "form", "value", "message"),
    [
        (*SEGMENTS_AT, 1 << 40, "table of segments"),
        (*SECTIONS_AT, 1 << 63, "table of sections"),
        (*SEGMENT_BYTES, 32, "segments of 32"),
        (*SECTIONS, 0xFFFF, "table of sections"),
        (*SECTIONS, 1, "0 tables of dynamic symbols"),
        (*SECTIONS, 2, "holds no strings"),
    ],
)
def test_a_header_that_is_wrong_is_refused(file: bytes, at: int, form: str, value: int, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        data_symbols(changed(file, at, form, value))


def test_symbols_that_are_wrong_are_refused(file: bytes) -> None:
    wrong = {
        "table of symbols": changed(file, place(file, 1, 24), "<Q", len(file)),
        "symbols of 16 bytes": changed(file, place(file, 1, 56), "<Q", 16),
        "in a table of 30": changed(file, place(file, 1, 32), "<Q", 30),
        "2 tables of dynamic symbols": changed(file, place(file, 2, 4), "<I", 11),
        "holds no strings": changed(file, place(file, 1, 40), "<I", 7),
        "no symbol's name": changed(file, symbol(file, 1), "<I", 1 << 31),
        "'third' twice": changed(file, symbol(file, 1), "<I", struct.unpack_from("<I", file, symbol(file, 3))[0]),
        "in no segment": changed(file, symbol(file, 1) + 8, "<Q", 0x4FFF),
        "'some_weight' lies in no segment": changed(file, symbol(file, 1) + 16, "<Q", 1 << 62),
        "beyond what the file holds": changed(file, symbol(file, 1) + 16, "<Q", 19),
        "end of 'some_weight'": changed(file, 64 + 8, "<Q", len(file)),
    }
    for message, damaged in wrong.items():
        with pytest.raises(ValueError, match=message):
            data_symbols(damaged)


def test_no_wrong_byte_leads_to_anything_but_a_refusal_or_other_data(file: bytes) -> None:
    for at in range(len(file)):
        for flip in (0x01, 0x80, 0xFF):
            try:
                data_symbols(file[:at] + bytes([file[at] ^ flip]) + file[at + 1 :])
            except ValueError:
                continue
