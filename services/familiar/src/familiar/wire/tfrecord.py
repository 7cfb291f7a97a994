"""Read and write TFRecord files: length, masked CRC-32C of the length, data, masked CRC-32C of the data."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

_POLYNOMIAL: Final = 0x82F63B78  # Castagnoli, bits reversed
_MASK_DELTA: Final = 0xA282EAD8
_HEADER_BYTES: Final = 12
_FOOTER_BYTES: Final = 4


def _crc_table() -> tuple[int, ...]:
    table = []
    for value in range(256):
        for _ in range(8):
            value = (value >> 1) ^ (_POLYNOMIAL if value & 1 else 0)
        table.append(value)
    return tuple(table)


_CRC_TABLE: Final = _crc_table()


def write_records(path: Path, records: Iterable[bytes]) -> int:
    """Write one file with these records and return how many there were."""
    count = 0
    with path.open("wb") as file:
        for record in records:
            length = struct.pack("<Q", len(record))
            file.write(length + _masked_crc(length) + record + _masked_crc(record))
            count += 1
    return count


def read_records(path: Path) -> Iterator[bytes]:
    """Yield the records of a file; raises ValueError where it is truncated or a checksum is wrong."""
    with path.open("rb") as file:
        index = 0
        while header := file.read(_HEADER_BYTES):
            if len(header) < _HEADER_BYTES:
                raise ValueError(f"{path.name}: record {index} is truncated")
            if _masked_crc(header[:8]) != header[8:]:
                raise ValueError(f"{path.name}: record {index} has a corrupted length")
            (length,) = struct.unpack("<Q", header[:8])
            record = file.read(length)
            footer = file.read(_FOOTER_BYTES)
            if len(record) < length or len(footer) < _FOOTER_BYTES:
                raise ValueError(f"{path.name}: record {index} is truncated")
            if _masked_crc(record) != footer:
                raise ValueError(f"{path.name}: record {index} has corrupted data")
            yield record
            index += 1


def crc32c(data: bytes) -> int:
    """Compute the CRC-32C (Castagnoli) checksum that the format uses."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc = _CRC_TABLE[(crc ^ byte) & 0xFF] ^ (crc >> 8)
    return crc ^ 0xFFFFFFFF


def _masked_crc(data: bytes) -> bytes:
    crc = crc32c(data)
    rotated = ((crc >> 15) | (crc << 17)) & 0xFFFFFFFF
    return struct.pack("<I", (rotated + _MASK_DELTA) & 0xFFFFFFFF)
