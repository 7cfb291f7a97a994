"""Changes: what is well made becomes a little wrong, or very, by chance; and the same again for the same chance."""

import random
import struct
from collections.abc import Callable, Sequence

from fuzz import parts

_EDGES = (0, 1, 2, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFF00, 0xFFFFFFFF)
_MOST_BYTES = 3_000_000


def changed(
    chance: random.Random, data: bytes, change: Sequence[Callable[[random.Random, bytes], bytes]] = ()
) -> bytes:
    """Return ``data`` after one to four changes; ``change`` are those that know more of it."""
    for _ in range(chance.choice((1, 1, 1, 2, 2, 3, 4))):
        data = chance.choice((*_ANY, *change, *change))(chance, data)
    return data[:_MOST_BYTES]


def pieces_changed(chance: random.Random, data: bytes) -> bytes:
    """Return a picture or a film with pieces taken out, doubled, repeated or mixed up; as it was, if it is damaged."""
    try:
        pieces = list(parts.pieces(data))
    except (struct.error, IndexError, MemoryError):
        return data
    place = chance.randrange(len(pieces))
    piece = pieces[place]
    match chance.randrange(5):
        case 0:
            del pieces[place]
        case 1:
            pieces[place:place] = [piece] * chance.choice((1, 2, 30, min(2000, _MOST_BYTES // (len(piece) + 1))))
        case 2:
            chance.shuffle(pieces)
        case 3:
            pieces[place] = _number_set(chance, piece[:12]) + piece[12:]
        case _:
            pieces = pieces[:place]
    return b"".join(pieces)


def checks_mended(_chance: random.Random, data: bytes) -> bytes:
    """Return a PNG whose checks fit what it holds, so that a decoder goes on; any other bytes as they are."""
    if data[:8] != parts.PNG_SIGNATURE:
        return data
    made, position = [parts.PNG_SIGNATURE], 8
    while position + 12 <= len(data):
        (length,) = struct.unpack_from(">I", data, position)
        content = data[position + 8 : position + 8 + length]
        made.append(parts.chunk(data[position + 4 : position + 8], content, stated=length))
        position += 12 + length
    return b"".join(made)


def _bits_turned(chance: random.Random, data: bytes) -> bytes:
    changing = bytearray(data)
    for _ in range(chance.choice((1, 1, 2, 8, 40))):
        if changing:
            changing[chance.randrange(len(changing))] ^= 1 << chance.randrange(8)
    return bytes(changing)


def _cut(chance: random.Random, data: bytes) -> bytes:
    return data[: chance.randrange(len(data) + 1)]


def _taken_out(chance: random.Random, data: bytes) -> bytes:
    start = chance.randrange(len(data) + 1)
    return data[:start] + data[start + chance.choice((1, 2, 4, 100, 5000)) :]


def _put_in(chance: random.Random, data: bytes) -> bytes:
    start = chance.randrange(len(data) + 1)
    return data[:start] + chance.randbytes(chance.choice((1, 2, 4, 64))) + data[start:]


def _repeated(chance: random.Random, data: bytes) -> bytes:
    start = chance.randrange(len(data) + 1)
    end = start + chance.choice((1, 2, 4, 16, 300))
    times = chance.choice((1, 10, 1000, 100_000))
    return (data[:end] + data[start:end] * times)[:_MOST_BYTES] + data[end:]


def _number_set(chance: random.Random, data: bytes) -> bytes:
    size, order = chance.choice((1, 2, 4)), chance.choice("<>")
    if len(data) < size:
        return data
    # A header lies in front more often than not.
    start = chance.randrange(min(len(data), chance.choice((64, 1_000_000_000))) - size + 1)
    value = chance.choice(_EDGES) & (256**size - 1)
    return data[:start] + struct.pack(order + {1: "B", 2: "H", 4: "I"}[size], value) + data[start + size :]


_ANY = (_bits_turned, _cut, _taken_out, _put_in, _repeated, _number_set, _number_set)
