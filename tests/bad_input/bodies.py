"""Bodies that must be refused: pictures, JSON and forms that say nothing usable, or too much."""

import base64
from collections.abc import Iterator, Mapping

import cv2
import numpy as np

import portraits
from bad_input import pictures as bad_pictures
from bad_input.forms import bad_forms
from bad_input.request import FORM, JSON, NOBODY, Case, Zeros, as_json, form


def bad_bodies() -> Iterator[Case]:
    """Yield every case whose body is wrong."""
    yield from _bad_pictures()
    yield from _useless_enrolments()
    yield from _bad_names()
    yield from _bad_json()
    yield from _bad_fields()
    yield from _bad_corrections()
    yield from bad_forms()
    yield from _too_large()


def _bad_pictures() -> Iterator[Case]:
    for what, data in bad_pictures.unreadable().items():
        text = base64.b64encode(data).decode()
        bodies = {
            "recognize body": ("/v1/recognize", {"Content-Type": "image/jpeg"}, data),
            "recognize form": ("/v1/recognize", {"Content-Type": FORM}, form(("image", "a.jpg", data))),
            "recognize json": ("/v1/recognize", JSON, as_json({"image": text})),
            "frames body": ("/v1/enrollments/{enrollment}/frames", {"Content-Type": "image/png"}, data),
            "frames form": ("/v1/enrollments/{enrollment}/frames", {"Content-Type": FORM}, form(("frames", "a", data))),
            "frames json": ("/v1/enrollments/{enrollment}/frames", JSON, as_json({"frames": [text]})),
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
            JSON,
            (400,),
            ("invalid_name",),
        )
        yield Case(
            f"rename: name with {what}", "PATCH", "/v1/people/{person}", as_json({"name": name}), JSON, (400,),
            ("invalid_name",),
        )  # fmt: skip
        body = form(("name", None, str(name).encode()), ("frames", "a.jpg", picture))
        yield Case(
            f"enroll: name with {what}", "POST", "/v1/enroll", body, {"Content-Type": FORM}, (400,), ("invalid_name",)
        )
    for method, path in (("POST", "/v1/enrollments"), ("PATCH", "/v1/people/{person}")):
        yield Case(
            f"{method} {path}: half a character", method, path, b'{"name": "\\ud800"}', JSON, (400,), ("invalid_name",)
        )


def _bad_keys() -> Iterator[Case]:
    good = {"name": "Ada's camera", "scopes": ["recognize"]}
    for what, change, code in (
        ("no name", {"name": None}, "invalid_field"),
        ("a name that nobody sees", {"name": " "}, "invalid_name"),
        ("no scopes", {"scopes": []}, "invalid_field"),
        ("a scope that there is not", {"scopes": ["recognize", "everything"]}, "invalid_field"),
        ("scopes that are no text", {"scopes": [{"a": 1}, ["operate"]]}, "invalid_field"),
        ("text for scopes", {"scopes": "operate"}, "invalid_field"),
        ("a camera that nobody sees", {"camera": "\u200b"}, "invalid_name"),
        ("a time that is none", {"expires_at": "tomorrow"}, "invalid_field"),
        ("a number for a time", {"expires_at": 2_000_000_000}, "invalid_field"),
        ("a time that is past", {"expires_at": "2001-01-01"}, "invalid_field"),
        ("a secret of its own", {"secret": "fam_1234"}, "unknown_field"),
    ):
        yield Case(f"key: {what}", "POST", "/v1/keys", as_json({**good, **change}), JSON, (400,), (code,))
    for what, body in {
        "nothing": {}, "a name alone": {"name": "Ada"}, "a password alone": {"password": "0123456789"},
        "two ways": {"key": "fam_1", "name": "Ada", "password": "0123456789"},
    }.items():  # fmt: skip
        yield Case(f"sign in: {what}", "POST", "/v1/session", as_json(body), JSON, (400,), ("missing_field",))
    for what, body, code in (
        ("half a character for a key", b'{"key": "\\ud800"}', "invalid_field"),
        ("half a character for a password", b'{"name": "Ada", "password": "\\ud800"}', "invalid_field"),
        ("a name that nobody has", b'{"name": "\\ud800", "password": "0123456789"}', "invalid_name"),
    ):
        yield Case(f"sign in: {what}", "POST", "/v1/session", body, JSON, (400,), (code,))


