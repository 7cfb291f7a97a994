"""Reading what a request says: strict JSON, strict forms, strict queries; every refusal names the field."""

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, NoReturn, TypeVar
from unicodedata import category

from flask import Flask, Request
from werkzeug.exceptions import RequestEntityTooLarge

from familiar.errors import InvalidInput
from familiar_gateway.web.errors import UnsupportedMediaType

Field = type | tuple[type, ...]
Route = TypeVar("Route", bound=Callable[..., Any])
_READ = "_reads_query"

PAGE: Mapping[str, tuple[int, int, int]] = {"limit": (100, 1, 1000), "offset": (0, 0, 10**8)}
"""The query of a list that is given in pages."""


def read_body(request: Request) -> bytes:
    """Return the body, whole.

    Raises:
        RequestEntityTooLarge: it has more than ``request.max_content_length`` bytes; one that came without a length
            would otherwise be cut off there.
    """
    data = request.get_data()
    most = request.max_content_length
    if request.content_length is None and most is not None and len(data) >= most:
        raise RequestEntityTooLarge
    return data


def read_json(request: Request, kind: type) -> Any:
    """Return the body, JSON of one kind.

    Raises:
        UnsupportedMediaType: the body is not declared as JSON.
        InvalidInput: it is not JSON, something in it is twice there, or it is of another kind.
    """
    if request.mimetype != "application/json":
        raise UnsupportedMediaType(f"the body must be application/json, got {request.mimetype or 'no Content-Type'}")
    body = _parse(read_body(request))
    if not isinstance(body, kind):
        wanted = "a JSON object" if kind is dict else _NAMES[kind]
        raise InvalidInput(f"the body must be {wanted}, got {_kind(body)}", code="invalid_json")
    return body


def read_object(
    request: Request, fields: Mapping[str, Field], *, required: tuple[str, ...] = (), alone: bool = True
) -> dict[str, Any]:
    """Return the ``fields`` of the body, a JSON object, each of its type; others are ignored unless they are ``alone``.

    Raises:
        UnsupportedMediaType: the body is not declared as JSON.
        InvalidInput: it is not JSON, or a field is missing, unknown, twice there or of another type.
    """
    body: dict[str, Any] = read_json(request, dict)
    if alone:
        _refuse_unknown(body, fields, "field")
    else:
        body = {name: value for name, value in body.items() if name in fields}
    for name in required:
        if name not in body:
            raise InvalidInput(f"the field {name!r} is missing", code="missing_field", field=name)
    for name, value in body.items():
        check_type(name, value, fields[name])
    return body


def read_optional_object(request: Request, fields: Mapping[str, Field]) -> dict[str, Any]:
    """Return the body like ``read_object``, or an empty one if nothing was sent."""
    if not request.mimetype and not read_body(request):
        return {}
    return read_object(request, fields)


def check_type(name: str, value: object, kind: Field) -> None:
    """Check a JSON value; true and false are no numbers.

    Raises:
        InvalidInput: it is of another type.
    """
    kinds = kind if isinstance(kind, tuple) else (kind,)
    if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
        wanted = " or ".join(_NAMES[each] for each in kinds if each is not int or float not in kinds)
        raise InvalidInput(f"the field {name!r} must be {wanted}, got {_kind(value)}", code="invalid_field", field=name)


def read_form(request: Request, fields: tuple[str, ...], files: tuple[str, ...]) -> dict[str, str]:
    """Return the text fields of a multipart form that has no other than the given ``fields`` and ``files``.

    Raises:
        InvalidInput: a field or file is unknown, a field is twice there or not text in UTF-8.
    """
    _refuse_unknown({**request.form, **request.files}, (*fields, *files), "form field")
    for name in files:
        if name in request.form:
            raise InvalidInput(
                f"the form field {name!r} must be a file: give it a file name", code="invalid_field", field=name
            )
    values = {}
    for name in request.form:
        given = request.form.getlist(name)
        if len(given) > 1:
            raise InvalidInput(f"the form field {name!r} was sent {len(given)} times", code="invalid_field", field=name)
        if "\ufffd" in given[0]:
            raise InvalidInput(f"the form field {name!r} is not text in UTF-8", code="invalid_field", field=name)
        values[name] = given[0]
    for name in fields:
        if name in request.files:
            raise InvalidInput(f"the form field {name!r} must be text, not a file", code="invalid_field", field=name)
    return values


def parse_flag(name: str, text: str | None) -> bool:
    """Return what a form or a query says by ``true`` or ``false``.

    Raises:
        InvalidInput: it says something else.
    """
    if text in (None, "false"):
        return False
    if text == "true":
        return True
    raise InvalidInput(f"{name!r} must be true or false, got {text!r:.50}", code="invalid_field")


