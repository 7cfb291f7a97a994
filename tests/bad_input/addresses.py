"""Addresses and headers that must be refused, whatever the body: ids, versions, queries, routes, methods, keys."""

from collections.abc import Iterator, Mapping
from urllib.parse import quote

from bad_input import pictures as bad_pictures
from bad_input.request import JSON, NOBODY, Case, as_json


def bad_addresses() -> Iterator[Case]:
    """Yield every case whose path, query, method or header is wrong."""
    yield from _bad_ids()
    yield from _bad_versions()
    yield from _bad_queries()
    yield from _bad_routes()
    yield from _bad_headers()
    yield from _bad_origins()


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
    ("POST", "/v1/people/ID/merge"),
    ("POST", "/v1/people/ID/move"),
    ("POST", "/v1/people/ID/split"),
    ("GET", "/v1/corrections/ID"),
    ("POST", "/v1/corrections/ID/undo"),
    ("GET", "/v1/sightings/ID"),
    ("DELETE", "/v1/sightings/ID"),
    ("GET", "/v1/sightings/ID/crops/0"),
    ("GET", "/v1/feedback/ID"),
    ("DELETE", "/v1/feedback/ID"),
    ("GET", "/v1/quarantine/ID/crop"),
    ("GET", "/v1/events/ID/snapshot"),
    ("GET", "/v1/strangers/ID"),
    ("POST", "/v1/strangers/ID/name"),
    ("GET", "/v1/replay/ID"),
    ("GET", "/v1/photos/ID"),
    ("DELETE", "/v1/photos/ID"),
    ("POST", "/v1/photos/ID/pause"),
    ("POST", "/v1/photos/ID/resume"),
    ("POST", "/v1/photos/ID/pictures?path=a.jpg"),
    ("GET", "/v1/photos/ID/people"),
    ("GET", "/v1/photos/ID/faces"),
    ("GET", "/v1/photos/ID/faces/ID"),
    ("GET", "/v1/photos/ID/files"),
    ("POST", "/v1/photos/ID/name"),
    ("POST", "/v1/photos/ID/unname"),
    ("GET", "/v1/photos/ID/faces.csv"),
    ("GET", "/v1/photos/ID/results.zip"),
    ("GET", "/v1/jobs/ID"),
    ("POST", "/v1/jobs/ID/retry"),
    ("DELETE", "/v1/keys/ID"),
)
_SAID: Mapping[str, bytes] = {
    "merge": as_json({"person_id": "f" * 32}),
    "move": as_json({"samples": ["f" * 32], "to": None}),
    "split": as_json({"samples": [f"{number:032}" for number in range(5)], "name": "Ada"}),
}


def _bad_ids() -> Iterator[Case]:
    for method, path in _BY_ID:
        headers: Mapping[str, str] = {}
        body = b""
        if path.endswith(("frames", "pictures?path=a.jpg")):
            headers, body = {"Content-Type": "image/jpeg"}, bad_pictures.encode(".jpg", bad_pictures.face())
        elif path.startswith("/v1/photos/") and path.endswith("name"):
            headers, body = JSON, as_json({"faces": [NOBODY]})
        elif method in ("PATCH", "POST"):
            headers, body = JSON, _SAID.get(path.rpartition("/")[2], b'{"name": "Ada"}' if method == "PATCH" else b"{}")
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
        JSON,
        (400,),
        ("unknown_field",),
    )


