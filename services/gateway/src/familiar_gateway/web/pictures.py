"""Pictures in a request: as the body itself, as files of a form, or as base64 in JSON."""

import base64
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple
from urllib.parse import unquote

from flask import Request
from werkzeug.datastructures import FileStorage

from familiar.errors import InvalidImage, InvalidInput
from familiar_gateway.web import payload
from familiar_gateway.web.errors import UnsupportedMediaType

FORM_OVERHEAD_BYTES = 100_000
"""What headers and other fields of a form or a JSON object may add to the pictures."""


def most_bytes(max_bytes: int) -> int:
    """Return how long a body may be that carries a picture in the longest of the three ways, as base64 in lines."""
    return max_bytes // 2 * 3 + FORM_OVERHEAD_BYTES


def is_picture(request: Request) -> bool:
    """Whether the body is a picture itself."""
    return request.mimetype.startswith("image/") or request.mimetype == "application/octet-stream"


@dataclass(frozen=True)
class Burst:
    """What a request brings to be looked at: one picture or several frames, and what it ``says`` beside them."""

    pictures: list[bytes]
    says: Mapping[str, str]


def read_burst(request: Request, max_bytes: int, most: int, beside: tuple[str, ...] = ()) -> Burst:
    """Return the one picture, or the 2 to ``most`` frames, that the request carries in any of the three ways.

    All frames together have room for as many bytes as one picture, so a request takes no more memory with them. Each of
    the texts ``beside`` them may be a query parameter or, in a form or JSON, a field.

    Raises:
        InvalidInput, UnsupportedMediaType, TooLarge: there is none, there are too many, a text is there twice, or the
            body is something else.
    """
    pictures, says = _read_burst(request, max_bytes, most, beside)
    for name in beside:
        text = request.args.get(name)
        if text is None:
            continue
        if name in says:
            raise InvalidInput(f"{name!r} is there as field and as query parameter", code="invalid_field", field=name)
        says[name] = text
    return Burst(pictures, says)


def _read_burst(
    request: Request, max_bytes: int, most: int, beside: tuple[str, ...]
) -> tuple[list[bytes], dict[str, str]]:
    if is_picture(request):
        request.max_content_length = max_bytes
        return [payload.read_body(request)], {}
    if request.mimetype == "multipart/form-data":
        request.max_content_length = max_bytes + FORM_OVERHEAD_BYTES
        says = payload.read_form(request, beside, ("image",))
        files = request.files.getlist("image")
        if not files:
            raise InvalidInput("the form has no file 'image'", code="missing_field", field="image")
        _check_count("image", len(files), 1, most)
        return [read_file(file, max_bytes) for file in files], says
    if request.mimetype == "application/json":
        request.max_content_length = most_bytes(max_bytes)
        fields = {"image": str, **({"images": list} if most > 1 else {}), **dict.fromkeys(beside, str)}
        body = payload.read_object(request, fields)
        says = {name: body.pop(name) for name in beside if name in body}
        if not body:
            raise InvalidInput("the field 'image', or 'images', is missing", code="missing_field", field="image")
        if len(body) > 1:
            raise InvalidInput("give 'image' or 'images', not both", code="invalid_field", field="images")
        if "image" in body:
            return [from_base64("image", body["image"])], says
        _check_count("images", len(body["images"]), 2, most)
        return list(decode_list("images", body["images"])), says
    raise UnsupportedMediaType(
        "send a picture as the body (image/jpeg), as multipart/form-data with the file 'image', or as application/json "
        f'{{"image": "<base64>"}}, or several frames as "images"; got {request.mimetype or "no Content-Type"}'
    )


def read_named(request: Request, names: tuple[str, ...], max_bytes: int, *, alone: bool = True) -> list[bytes]:
    """Return the pictures of a form or a JSON object that have these names; unless ``alone``, all else is ignored.

    Together they have room for as many bytes as one picture of a burst.

    Raises:
        InvalidInput, UnsupportedMediaType, TooLarge: one is missing, or the body is something else.
    """
    if request.mimetype == "multipart/form-data":
        request.max_content_length = max_bytes + FORM_OVERHEAD_BYTES
        if alone:
            payload.read_form(request, (), names)
        for name in names:
            files = request.files.getlist(name)
            if not files:
                raise InvalidInput(f"the form has no file {name!r}", code="missing_field", field=name)
            _check_count(name, len(files), 1, 1)
        return [read_file(request.files[name], max_bytes) for name in names]
    if request.mimetype == "application/json":
        request.max_content_length = most_bytes(max_bytes)
        body = payload.read_object(request, dict.fromkeys(names, str), required=names, alone=alone)
        return _from_several([(name, body[name]) for name in names])
    fields = ", ".join(f'"{name}": "<base64>"' for name in names)
    raise UnsupportedMediaType(
        f"send multipart/form-data with the files {', '.join(names)}, or application/json {{{fields}}}; "
        f"got {request.mimetype or 'no Content-Type'}"
    )