def read_query(
    request: Request, numbers: Mapping[str, tuple[int, int, int]], texts: tuple[str, ...] = ()
) -> dict[str, int]:
    """Return the whole numbers of the query, each given as name -> (default, least, most).

    ``texts`` are the parameters it may have besides.

    Raises:
        InvalidInput: a parameter is unknown, twice there, no whole number or out of range.
    """
    _refuse_unknown(request.args, (*numbers, *texts), "query parameter")
    for name in texts:
        if len(request.args.getlist(name)) > 1:
            raise InvalidInput(f"the query parameter {name!r} is there twice", code="invalid_query", field=name)
    values = {}
    for name, (default, least, most) in numbers.items():
        given = request.args.getlist(name)
        text = given[0] if given else str(default)
        usable = len(given) <= 1 and text.isascii() and text.isdigit() and len(text) < 10
        if not usable or not least <= int(text) <= most:
            raise InvalidInput(
                f"the query parameter {name!r} must be a whole number from {least} to {most}, got {text!r:.50}",
                code="invalid_query",
                field=name,
            )
        values[name] = int(text)
    return values


def reads_query(*names: str) -> Callable[[Route], Route]:
    """Declare which parameters of the query a change reads; all others are refused before it, in one place."""

    def declare(route: Route) -> Route:
        setattr(route, _READ, names)
        return route

    return declare


def refuse_query_of_change(app: Flask, request: Request) -> None:
    """Refuse a change whose address has a query that its route does not read: what it says would be ignored.

    Raises:
        InvalidInput: it has one.
    """
    if request.endpoint is not None and request.method not in ("GET", "HEAD", "OPTIONS"):
        read_query(request, {}, getattr(app.view_functions[request.endpoint], _READ, ()))


def read_text(name: str, text: str, most: int) -> str:
    """Return a text of at most so many characters, without spaces around it.

    Raises:
        InvalidInput: it is longer, or has characters that are no text.
    """
    shown = text.replace("\r\n", "\n").strip()  # as lines end in forms
    if len(shown) > most or any(category(char) in _NO_TEXT and char != "\n" for char in shown):
        raise InvalidInput(
            f"{name!r} must have {most} characters at most, none of which controls anything",
            code="invalid_field",
            field=name,
        )
    return shown


def read_time(name: str, text: str) -> float:
    """Return a time, given in ISO 8601, in UTC seconds since 1970; without a zone it is UTC.

    In a query a "+" before the zone may have become a blank.

    Raises:
        InvalidInput: it is no time.
    """
    try:
        when = datetime.fromisoformat(text.replace(" ", "+") if "T" in text else text)
        return (when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError) as exc:
        raise InvalidInput(f"{text!r:.50} is not a time in ISO 8601", code="invalid_field", field=name) from exc


def parse_version(text: str) -> int:
    """Return the version number that a path names.

    Raises:
        InvalidInput: it names none.
    """
    if text.isascii() and text.isdigit() and len(text) <= 18 and int(text) > 0:
        return int(text)
    raise InvalidInput(f"{text[:40]!r} is not a version: a whole number from 1 is expected", code="invalid_version")


_NO_TEXT = frozenset({"Cc", "Cs"})
_NAMES: Mapping[type, str] = {
    str: "text",
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    list: "a list",
    dict: "an object",
    type(None): "null",
}


def _parse(data: bytes) -> Any:
    try:
        text = data.decode("utf-8")
        return json.loads(
            text, object_pairs_hook=_unique, parse_constant=_refuse_constant, parse_float=_finite, parse_int=_short
        )
    except UnicodeDecodeError as exc:
        raise InvalidInput("the body is not UTF-8", code="invalid_json") from exc
    except RecursionError as exc:
        raise InvalidInput("the JSON is nested too deeply", code="invalid_json") from exc
    except ValueError as exc:
        # As a shell puts base64 in lines between quotes.
        hint = "; in a text a line end is written as \\n" if "control character" in str(exc) else ""
        raise InvalidInput(f"the body is not JSON: {exc}{hint}", code="invalid_json") from exc


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise InvalidInput(f"the field {twice[:40]!r} is there twice", code="invalid_json")
    return values


def _refuse_constant(text: str) -> NoReturn:
    raise InvalidInput(f"{text} is not a number in JSON", code="invalid_json")


def _finite(text: str) -> float:
    value = float(text)
    if value in (float("inf"), float("-inf")):
        raise InvalidInput(f"the number {text[:40]} is too large", code="invalid_json")
    return value


def _short(text: str) -> int:
    if len(text) > 20:
        raise InvalidInput(f"the number {text[:20]}... is too large", code="invalid_json")
    return int(text)


def _refuse_unknown(given: Mapping[str, Any], known: Mapping[str, Any] | tuple[str, ...], what: str) -> None:
    unknown = sorted(name[:40] for name in given if name not in known)
    if unknown:
        takes = ", ".join(sorted(known)) or "none"
        raise InvalidInput(f"unknown {what} {unknown[0]!r}; known: {takes}", code="unknown_field", unknown=unknown[:10])


def _kind(value: object) -> str:
    if value is None:
        return "null"
    return _NAMES.get(type(value), "a number")