def _bad_corrections() -> Iterator[Case]:
    merge, move, split = (f"/v1/people/{{person}}/{what}" for what in ("merge", "move", "split"))
    for what, path, body, status, code in (
        ("merge: nobody said", merge, {}, 400, "missing_field"),
        ("merge: a number", merge, {"person_id": 7}, 400, "invalid_field"),
        ("merge: no id", merge, {"person_id": "me"}, 400, "invalid_id"),
        ("merge: nobody's id", merge, {"person_id": NOBODY}, 404, "person_not_found"),
        ("move: to whom is not said", move, {"samples": [NOBODY]}, 400, "missing_field"),
        ("move: which is not said", move, {"to": None}, 400, "missing_field"),
        ("move: none", move, {"samples": [], "to": None}, 400, "invalid_field"),
        ("move: one twice", move, {"samples": [NOBODY, NOBODY], "to": None}, 400, "invalid_field"),
        ("move: more than there may be", move, {"samples": [f"{n:032}" for n in range(1001)], "to": None}, 400,
         "invalid_field"),
        ("move: a number", move, {"samples": [1], "to": None}, 400, "invalid_field"),
        ("move: a list", move, {"samples": [[NOBODY]], "to": None}, 400, "invalid_field"),
        ("move: text", move, {"samples": NOBODY, "to": None}, 400, "invalid_field"),
        ("move: no id", move, {"samples": ["me"], "to": None}, 400, "invalid_id"),
        ("move: to a number", move, {"samples": [NOBODY], "to": 7}, 400, "invalid_field"),
        ("move: to no id", move, {"samples": [NOBODY], "to": "me"}, 400, "invalid_id"),
        ("move: to nobody's id", move, {"samples": [NOBODY], "to": "f" * 32}, 404, "person_not_found"),
        ("move: nobody's sample", move, {"samples": [NOBODY], "to": None}, 404, "sample_not_found"),
        ("split: no name", split, {"samples": [NOBODY]}, 400, "missing_field"),
        ("split: a name that nobody sees", split, {"samples": [NOBODY], "name": " "}, 400, "invalid_name"),
        ("split: too few", split, {"samples": [NOBODY], "name": "Ada"}, 409, "too_few_samples"),
        ("split: text for a flag", split, {"samples": [NOBODY], "name": "Ada", "allow_same_name": "no"}, 400,
         "invalid_field"),
        ("undo: with a field", f"/v1/corrections/{NOBODY}/undo", {"force": True}, 400, "unknown_field"),
    ):  # fmt: skip
        yield Case(what, "POST", path, as_json(body), JSON, (status,), (code,))


_NOTJSON: Mapping[str, bytes] = {
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
    ("PATCH", "/v1/enrollments/{enrollment}"),
    ("POST", "/v1/recognize"),
    ("POST", "/v1/detect"),
    ("POST", "/v1/verify"),
    ("POST", "/v1/enrollments/{enrollment}/frames"),
    ("POST", "/v1/enrollments/{enrollment}/finish"),
    ("POST", "/v1/session"),
    ("POST", "/v1/keys"),
    ("POST", "/v1/people/{person}/merge"),
    ("POST", "/v1/people/{person}/move"),
    ("POST", "/v1/people/{person}/split"),
    ("POST", f"/v1/corrections/{NOBODY}/undo"),
)


def _bad_json() -> Iterator[Case]:
    for method, path in _TAKES_JSON:
        for what, body in _NOTJSON.items():
            # What everybody may send is read by the server only if it is short.
            long = path == "/v1/session" and len(body) > 65_536
            statuses, codes = ((400, 413), ("invalid_json", "too_large")) if long else ((400,), ("invalid_json",))
            yield Case(f"{method} {path}: {what} is not JSON", method, path, body, JSON, statuses, codes)
        yield Case(
            f"{method} {path}: unknown field", method, path, as_json({"nmae": "Ada"}), JSON, (400,), ("unknown_field",)
        )