def _bad_queries() -> Iterator[Case]:
    paths = {"/v1/people": "offset", "/v1/people/{person}/samples": "offset", "/v1/models": "", "/v1/jobs": "",
             "/v1/keys": "offset", "/v1/audit": "offset", "/v1/errors": "", "/v1/corrections": "offset",
             "/v1/sightings": "", "/v1/events": "", "/v1/strangers": "offset", "/v1/replay": "",
             "/v1/photos": "offset", f"/v1/photos/{NOBODY}/people": "offset", f"/v1/photos/{NOBODY}/faces": "offset",
             f"/v1/photos/{NOBODY}/files": "offset",
             "/v1/feedback": "offset", "/v1/quarantine": "offset", "/v1/learned": "offset"}  # fmt: skip
    for path, more in paths.items():
        for text in ("0", "-1", "1001", "ten", "1.5", "1e2", "", "٣", "9" * 30, "1;DROP TABLE people"):
            yield Case(f"{path}: limit {text}", "GET", f"{path}?limit={quote(text)}", codes=("invalid_query",))
        yield Case(f"{path}: limit twice", "GET", f"{path}?limit=1&limit=2", codes=("invalid_query",))
        yield Case(f"{path}: another parameter", "GET", f"{path}?sort=name", codes=("unknown_field",))
        if more:
            yield Case(f"{path}: offset -1", "GET", f"{path}?offset=-1", codes=("invalid_query",))
    yield Case("corrections of what is no id", "GET", "/v1/corrections?person=me", codes=("invalid_id",))
    yield Case(
        "corrections of two", "GET", f"/v1/corrections?person={NOBODY}&person={NOBODY}", codes=("invalid_query",)
    )
    yield Case("people searched twice", "GET", "/v1/people?search=a&search=b", codes=("invalid_query",))
    yield Case("people searched by too much", "GET", f"/v1/people?search={'a' * 81}", codes=("invalid_field",))
    yield Case("people searched by a zero byte", "GET", "/v1/people?search=a%00", codes=("invalid_field",))
    for name in ("person", "stranger", "camera", "unknown", "since", "until", "after", "format"):
        path = f"/v1/sightings?{name}="
        for text in ("%00", "%F0%9F%98%80%0A", "9" * 400):
            codes = ("invalid_id", "invalid_name", "invalid_field", "invalid_query")
            yield Case(f"{path}{text}", "GET", path + text, codes=codes)
        yield Case(f"{path} twice", "GET", f"{path}a&{name}=a", codes=("invalid_query",))
    face, as_jpeg = bad_pictures.encode(".jpg", bad_pictures.face()), {"Content-Type": "image/jpeg"}
    for query in ("limit=0", "limit=101", "limit=ten", "person=me", "unknown=1", "since=now", "limit=1&limit=2"):
        codes = ("invalid_query", "invalid_id", "invalid_field")
        yield Case(f"a search with {query}", "POST", f"/v1/search?{query}", face, as_jpeg, codes=codes)
    yield Case("a crop of another form", "GET", f"/v1/sightings/{NOBODY}/crops/first", codes=("invalid_id",))
    for path in ("/v1/people/{person}", "/v1/enrollments/{enrollment}", "/v1/people/{person}/samples/{sample}",
                 f"/v1/sightings/{NOBODY}", f"/v1/strangers/{NOBODY}", "/v1/models/1", "/v1/site", "/v1/session",
                 "/v1/system"):  # fmt: skip
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
        "/v1/enrollments/{enrollment}": ("POST", "PUT"),
        "/v1/enrollments/{enrollment}/frames": ("GET", "PUT", "DELETE"),
        "/v1/enrollments/{enrollment}/finish": ("GET", "DELETE"),
        "/v1/enrollments/{enrollment}/events": ("POST", "DELETE"),
        "/v1/people": ("POST", "PUT", "DELETE"),
        "/v1/people/{person}": ("POST", "PUT"),
        "/v1/people/{person}/samples": ("POST", "DELETE"),
        "/v1/people/{person}/samples/{sample}": ("POST", "PUT"),
        "/v1/people/{person}/merge": ("GET", "DELETE"),
        "/v1/people/{person}/move": ("GET", "PUT"),
        "/v1/people/{person}/split": ("GET", "DELETE"),
        "/v1/corrections": ("POST", "DELETE"),
        f"/v1/corrections/{NOBODY}": ("POST", "DELETE", "PATCH"),
        f"/v1/corrections/{NOBODY}/undo": ("GET", "DELETE"),
        "/v1/photos": ("PUT", "DELETE"),
        f"/v1/photos/{NOBODY}": ("POST", "PUT", "PATCH"),
        f"/v1/photos/{NOBODY}/name": ("GET", "DELETE"),
        "/v1/models": ("POST", "DELETE"),
        "/v1/models/1": ("POST", "PATCH", "DELETE"),
        "/v1/models/1/rollback": ("GET", "DELETE"),
        "/v1/sightings": ("POST", "DELETE"),
        "/v1/events": ("POST", "DELETE"),
        "/v1/events/stream": ("POST", "DELETE"),
        f"/v1/events/{NOBODY}/snapshot": ("POST", "DELETE"),
        "/v1/attendance": ("POST", "PUT"),
        "/v1/strangers": ("POST", "DELETE"),
        f"/v1/strangers/{NOBODY}": ("POST", "PATCH", "DELETE"),
        f"/v1/strangers/{NOBODY}/name": ("GET", "DELETE"),
        "/v1/replay": ("PUT", "DELETE"),
        "/v1/feedback": ("PUT", "DELETE"),
        f"/v1/feedback/{NOBODY}": ("POST", "PATCH"),
        "/v1/quarantine": ("POST", "DELETE"),
        "/v1/learned": ("POST", "DELETE"),
        "/v1/learned/take-back": ("GET", "DELETE"),
        f"/v1/replay/{NOBODY}": ("POST", "DELETE"),
        "/v1/search": ("GET", "DELETE"),
        f"/v1/sightings/{NOBODY}": ("POST", "PUT", "PATCH"),
        "/v1/jobs": ("POST", "DELETE"),
        f"/v1/jobs/{NOBODY}/retry": ("GET", "DELETE"),
        "/v1/site": ("POST", "PUT", "PATCH"),
        "/v1/session": ("PUT", "PATCH"),
        "/v1/keys": ("PUT", "PATCH", "DELETE"),
        f"/v1/keys/{NOBODY}": ("GET", "POST", "PATCH"),
        "/v1/audit": ("POST", "PATCH", "DELETE"),
        "/v1/system": ("POST", "DELETE"),
        "/v1/errors": ("POST", "DELETE"),
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
        headers = {**JSON, "Idempotency-Key": key}
        yield Case(
            f"key: {what}",
            "POST",
            "/v1/enrollments",
            as_json({"name": "Ada"}),
            headers,
            (400,),
            ("invalid_idempotency_key",),
        )


