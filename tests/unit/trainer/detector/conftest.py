import struct
from collections.abc import Callable, Mapping

import pytest

from familiar_trainer.detector import library

MakeElf = Callable[[Mapping[str, bytes]], bytes]

# What is at an address lies elsewhere in the file, as it does in libraries from wheels, whose segments were moved.
ADDRESS, SEGMENT_AT = 0x5000, 0x78
ZEROS_BYTES = 64


def elf_by_hand(symbols: Mapping[str, bytes]) -> bytes:
    """A library of one segment that defines these data, a function, data that begin as zeros, and what it lacks."""
    names, content = b"\0", b""
    entries = [struct.pack("<IBBHQQ", 0, 0, 0, 0, 0, 0)]

    def add(name: str, kind: int, section: int, address: int, size_bytes: int) -> None:
        nonlocal names
        entries.append(struct.pack("<IBBHQQ", len(names), 0x10 | kind, 0, section, address, size_bytes))
        names += name.encode() + b"\0"

    for name, value in symbols.items():
        add(name, 1, 1, ADDRESS + len(content), len(value))
        content += value
    add("a_function", 2, 1, ADDRESS, 16)
    add("begins_as_zeros", 1, 1, ADDRESS + len(content), ZEROS_BYTES)
    add("of_another_library", 1, 0, 0, 8)
    table = b"".join(entries)
    segment = struct.pack("<IIQQQQQQ", 1, 6, SEGMENT_AT, ADDRESS, 0, len(content), len(content) + ZEROS_BYTES, 4096)
    table_at = SEGMENT_AT + len(content)
    names_at = table_at + len(table)
    sections_at = names_at + len(names)
    sections = b"".join(
        [
            struct.pack("<IIQQQQIIQQ", *[0] * 10),
            struct.pack("<IIQQQQIIQQ", 0, 11, 2, 0, table_at, len(table), 2, 1, 8, 24),
            struct.pack("<IIQQQQIIQQ", 0, 3, 2, 0, names_at, len(names), 0, 0, 1, 0),
        ]
    )
    magic = b"\x7fELF\x02\x01\x01" + bytes(9)
    header = struct.pack("<16sHHIQQQIHHHHHH", magic, 3, 62, 1, 0, 64, sections_at, 0, 64, 56, 1, 64, 3, 0)
    return header + segment + content + table + names + sections


@pytest.fixture
def make_elf() -> MakeElf:
    return elf_by_hand


@pytest.fixture(scope="session")
def libfacedetection() -> bytes:
    """The library of the installed package."""
    try:
        return library.read()
    except ValueError as exc:
        pytest.skip(f"{exc}; it is for Linux on x86-64 and Python 3.11")