def _bad_fields() -> Iterator[Case]:
    wrong = {"null": None, "a number": 7, "a fraction": 0.5, "true": True, "a list": ["Ada"], "an object": {"a": 1}}
    for what, value in wrong.items():
        for method, path, name in (
            ("POST", "/v1/enrollments", "name"),
            ("POST", "/v1/enrollments", "person_id"),
            ("PATCH", "/v1/people/{person}", "name"),
            ("PATCH", "/v1/enrollments/{enrollment}", "name"),
            ("POST", "/v1/recognize", "image"),
            ("POST", "/v1/recognize", "camera"),
            ("POST", "/v1/detect", "image"),
            ("POST", "/v1/enrollments/{enrollment}/finish", "if_known"),
            ("POST", "/v1/session", "key"),
            ("POST", "/v1/session", "password"),
        ):
            yield Case(
                f"{method} {path}: {name} is {what}",
                method,
                path,
                as_json({name: value}),
                JSON,
                (400,),
                ("invalid_field",),
            )
        yield Case(
            f"frames json: a frame is {what}", "POST", "/v1/enrollments/{enrollment}/frames",
            as_json({"frames": [value]}), JSON, (400,), ("invalid_field",),
        )  # fmt: skip
    for what, value in {"text": "true", "a number": 1, "null": None}.items():
        yield Case(
            f"open: allow_same_name is {what}", "POST", "/v1/enrollments",
            as_json({"name": "Ada", "allow_same_name": value}), JSON, (400,), ("invalid_field",),
        )  # fmt: skip
    yield from _bad_keys()
    open_one, finish = "/v1/enrollments", "/v1/enrollments/{enrollment}/finish"
    frames = "/v1/enrollments/{enrollment}/frames"
    yield Case("open: nothing said", "POST", open_one, b"{}", JSON, (400,), ("missing_field",))
    yield Case(
        "open: a person's id of another form",
        "POST",
        open_one,
        as_json({"person_id": "7"}),
        JSON,
        (400,),
        ("invalid_id",),
    )
    yield Case(
        "open: nobody's id", "POST", open_one, as_json({"person_id": NOBODY}), JSON, (404,), ("person_not_found",)
    )
    yield Case("rename: nothing said", "PATCH", "/v1/people/{person}", b"{}", JSON, (400,), ("missing_field",))
    yield Case("finish: another word", "POST", finish, as_json({"if_known": "maybe"}), JSON, (400,), ("invalid_field",))
    other = as_json({"if_not_alike": "add"})
    yield Case("finish: the other question's word", "POST", finish, other, JSON, (400,), ("invalid_field",))
    yield Case("finish: too few samples", "POST", finish, b"{}", JSON, (409,), ("too_few_samples",))
    yield Case("recognize json: nothing said", "POST", "/v1/recognize", b"{}", JSON, (400,), ("missing_field",))
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
            f"recognize json: {what}", "POST", "/v1/recognize", as_json({"images": value}), JSON, (400,), (code,)
        )
    yield Case(
        "recognize json: a picture beside the frames", "POST", "/v1/recognize",
        as_json({"image": one, "images": [one, one]}), JSON, (400,), ("invalid_field",),
    )  # fmt: skip
    yield Case(
        "recognize json: not base64",
        "POST",
        "/v1/recognize",
        as_json({"image": "!!!"}),
        JSON,
        (400,),
        ("invalid_image",),
    )
    yield Case(
        "recognize json: an address",
        "POST",
        "/v1/recognize",
        as_json({"image": "http://127.0.0.1/a.jpg"}),
        JSON,
        (400,),
    )
    yield Case("recognize json: a path", "POST", "/v1/recognize", as_json({"image": "/etc/passwd"}), JSON, (400,))
    yield Case(
        "recognize json: an address by name",
        "POST",
        "/v1/recognize",
        as_json({"url": "http://x/"}),
        JSON,
        (400,),
        ("unknown_field",),
    )
    yield Case("frames json: no frames", "POST", frames, as_json({"frames": []}), JSON, (400,), ("missing_field",))
    yield Case(
        "frames json: text for a list", "POST", frames, as_json({"frames": "x"}), JSON, (400,), ("invalid_field",)
    )
    yield Case("frames json: not base64", "POST", frames, as_json({"frames": ["*"]}), JSON, (400,), ("invalid_image",))
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
    yield Case(
        "another name after the end", "PATCH", closed, as_json({"name": "Ada"}), JSON, (409,), ("enrollment_closed",)
    )
    yield Case("giving up after the end", "DELETE", closed, statuses=(409,), codes=("enrollment_closed",))


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
                f"{method} {path}: 2 MB {chunked=}", method, path, Zeros(2_000_000, chunked), JSON, (413,), large
            )
    many = form(("name", None, b"Ada"), *[("frames", f"{index}", b"x") for index in range(601)])
    yield Case("enroll: 601 frames", "POST", "/v1/enroll", many, {"Content-Type": FORM}, (413,), large)
    parts = form(*[(f"field{index}", None, b"x") for index in range(2_500)])
    yield Case("enroll: 2,500 fields", "POST", "/v1/enroll", parts, {"Content-Type": FORM}, (413,), large)
    text = form(("name", None, b"a" * 300_000), ("frames", "a", b"x"))
    yield Case("enroll: a name of 300 kB", "POST", "/v1/enroll", text, {"Content-Type": FORM}, (413,), large)