def _bad_origins() -> Iterator[Case]:
    """A page of another site has its reader's browser send what would be taken of anybody else."""
    changes = (
        ("POST", "/v1/models/1/rollback", b"", {}),
        ("POST", f"/v1/jobs/{NOBODY}/retry", b"", {}),
        ("POST", "/v1/enrollments", as_json({"name": "Ada"}), JSON),
        ("POST", "/v1/enrollments/{enrollment}/finish", b"", {}),
        ("DELETE", "/v1/enrollments/{enrollment}", b"", {}),
        ("DELETE", "/v1/people/{person}", b"", {}),
        ("DELETE", "/v1/people/{person}/samples/{sample}", b"", {}),
        ("PATCH", "/v1/people/{person}", as_json({"name": "Ada"}), JSON),
        ("DELETE", f"/v1/sightings/{NOBODY}", b"", {}),
        ("POST", f"/v1/strangers/{NOBODY}/name", as_json({"name": "Ada"}), JSON),
        ("POST", "/v1/replay", as_json({"threshold": 0.9}), JSON),
        ("POST", "/v1/feedback", as_json({"sighting": NOBODY, "verdict": "right"}), JSON),
        ("DELETE", f"/v1/feedback/{NOBODY}", b"", {}),
        ("POST", "/v1/learned/take-back", as_json({"all": True}), JSON),
        ("POST", "/v1/search", b"", {"Content-Type": "image/jpeg"}),
        ("POST", "/v1/photos", as_json({"upload": "a"}), JSON),
        ("DELETE", f"/v1/photos/{NOBODY}", b"", {}),
        ("POST", f"/v1/photos/{NOBODY}/name", as_json({"stranger": NOBODY, "name": "Ada"}), JSON),
        ("POST", "/v1/session", as_json({"key": "fam_"}), JSON),
        ("DELETE", "/v1/session", b"", {}),
        ("POST", "/v1/keys", as_json({"name": "Ada", "scopes": ["operate"]}), JSON),
        ("DELETE", f"/v1/keys/{NOBODY}", b"", {}),
    )
    pages = {
        "another site": {"Origin": "http://evil.example"},
        "nobody": {"Origin": "null"},
        "another port": {"Origin": "http://127.0.0.1:1"},
        "another site, without an origin": {"Sec-Fetch-Site": "cross-site"},
        "a sister site": {"Sec-Fetch-Site": "same-site"},
    }
    for method, path, body, headers in changes:
        for whose, said in pages.items():
            yield Case(
                f"{method} {path} for a page of {whose}",
                method,
                path,
                body,
                {**headers, **said},
                (403,),
                ("cross_site",),
            )
