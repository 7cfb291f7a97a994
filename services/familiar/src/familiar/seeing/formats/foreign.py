"""Kinds of files that are not read as pictures, told by how they begin, so that a refusal can say what to do."""

_STILLS = {
    "a HEIC": (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs"),
    "an AVIF": (b"avif", b"avis"),
    # Says only that it is a picture: what it is packed with stands among its further brands.
    "": (b"mif1", b"mif2", b"msf1", b"miaf", b"MiHB", b"MiPr", b"avci", b"avcs", b"jpeg", b"jpgs", b"crx "),
}
_MOST_BRANDS = 32
STILL_HEAD_BYTES = 16 + 4 * _MOST_BRANDS
"""So much of a file's beginning tells whether it is a still picture, whichever of its brands says so."""

_ON_A_PHONE = (
    "save it as JPEG (iPhone: Settings, Camera, Formats, Most Compatible; Android: HEIC off in its camera's settings)"
)
_SAVE = "save it as JPEG first"
_BEGINNINGS = (
    (b"GIF8", f"a GIF picture; {_SAVE}"),
    (b"BM", f"a BMP picture; {_SAVE}"),
    (b"II*\0", f"a TIFF or raw picture; {_SAVE}"),
    (b"MM\0*", f"a TIFF or raw picture; {_SAVE}"),
    (b"\xff\x0a", f"a JPEG XL picture; {_SAVE}"),
    (b"\0\0\0\x0cJXL ", f"a JPEG XL picture; {_SAVE}"),
    (b"\0\0\0\x0cjP  ", f"a JPEG 2000 picture; {_SAVE}"),
    (b"%PDF", f"a PDF; {_SAVE}"),
    (b"<", "a page or a drawing (HTML, XML or SVG): is the address of the picture right?"),
    (b"{", "JSON; its Content-Type must be application/json"),
    (b"data:", 'a data: URL; send it as application/json {"image": ...}'),
    (b"/9j/", 'base64; send it as application/json {"image": ...}'),
    (b"iVBORw0KGgo", 'base64; send it as application/json {"image": ...}'),
    (b"UklGR", 'base64; send it as application/json {"image": ...}'),
    (b"\x1aE\xdf\xa3", "a film; send one of its frames as JPEG"),
    (b"PK\x03\x04", "a ZIP archive"),
)


def is_still(head: bytes) -> bool:
    """Whether a file that begins with ``head`` has the form of MP4 but is a picture, as HEIC is.

    ``head`` has ``STILL_HEAD_BYTES`` if the file has. Any brand says so, not the first alone: that may be one of films.
    """
    return any(brand in brands for brand in _brands(head) for brands in _STILLS.values())


def name(data: bytes) -> str | None:
    """Return what a file that is no picture of ours is, and what to do with it; None if nobody knows."""
    if data[4:8] == b"ftyp":
        return _of_a_box(data)
    text = data[:64].lstrip(b"\xef\xbb\xbf \t\r\n")
    return next((what for beginning, what in _BEGINNINGS if text.startswith(beginning)), None)


def _of_a_box(data: bytes) -> str:
    if not is_still(data):
        return "a film; send one of its frames as JPEG"
    kind = next((kind for brand in _brands(data) for kind, its in _STILLS.items() if kind and brand in its), "a HEIC")
    return f"{kind} picture; {_ON_A_PHONE}"


def _brands(data: bytes) -> list[bytes]:
    """Return the brands of a file of the form of MP4, the first one first; none of any other."""
    if data[4:8] != b"ftyp":
        return []
    stated = min(int.from_bytes(data[:4], "big"), STILL_HEAD_BYTES)
    return [data[8:12], *(data[place : place + 4] for place in range(16, stated - 3, 4))]