class Several(NamedTuple):
    """Pictures to be read one by one, and what was said beside them, if anything was."""

    pictures: Iterator[bytes]
    beside: Any


def read_several(request: Request, field: str, max_bytes: int, beside: str) -> Several:
    """Return the pictures of a request: the body, the files ``field``, or the base64 list of that name.

    ``beside`` names what else it may say: a field, or where the body is a picture, a parameter of the query. The body
    has been checked as a whole before the first picture is read.
    """
    if is_picture(request):
        return Several(iter([payload.read_body(request)]), request.args.get(beside))
    payload.read_query(request, {})
    if request.mimetype == "multipart/form-data":
        said = payload.read_form(request, (beside,), (field,)).get(beside)
        files = request.files.getlist(field)
        if not files:
            raise InvalidInput(f"the form has no file {field!r}", code="missing_field", field=field)
        return Several((read_file(file, max_bytes) for file in files), said)
    body = payload.read_object(request, {field: list, beside: (int, str, dict)}, required=(field,))
    return Several(decode_list(field, body[field]), body.get(beside))


def decode_list(field: str, texts: list[Any]) -> Iterator[bytes]:
    """Yield the pictures of a JSON list of base64 texts, all of which have been read before the first is yielded."""
    if not texts:
        raise InvalidInput(f"the list {field!r} is empty", code="missing_field", field=field)
    for text in texts:
        payload.check_type(field, text, str)
    return iter(_from_several([(field, text) for text in texts]))


def _from_several(texts: list[tuple[str, str]]) -> list[bytes]:
    """Return what base64 texts stand for, each given with its field; of one that is none ``details`` tell the index."""
    decoded = []
    for index, (field, text) in enumerate(texts):
        try:
            decoded.append(from_base64(field, text))
        except InvalidImage as exc:
            exc.details["index"] = index
            raise
    return decoded


def read_file(file: FileStorage, max_bytes: int) -> bytes:
    """Return the content of an uploaded file; one byte too many is enough for the decoder to refuse it."""
    return file.stream.read(max_bytes + 1)


def from_base64(field: str, text: str) -> bytes:
    """Return what a base64 text stands for, as programs write it.

    It may be a data: URL, be broken into lines, have either alphabet, and lack the padding at its end.

    Raises:
        InvalidImage: it is not base64; the message says what is wrong with it, and where.
    """
    try:
        return _decoded(_content(text))
    except ValueError as exc:
        raise InvalidImage(f"the field {field!r} is not base64: {exc}", field=field) from exc


def _content(text: str) -> str:
    """Return the base64 of a text, without what a data: URL has before it."""
    text = text.strip()
    if text[:5].lower() != "data:":
        return text
    head, comma, content = text.partition(",")
    if not comma:
        raise ValueError("it begins like a data: URL, which needs a comma before its content")
    if head.replace(" ", "")[-7:].lower() != ";base64":
        raise ValueError("it is a data: URL without ';base64' before the comma")
    return unquote(content) if "%" in content else content


def _decoded(text: str) -> bytes:
    lines = text.split()
    # Where lines were folded with blanks all but the last are of one length. Elsewhere a blank was a "+" before a form
    # was read.
    if " " in text and len({len(line) for line in lines[:-1]}) > 1:
        raise ValueError("it has blanks within; where a form carries it, '+' must be sent as '%2B'")
    letters = "".join(lines).translate(_ONE_ALPHABET).rstrip("=")
    wrong = _NO_BASE64.search(letters)
    if wrong is not None:
        what = "more after its padding" if wrong[0] == "=" else f"the character {wrong[0]!r}"
        raise ValueError(f"it has {what} (at place {wrong.start() + 1})")
    if len(letters) % 4 == 1:
        raise ValueError(f"it is cut short: {len(letters)} characters stand for no whole number of bytes")
    return base64.b64decode(letters + "=" * (-len(letters) % 4))


_ONE_ALPHABET = str.maketrans("-_", "+/")
_NO_BASE64 = re.compile("[^A-Za-z0-9+/]")


def _check_count(field: str, count: int, least: int, most: int) -> None:
    if not least <= count <= most:
        raise InvalidInput(
            f"{field!r} takes {least} to {most} pictures at once, got {count}", code="invalid_field", field=field
        )
