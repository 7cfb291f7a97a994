"""Data symbols of an ELF file: what a shared library keeps under a name, read without loading it.

A library names its data in the section of dynamic symbols, by addresses; its segments say which part of the file lies
at which address once it is loaded. Only files of 64 bits, little-endian, are understood.

Source: "ELF-64 Object File Format", version 1.5 (1998), and chapters 4 and 5 of the "System V Application Binary
Interface", edition 4.1 (1997).
"""

from collections.abc import Iterator, Sequence
from struct import Struct
from typing import NamedTuple

_MAGIC = b"\x7fELF\x02\x01\x01"  # 64 bits, little-endian, version 1
_HEADER = Struct("<16sHHIQQQIHHHHHH")
_SEGMENT = Struct("<IIQQQQQQ")
_SECTION = Struct("<IIQQQQIIQQ")
_SYMBOL = Struct("<IBBHQQ")

_LOADED_SEGMENT = 1
_STRINGS = 3
_DYNAMIC_SYMBOLS = 11
_DATA_OBJECT = 1
_UNDEFINED = 0


class _Segment(NamedTuple):
    """A stretch of memory at ``address``, of which the first ``stored_bytes`` stand in the file at ``at``."""

    address: int
    at: int
    stored_bytes: int
    size_bytes: int


class _Section(NamedTuple):
    kind: int
    at: int
    size_bytes: int
    link: int
    entry_bytes: int


class _Symbol(NamedTuple):
    name_at: int
    address: int
    size_bytes: int


def data_symbols(file: bytes) -> dict[str, bytes]:
    """Return by name the bytes of each data object that a shared library defines and gives a first value.

    Those that only begin as zeros, and take no place in the file, are left out.

    Raises:
        ValueError: ``file`` is not such a file, or breaks the format anywhere on the way; the message says where.
    """
    segments, sections = _tables(file)
    tables = [section for section in sections if section.kind == _DYNAMIC_SYMBOLS]
    if len(tables) != 1:
        raise ValueError(f"the library has {len(tables)} tables of dynamic symbols, expected one")
    names = _names(file, tables[0], sections)
    found: dict[str, bytes] = {}
    for symbol in _defined(file, tables[0]):
        name = _name(names, symbol.name_at)
        if name in found:
            raise ValueError(f"the library defines {name!r} twice")
        content = _content(file, symbol, segments, name)
        if content:
            found[name] = content
    return found


def _tables(file: bytes) -> tuple[list[_Segment], list[_Section]]:
    if not file.startswith(_MAGIC):
        raise ValueError("not an ELF file of 64 bits, little-endian")
    header = _HEADER.unpack(_cut(file, 0, _HEADER.size, "the header"))
    segments_at, sections_at = header[5:7]
    segment_bytes, segments, section_bytes, sections = header[9:13]
    if (segment_bytes, section_bytes) != (_SEGMENT.size, _SECTION.size):
        raise ValueError(f"segments of {segment_bytes} and sections of {section_bytes} bytes in the ELF header")
    return (
        [
            _Segment(address, at, stored, size)
            for kind, _, at, address, _, stored, size, _ in _SEGMENT.iter_unpack(
                _cut(file, segments_at, segments * _SEGMENT.size, "the table of segments")
            )
            if kind == _LOADED_SEGMENT
        ],
        [
            _Section(kind, at, size, link, entry)
            for _, kind, _, _, at, size, link, _, _, entry in _SECTION.iter_unpack(
                _cut(file, sections_at, sections * _SECTION.size, "the table of sections")
            )
        ],
    )


def _names(file: bytes, table: _Section, sections: Sequence[_Section]) -> bytes:
    """Return the strings that the names of a table of symbols stand in."""
    if table.link >= len(sections) or sections[table.link].kind != _STRINGS:
        raise ValueError(f"section {table.link}, which should hold the names of symbols, holds no strings")
    strings = sections[table.link]
    return _cut(file, strings.at, strings.size_bytes, "the names of symbols")


def _defined(file: bytes, table: _Section) -> Iterator[_Symbol]:
    if table.entry_bytes != _SYMBOL.size or table.size_bytes % _SYMBOL.size:
        raise ValueError(f"symbols of {table.entry_bytes} bytes in a table of {table.size_bytes}")
    content = _cut(file, table.at, table.size_bytes, "the table of symbols")
    for name_at, info, _, section, address, size in _SYMBOL.iter_unpack(content):
        if info & 0x0F == _DATA_OBJECT and section != _UNDEFINED and size:
            yield _Symbol(name_at, address, size)


def _name(names: bytes, at: int) -> str:
    end = names.find(b"\0", at)
    if end < 0:
        raise ValueError(f"no symbol's name at byte {at} of the names")
    return names[at:end].decode("ascii")


def _content(file: bytes, symbol: _Symbol, segments: Sequence[_Segment], name: str) -> bytes:
    """Return what the file holds for a symbol; nothing if it begins as zeros."""
    for segment in segments:
        first = symbol.address - segment.address
        if first < 0 or first + symbol.size_bytes > segment.size_bytes:
            continue
        if first >= segment.stored_bytes:
            return b""
        if first + symbol.size_bytes > segment.stored_bytes:
            raise ValueError(f"{name!r} goes beyond what the file holds of its segment")
        return _cut(file, segment.at + first, symbol.size_bytes, repr(name))
    raise ValueError(f"{name!r} lies in no segment of the library")


def _cut(file: bytes, at: int, size_bytes: int, what: str) -> bytes:
    content = file[at : at + size_bytes]
    if len(content) != size_bytes:
        raise ValueError(f"the file ends at byte {len(file)}, before the end of {what}")
    return content
