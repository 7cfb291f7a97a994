"""Requests that must be refused: method, path, headers, body, and which status and code may come back.

Free of any framework, so that one list is fired at the application in the process and at a server over HTTP. Paths may
hold {enrollment} (an open one), {closed} (a finished one), {person} and {sample} of somebody enrolled; none of these
requests changes anything.
"""

import base64
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from urllib.parse import quote

import cv2
import numpy as np

import bad_pictures
import portraits

BOUNDARY = "familiar-boundary"
FORM = f"multipart/form-data; boundary={BOUNDARY}"
NOBODY = "0123456789abcdef" * 2


@dataclass(frozen=True)
class Zeros:
    """A body of so many zero bytes that nobody should hold it in memory; ``chunked`` comes without a length."""

    length: int
    chunked: bool = False

    def parts(self) -> Iterator[bytes]:
        """Yield the body piece by piece."""
        left = self.length
        while left > 0:
            yield b"\0" * min(left, 65_536)
            left -= 65_536


@dataclass(frozen=True)
class Case:
    """One request that must be refused with one of ``statuses``, and with one of ``codes`` if any are named."""

    name: str
    method: str
    path: str
    body: bytes | Zeros = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    statuses: tuple[int, ...] = (400,)
    codes: tuple[str, ...] = ()


def all_cases() -> list[Case]:
    """Return all cases; their names are unique."""
    made = [
        *_bad_pictures(),
        *_useless_enrolments(),
        *_bad_names(),
        *_bad_json(),
        *_bad_fields(),
        *_bad_forms(),
        *_bad_ids(),
        *_bad_versions(),
        *_bad_queries(),
        *_bad_routes(),
        *_bad_headers(),
        *_too_large(),
    ]
    assert len({case.name for case in made}) == len(made)
    return made


def form(*parts: tuple[str, str | None, bytes]) -> bytes:
    """Return a multipart body of (field, file name or None, content)."""
    pieces = []
    for name, filename, content in parts:
        file = f'; filename="{filename}"' if filename is not None else ""
        pieces.append(f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"{file}\r\n\r\n'.encode() + content)
    return b"\r\n".join(pieces) + f"\r\n--{BOUNDARY}--\r\n".encode()


def as_json(value: object) -> bytes:
    """Return a value as the body of a JSON request."""
    return json.dumps(value).encode()


_JSON = {"Content-Type": "application/json"}


def _bad_pictures() -> Iterator[Case]:
    for what, data in bad_pictures.unreadable().items():
        text = base64.b64encode(data).decode()
        bodies = {
            "recognize body": ("/v1/recognize", {"Content-Type": "image/jpeg"}, data),
            "recognize form": ("/v1/recognize", {"Content-Type": FORM}, form(("image", "a.jpg", data))),
            "recognize json": ("/v1/recognize", _JSON, as_json({"image": text})),
            "frames body": ("/v1/enrollments/{enrollment}/frames", {"Content-Type": "image/png"}, data),
            "frames form": ("/v1/enrollments/{enrollment}/frames", {"Content-Type": FORM}, form(("frames", "a", data))),
            "frames json": ("/v1/enrollments/{enrollment}/frames", _JSON, as_json({"frames": [text]})),
            "enroll": ("/v1/enroll", {"Content-Type": FORM}, form(("name", None, b"Ada"), ("frames", "a", data))),
        }
        for where, (path, headers, body) in bodies.items():
            yield Case(
                f"{where}: {what}", "POST", path, body, headers, (400, 413),
                ("invalid_image", "too_large", "invalid_archive", "invalid_video"),
            )  # fmt: skip


def _useless_enrolments() -> Iterator[Case]:
    """Pictures that can be read, but that nobody can be learned from."""
    face = portraits.frame("Eileen Collins")[:250, 100:350]
    blank = np.full((200, 200, 3), 127, np.uint8)
    noise = np.random.default_rng(0).integers(0, 255, (200, 200, 3), np.uint8)
    ten = np.vstack([np.hstack([face] * 5)] * 2)
    dark = (face * 0.05).astype(np.uint8)
    tiny = cv2.resize(face, (40, 40), interpolation=cv2.INTER_AREA)
    cut = face[:, :100]
    upside_down = face[::-1]
    shown = {
        "no face": blank, "noise": noise, "ten faces": ten, "too dark": dark, "too small": tiny, "cut off": cut,
        "upside down": upside_down, "only one": face,
    }  # fmt: skip
    for what, frame in shown.items():
        data = bad_pictures.encode(".jpg", np.ascontiguousarray(frame))
        body = form(("name", None, b"Ada"), *[("frames", f"{index}.jpg", data) for index in range(6)])
        yield Case(f"enroll: {what}", "POST", "/v1/enroll", body, {"Content-Type": FORM}, (409,), ("too_few_samples",))


_NAMES: Mapping[str, object] = {
    "empty": "",
    "only spaces": "   ",
    "81 characters": "a" * 81,
    "huge": "a" * 50_000,
    "a zero byte": "Ada\0Lovelace",
    "a bell": "Ada\x07",
    "a line break": "Ada\nLovelace",
    "a tab": "Ada\tLovelace",
    "escape codes": "\x1b[31mAda",
    "text turned round": "Ada\u202eecalevoL",
    "an invisible space": "Ada\u200b",
    "a byte order mark": "\ufeffAda",
    "private use": "Ada\ue000",
    "unassigned": "Ada\u0378",
    "a line separator": "Ada\u2028Lovelace",
}


def _bad_names() -> Iterator[Case]:
    picture = bad_pictures.encode(".jpg", bad_pictures.face())
    for what, name in _NAMES.items():
        yield Case(
            f"open: name with {what}",
            "POST",
            "/v1/enrollments",
            as_json({"name": name}),
            _JSON,
            (400,),
            ("invalid_name",),
        )
        yield Case(
            f"rename: name with {what}", "PATCH", "/v1/people/{person}", as_json({"name": name}), _JSON, (400,),
            ("invalid_name",),
        )  # fmt: skip
        body = form(("name", None, str(name).encode()), ("frames", "a.jpg", picture))
        yield Case(
            f"enroll: name with {what}", "POST", "/v1/enroll", body, {"Content-Type": FORM}, (400,), ("invalid_name",)
        )
    for method, path in (("POST", "/v1/enrollments"), ("PATCH", "/v1/people/{person}")):
        yield Case(
            f"{method} {path}: half a character", method, path, b'{"name": "\\ud800"}', _JSON, (400,), ("invalid_name",)
        )


_NOT_JSON: Mapping[str, bytes] = {
    "nothing": b"",
    "half": b'{"name": "Ada"',
    "two": b'{"name": "Ada"}{"name": "Ada"}',
    "single quotes": b"{'name': 'Ada'}",
    "a comment": b'{"name": "Ada"} // Ada',
    "a comma too many": b'{"name": "Ada",}',
    "NaN": b'{"name": NaN}',
    "Infinity": b'{"name": -Infinity}',
    "a number beyond all": b'{"name": 1e999}',
    "an endless number": b'{"name": ' + b"9" * 100_000 + b"}",
    "deep lists": b"[" * 200_000,
    "deep objects": b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
    "a field twice": b'{"name": "Ada", "name": "Eve"}',
    "latin-1": '{"name": "Zoë"}'.encode("latin-1"),
    "utf-16": '{"name": "Ada"}'.encode("utf-16"),
    "null": b"null",
    "a list": b'[{"name": "Ada"}]',
    "text": b'"Ada"',
    "a number": b"42",
    "true": b"true",
    "a form": b"name=Ada",
    "xml": b"<name>Ada</name>",
}
_TAKES_JSON = (
    ("POST", "/v1/enrollments"),
    ("PATCH", "/v1/people/{person}"),
    ("POST", "/v1/recognize"),
    ("POST", "/v1/enrollments/{enrollment}/frames"),
    ("POST", "/v1/enrollments/{enrollment}/finish"),
)


def _bad_json() -> Iterator[Case]:
    for method, path in _TAKES_JSON:
        for what, body in _NOT_JSON.items():
            yield Case(f"{method} {path}: {what} is not JSON", method, path, body, _JSON, (400,), ("invalid_json",))
        yield Case(
            f"{method} {path}: unknown field", method, path, as_json({"nmae": "Ada"}), _JSON, (400,), ("unknown_field",)
        )


def _bad_fields() -> Iterator[Case]:
    wrong = {"null": None, "a number": 7, "a fraction": 0.5, "true": True, "a list": ["Ada"], "an object": {"a": 1}}
    for what, value in wrong.items():
        for method, path, name in (
            ("POST", "/v1/enrollments", "name"),
            ("POST", "/v1/enrollments", "person_id"),
            ("PATCH", "/v1/people/{person}", "name"),
            ("POST", "/v1/recognize", "image"),
            ("POST", "/v1/enrollments/{enrollment}/finish", "if_known"),
        ):
            yield Case(
                f"{method} {path}: {name} is {what}",
                method,
                path,
                as_json({name: value}),
                _JSON,
                (400,),
                ("invalid_field",),
            )
        yield Case(
            f"frames json: a frame is {what}", "POST", "/v1/enrollments/{enrollment}/frames",
            as_json({"frames": [value]}), _JSON, (400,), ("invalid_field",),
        )  # fmt: skip
    for what, value in {"text": "true", "a number": 1, "null": None}.items():
        yield Case(
            f"open: allow_same_name is {what}", "POST", "/v1/enrollments",
            as_json({"name": "Ada", "allow_same_name": value}), _JSON, (400,), ("invalid_field",),
        )  # fmt: skip
    open_one, finish = "/v1/enrollments", "/v1/enrollments/{enrollment}/finish"
    frames = "/v1/enrollments/{enrollment}/frames"
    yield Case("open: nothing said", "POST", open_one, b"{}", _JSON, (400,), ("missing_field",))
    yield Case(
        "open: a person's id of another form",
        "POST",
        open_one,
        as_json({"person_id": "7"}),
        _JSON,
        (400,),
        ("invalid_id",),
    )
    yield Case(
        "open: nobody's id", "POST", open_one, as_json({"person_id": NOBODY}), _JSON, (404,), ("person_not_found",)
    )
    yield Case("rename: nothing said", "PATCH", "/v1/people/{person}", b"{}", _JSON, (400,), ("missing_field",))
    yield Case(
        "finish: another word", "POST", finish, as_json({"if_known": "maybe"}), _JSON, (400,), ("invalid_field",)
    )
    yield Case("finish: too few samples", "POST", finish, b"{}", _JSON, (409,), ("too_few_samples",))
    yield Case("recognize json: nothing said", "POST", "/v1/recognize", b"{}", _JSON, (400,), ("missing_field",))
    one = base64.b64encode(bad_pictures.encode(".jpg", bad_pictures.face())).decode()
    for what, value, code in (
        ("no frames", [], "invalid_field"),
        ("one frame in a list", [one], "invalid_field"),
        ("eleven frames", [one] * 11, "invalid_field"),
        ("text for a list", one, "invalid_field"),
        ("null", None, "invalid_field"),
        ("a number among the frames", [one, 7], "invalid_field"),
        ("a list among the frames", [[one], one], "invalid_field"),
        ("not base64 among the frames", [one, "!!!"], "invalid_image"),
        ("no picture among the frames", [one, "AAAA"], "invalid_image"),
    ):
        yield Case(
            f"recognize json: {what}", "POST", "/v1/recognize", as_json({"images": value}), _JSON, (400,), (code,)
        )
    yield Case(
        "recognize json: a picture beside the frames", "POST", "/v1/recognize",
        as_json({"image": one, "images": [one, one]}), _JSON, (400,), ("invalid_field",),
    )  # fmt: skip
    yield Case(
        "recognize json: not base64",
        "POST",
        "/v1/recognize",
        as_json({"image": "!!!"}),
        _JSON,
        (400,),
        ("invalid_image",),
    )
    yield Case(
        "recognize json: an address",
        "POST",
        "/v1/recognize",
        as_json({"image": "http://127.0.0.1/a.jpg"}),
        _JSON,
        (400,),
    )
    yield Case("recognize json: a path", "POST", "/v1/recognize", as_json({"image": "/etc/passwd"}), _JSON, (400,))
    yield Case(
        "recognize json: an address by name",
        "POST",
        "/v1/recognize",
        as_json({"url": "http://x/"}),
        _JSON,
        (400,),
        ("unknown_field",),
    )
    yield Case("frames json: no frames", "POST", frames, as_json({"frames": []}), _JSON, (400,), ("missing_field",))
    yield Case(
        "frames json: text for a list", "POST", frames, as_json({"frames": "x"}), _JSON, (400,), ("invalid_field",)
    )
    yield Case("frames json: not base64", "POST", frames, as_json({"frames": ["*"]}), _JSON, (400,), ("invalid_image",))
    closed = "/v1/enrollments/{closed}"
    jpeg = {"Content-Type": "image/jpeg"}
    yield Case(
        "frames after the end",
        "POST",
        f"{closed}/frames",
        bad_pictures.encode(".jpg", bad_pictures.face()),
        jpeg,
        (409,),
        ("enrollment_closed",),
    )
    yield Case("giving up after the end", "DELETE", closed, statuses=(409,), codes=("enrollment_closed",))


def _bad_forms() -> Iterator[Case]:
    data = bad_pictures.encode(".jpg", bad_pictures.face())
    picture = ("image", "a.jpg", data)
    frame = ("frames", "a.jpg", data)
    name = ("name", None, b"Ada")
    recognize, enroll, frames = "/v1/recognize", "/v1/enroll", "/v1/enrollments/{enrollment}/frames"
    bodies: list[tuple[str, str, bytes, tuple[str, ...]]] = [
        ("no field", recognize, form(), ("missing_field",)),
        ("another field", recognize, form(("picture", "a.jpg", data)), ("unknown_field",)),
        ("a field too many", recognize, form(picture, ("threshold", None, b"0")), ("unknown_field",)),
        ("eleven frames", recognize, form(*[picture] * 11), ("invalid_field",)),
        ("a frame that is none", recognize, form(picture, ("image", "b.jpg", data[:100])), ("invalid_image",)),
        ("an empty frame", recognize, form(("image", "b.jpg", b""), picture), ("invalid_image",)),
        ("a frame as text", recognize, form(picture, ("image", None, b"x")), ("invalid_field",)),
        ("the picture as text", recognize, form(("image", None, b"x")), ("invalid_field",)),
        ("no field", frames, form(), ("missing_field",)),
        ("another field", frames, form(("image", "a.jpg", data)), ("unknown_field",)),
        ("no field", enroll, form(), ("missing_field",)),
        ("no frames", enroll, form(name), ("missing_field",)),
        ("no name", enroll, form(frame), ("missing_field",)),
        ("frames as text", enroll, form(name, ("frames", None, b"x")), ("invalid_field",)),
        ("name as file", enroll, form(("name", "a.txt", b"Ada"), frame), ("invalid_field",)),
        ("two names", enroll, form(name, name, frame), ("invalid_field",)),
        ("a name that is not UTF-8", enroll, form(("name", None, b"Zo\xeb"), frame), ("invalid_field",)),
        ("another field", enroll, form(name, frame, ("age", None, b"7")), ("unknown_field",)),
        ("another word for if_known", enroll, form(name, frame, ("if_known", None, b"x")), ("invalid_field",)),
        (
            "another word for allow_same_name",
            enroll,
            form(name, frame, ("allow_same_name", None, b"1")),
            ("invalid_field",),
        ),
        ("a person's id of another form", enroll, form(("person_id", None, b"7"), frame), ("invalid_id",)),
        ("nobody's id", enroll, form(("person_id", None, NOBODY.encode()), frame), ("person_not_found",)),
    ]
    for what, path, body, codes in bodies:
        yield Case(f"form {path}: {what}", "POST", path, body, {"Content-Type": FORM}, (400, 404), codes)
    for path in (recognize, enroll, frames):
        whole = form(picture)
        yield Case(f"form {path}: no boundary", "POST", path, whole, {"Content-Type": "multipart/form-data"})
        yield Case(f"form {path}: cut short", "POST", path, whole[:200], {"Content-Type": FORM})
        yield Case(f"form {path}: no parts", "POST", path, b"nothing of the kind", {"Content-Type": FORM})
        for kind in (
            "text/plain",
            "application/xml",
            "application/x-www-form-urlencoded",
            "video/mp4",
            "nonsense",
            "*/*",
        ):
            yield Case(
                f"{path} as {kind}", "POST", path, data, {"Content-Type": kind}, (415,), ("unsupported_media_type",)
            )
        yield Case(f"{path} as nothing", "POST", path, data, {"Content-Type": ""}, (415,), ("unsupported_media_type",))
    for method, path in (("POST", "/v1/enrollments"), ("PATCH", "/v1/people/{person}")):
        for kind in ("text/plain", "image/jpeg", FORM, "application/xml"):
            yield Case(
                f"{method} {path} as {kind}", method, path, b'{"name": "Ada"}', {"Content-Type": kind}, (415,),
                ("unsupported_media_type",),
            )  # fmt: skip


_IDS = {
    "a word": "me",
    "a number": "1",
    "capitals": NOBODY.upper(),
    "a digit short": NOBODY[:-1],
    "a digit long": NOBODY + "0",
    "dashes": "01234567-89ab-cdef-0123-456789abcdef",
    "other letters": "g" * 32,
    "a zero byte": NOBODY[:-1] + "\0",
    "a quote": "' OR 1=1 --",
    "other digits": "٠" * 32,
    "wide letters": "ａ" * 32,
    "a long text": "a" * 2000,
    "null": "null",
    "a template": "{{7*7}}",
}
_BY_ID = (
    ("GET", "/v1/enrollments/ID"),
    ("DELETE", "/v1/enrollments/ID"),
    ("GET", "/v1/enrollments/ID/events"),
    ("POST", "/v1/enrollments/ID/finish"),
    ("POST", "/v1/enrollments/ID/frames"),
    ("GET", "/v1/people/ID"),
    ("PATCH", "/v1/people/ID"),
    ("DELETE", "/v1/people/ID"),
    ("GET", "/v1/people/ID/samples"),
    ("GET", "/v1/people/{person}/samples/ID"),
    ("DELETE", "/v1/people/{person}/samples/ID"),
    ("GET", "/v1/people/ID/samples/{sample}"),
    ("GET", "/v1/jobs/ID"),
)


def _bad_ids() -> Iterator[Case]:
    for method, path in _BY_ID:
        headers: Mapping[str, str] = {}
        body = b""
        if path.endswith("frames"):
            headers, body = {"Content-Type": "image/jpeg"}, bad_pictures.encode(".jpg", bad_pictures.face())
        elif method in ("PATCH", "POST"):
            headers, body = _JSON, b'{"name": "Ada"}' if method == "PATCH" else b"{}"
        for what, text in _IDS.items():
            full = path.replace("ID", quote(text, safe=""))
            yield Case(f"{method} {path}: {what}", method, full, body, headers, (400,), ("invalid_id",))
        full = path.replace("ID", NOBODY)
        yield Case(f"{method} {path}: nobody's", method, full, body, headers, (404,))


def _bad_versions() -> Iterator[Case]:
    for text in ("0", "-1", "1.5", "one", "1e3", "٣", "+1", " 1", "9" * 30):
        path = f"/v1/models/{quote(text, safe='')}"
        yield Case(f"version {text}", "GET", path, codes=("invalid_version",))
        yield Case(f"rollback to {text}", "POST", f"{path}/rollback", statuses=(400,), codes=("invalid_version",))
    yield Case("version of none", "GET", "/v1/models/999999", statuses=(404,), codes=("version_not_found",))
    yield Case("rollback to none", "POST", "/v1/models/999999/rollback", statuses=(404,), codes=("version_not_found",))
    yield Case(
        "rollback with a field",
        "POST",
        "/v1/models/1/rollback",
        as_json({"force": True}),
        _JSON,
        (400,),
        ("unknown_field",),
    )


def _bad_queries() -> Iterator[Case]:
    paths = {"/v1/people": "offset", "/v1/people/{person}/samples": "offset", "/v1/models": "", "/v1/jobs": ""}
    for path, more in paths.items():
        for text in ("0", "-1", "1001", "ten", "1.5", "1e2", "", "٣", "9" * 30, "1;DROP TABLE people"):
            yield Case(f"{path}: limit {text}", "GET", f"{path}?limit={quote(text)}", codes=("invalid_query",))
        yield Case(f"{path}: limit twice", "GET", f"{path}?limit=1&limit=2", codes=("invalid_query",))
        yield Case(f"{path}: another parameter", "GET", f"{path}?sort=name", codes=("unknown_field",))
        if more:
            yield Case(f"{path}: offset -1", "GET", f"{path}?offset=-1", codes=("invalid_query",))
    for path in ("/v1/people/{person}", "/v1/enrollments/{enrollment}", "/v1/people/{person}/samples/{sample}",
                 "/v1/models/1"):  # fmt: skip
        yield Case(f"{path}: a parameter", "GET", f"{path}?full=1", codes=("unknown_field",))


def _bad_routes() -> Iterator[Case]:
    for path in ("/v1", "/v1/", "/v2/people", "/v1/people/", "/v1/persons", "/admin", "/.env", "/static/app.js",
                 "/docs/../app.py", "/docs/openapi.json", "/v1/people/%2e%2e", "/v1/recognize/", "/%00",
                 "/api/v1/recognition/recognize", "/v1/people/{person}/samples/{sample}/crop"):  # fmt: skip
        yield Case(f"route {path}", "GET", path, statuses=(400, 404, 405))
    wrong = {
        "/v1/recognize": ("GET", "PUT", "PATCH", "DELETE"),
        "/v1/enroll": ("GET", "PUT", "DELETE"),
        "/v1/enrollments": ("GET", "PUT", "DELETE"),
        "/v1/enrollments/{enrollment}": ("POST", "PUT", "PATCH"),
        "/v1/enrollments/{enrollment}/frames": ("GET", "PUT", "DELETE"),
        "/v1/enrollments/{enrollment}/finish": ("GET", "DELETE"),
        "/v1/enrollments/{enrollment}/events": ("POST", "DELETE"),
        "/v1/people": ("POST", "PUT", "DELETE"),
        "/v1/people/{person}": ("POST", "PUT"),
        "/v1/people/{person}/samples": ("POST", "DELETE"),
        "/v1/people/{person}/samples/{sample}": ("POST", "PUT"),
        "/v1/models": ("POST", "DELETE"),
        "/v1/models/1": ("POST", "PATCH", "DELETE"),
        "/v1/models/1/rollback": ("GET", "DELETE"),
        "/v1/jobs": ("POST", "DELETE"),
        "/healthz": ("POST",),
        "/readyz": ("POST",),
        "/metrics": ("POST",),
        "/openapi.json": ("POST",),
        "/docs": ("POST",),
    }
    for path, methods in wrong.items():
        for method in methods:
            yield Case(f"{method} {path}", method, path, statuses=(405,), codes=("method_not_allowed",))


def _bad_headers() -> Iterator[Case]:
    for what, key in {"too long": "k" * 201, "empty": "", "other letters": "cl\xe9", "a tab": "a\tb"}.items():
        headers = {**_JSON, "Idempotency-Key": key}
        yield Case(
            f"key: {what}",
            "POST",
            "/v1/enrollments",
            as_json({"name": "Ada"}),
            headers,
            (400,),
            ("invalid_idempotency_key",),
        )


def _too_large() -> Iterator[Case]:
    jpeg = {"Content-Type": "image/jpeg"}
    large = ("too_large",)
    takes_pictures = {
        "/v1/recognize": ("image/jpeg", "application/json", FORM),
        "/v1/enroll": (FORM,),
        "/v1/enrollments/{enrollment}/frames": ("image/jpeg", "application/json", FORM),
    }
    for path, kinds in takes_pictures.items():
        for kind in kinds:
            for chunked in (False, True):
                how = "without a length" if chunked else "with its length"
                yield Case(
                    f"{path}: 101 MB of {kind.split(';')[0]} {how}", "POST", path, Zeros(101_000_000, chunked),
                    {"Content-Type": kind}, (413, 400) if kind == FORM else (413,), () if kind == FORM else large,
                )  # fmt: skip
    yield Case("recognize: a byte too many", "POST", "/v1/recognize", Zeros(20_000_001), jpeg, (413,), large)
    yield Case(
        "recognize: a byte too many, chunked", "POST", "/v1/recognize", Zeros(20_000_001, True), jpeg, (413,), large
    )
    for method, path in (("POST", "/v1/enrollments"), ("PATCH", "/v1/people/{person}"),
                         ("POST", "/v1/enrollments/{enrollment}/finish")):  # fmt: skip
        for chunked in (False, True):
            yield Case(
                f"{method} {path}: 2 MB {chunked=}", method, path, Zeros(2_000_000, chunked), _JSON, (413,), large
            )
    many = form(("name", None, b"Ada"), *[("frames", f"{index}", b"x") for index in range(601)])
    yield Case("enroll: 601 frames", "POST", "/v1/enroll", many, {"Content-Type": FORM}, (413,), large)
    parts = form(*[(f"field{index}", None, b"x") for index in range(2_500)])
    yield Case("enroll: 2,500 fields", "POST", "/v1/enroll", parts, {"Content-Type": FORM}, (413,), large)
    text = form(("name", None, b"a" * 300_000), ("frames", "a", b"x"))
    yield Case("enroll: a name of 300 kB", "POST", "/v1/enroll", text, {"Content-Type": FORM}, (413,), large)
