"""Asking: requests by chance, in kinds; each case is a walk of requests that may look at the answers before."""

import base64
import json
import random
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from typing import Any

from fuzz import making
from fuzz.changes import changed

BOUNDARY = b"fuzz-boundary"
FORM = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY.decode()}"}
JSON = {"Content-Type": "application/json"}


@dataclass(frozen=True)
class Ask:
    """A request; ``raw`` are the bytes of one or several instead, as they go over the connection."""

    method: str = "GET"
    path: str = "/"
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    raw: bytes | None = None


@dataclass(frozen=True)
class Answer:
    """What came back; ``status`` is 0 where nothing did."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def value(self) -> Any:
        """The body as JSON; nothing, if it is none."""
        try:
            return json.loads(self.body)
        except ValueError:
            return {}


Walk = Generator[Ask | tuple[Ask, ...], Any, None]
"""Each ``Ask`` gets its ``Answer``; several get a list of theirs, and are asked by a client each, at once."""
Names = Mapping[str, str]
"""Ids of what is there: ``enrollment`` (open), ``closed``, ``person`` and ``sample``."""


class Wrong(Exception):
    """Answers that do not go together, each for itself being in order."""


def form(*fields: tuple[bytes, bytes | None, bytes]) -> bytes:
    """Return a form of (field, file name or None, content)."""
    made = []
    for name, filename, content in fields:
        file = b'; filename="' + filename + b'"' if filename is not None else b""
        made.append(b'--%b\r\nContent-Disposition: form-data; name="%b"%b\r\n\r\n%b' % (BOUNDARY, name, file, content))
    return b"\r\n".join(made) + b"\r\n--" + BOUNDARY + b"--\r\n"


def pictures(chance: random.Random, names: Names) -> Walk:
    """Pictures in each of the ways in which they may come."""
    frames = f"/v1/enrollments/{names['enrollment']}/frames"
    data = making.picture(chance)
    several = [making.picture(chance) if chance.random() < 0.7 else making.frame(chance) for _ in range(3)]
    encoded = [base64.b64encode(each).decode() for each in several]
    match chance.randrange(9):
        case 0 | 1 | 2:
            kind = chance.choice(("image/jpeg", "image/png", "image/webp", "application/octet-stream"))
            path = chance.choice(("/v1/recognize", "/v1/recognize", "/v1/detect"))
            yield Ask("POST", path, {"Content-Type": kind}, data)
        case 3:
            yield Ask("POST", "/v1/recognize", FORM, form(*((b"image", b"a", each) for each in several)))
        case 4:
            yield Ask("POST", "/v1/recognize", JSON, json.dumps({"images": encoded}).encode())
        case 5:
            yield Ask("POST", "/v1/verify", FORM, form((b"first", b"a", several[0]), (b"second", b"b", several[1])))
        case 6:
            broken = "\n".join(encoded[1][at : at + 76] for at in range(0, len(encoded[1]), 76))
            pair = {"first": "data:image/jpeg;base64," + encoded[0], "second": broken.rstrip("=")}
            yield Ask("POST", "/v1/verify", JSON, json.dumps(pair).encode())
        case 7:
            yield Ask("POST", frames, FORM, form(*((b"frames", b"a", each) for each in several)))
        case _:
            yield Ask("POST", frames, JSON, json.dumps({"frames": encoded}).encode())


def archives(chance: random.Random, _names: Names) -> Walk:
    """An archive as an enrolment of its own, which is taken away again if it was accepted."""
    yield from _enrolled(chance, making.archive(chance))


def videos(chance: random.Random, _names: Names) -> Walk:
    """A film as an enrolment of its own, which is taken away again if it was accepted."""
    yield from _enrolled(chance, making.film(chance))


def _enrolled(chance: random.Random, upload: bytes) -> Walk:
    fields = [(b"name", None, b"Fuzz %d" % chance.getrandbits(40)), (b"if_known", None, b"new")]
    answer = yield Ask("POST", "/v1/enroll", FORM, form(*fields, (b"frames", b"a", upload)))
    if answer.status == 202:
        yield Ask("DELETE", f"/v1/people/{answer.value['person']['id']}")


def forms(chance: random.Random, names: Names) -> Walk:
    """Forms and JSON whose parts are wrong."""
    word = chance.choice(
        (b"name", b"person_id", b"if_known", b"if_not_alike", b"allow_same_name", b"consent", b"camera", b"frames",
         b"image", b"", b"\xff")
    )  # fmt: skip
    person = names["person"].encode()
    value = chance.choice((b"", b"Ada", b"true", b"new", person, bytes(3), b"\xff\xfe", b"x" * 70_000))
    fields = [(word, chance.choice((None, None, b"a", b"\r\n")), value) for _ in range(chance.choice((1, 2, 5, 300)))]
    fields += [(b"frames", b"a", making.frame(chance)) for _ in range(chance.randrange(3))]
    path = chance.choice(
        ("/v1/enroll", "/v1/recognize", "/v1/detect", "/v1/verify", "/v1/enrollments",
         f"/v1/enrollments/{names['enrollment']}/frames",
         f"/v1/enrollments/{names['closed']}/finish", f"/v1/people/{names['person']}", "/v1/keys", "/v1/session")
    )  # fmt: skip
    method = "PATCH" if "people" in path else "POST"
    if chance.random() < 0.4:
        body = json.dumps(_value(chance, 0)).encode()
        yield Ask(method, path, JSON, changed(chance, body) if chance.random() < 0.5 else body)
        return
    kind = chance.choice((FORM, FORM, {"Content-Type": "multipart/form-data"}, {"Content-Type": "a/b"}, {}, JSON))
    if chance.random() < 0.1:
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
    yield Ask(method, path, kind, changed(chance, form(*fields)))


def _value(chance: random.Random, depth: int) -> Any:
    keys = ("name", "person_id", "allow_same_name", "if_known", "if_not_alike", "consent", "image", "images", "frames",
            "key", "password", "scopes", "camera", "expires_at", "x")  # fmt: skip
    match chance.randrange(9 if depth < 4 else 7):
        case 0:
            return chance.choice((None, True, False))
        case 1:
            return chance.choice((0, -1, 1e308, 2**63, 0.5))
        case 2 | 3 | 4 | 5:
            return chance.choice(
                ("", "Ada", "\0", "\ud800", "0123456789abcdef" * 2, "new", "x" * 300, "AAAA", "\u200d")
            )
        case 6:
            return [] if depth else {"name": "Ada"}
        case 7:
            return [_value(chance, depth + 1) for _ in range(chance.randrange(4))]
        case _:
            return {chance.choice(keys): _value(chance, depth + 1) for _ in range(chance.randrange(4))}


def framing(chance: random.Random, names: Names) -> Walk:
    """Requests that are no proper HTTP, written to the connection as they are."""
    path = chance.choice(("/healthz", "/v1/people", "/v1/recognize", "/v1/enroll", "/" * 50, "/%00", "*", "http://x/y"))
    method = chance.choice(("GET", "POST", "POST", "HEAD", "DELETE", "OPTIONS", "BREW", "get", "GET\t", ""))
    version = chance.choice(("HTTP/1.1", "HTTP/1.1", "HTTP/1.1", "HTTP/1.0", "HTTP/9.9", "HTTP/1", ""))
    end = chance.choice((b"\r\n", b"\r\n", b"\r\n", b"\n", b"\r"))
    possible = (
        b"Host: localhost", b"Host: localhost", b"Content-Length: 5", b"Content-Length: -1", b"Content-Length: 5, 5",
        b"Content-Length: 99999999999999999999", b"Content-Length: +5", b"Transfer-Encoding: chunked",
        b"Transfer-Encoding: chunked, gzip", b"Transfer-Encoding: \x0bchunked", b"Expect: 100-continue",
        b"Connection: close", b"Connection: Upgrade\r\nUpgrade: h2c", b"Content-Type: image/jpeg",
        b"X: " + b"y" * chance.choice((10, 9_000, 70_000)), b"SCRIPT_NAME: /healthz", b"X-Forwarded-For: \xff", b": y",
        b"no colon", b" folded", b"X\0: y", b"Cookie: " + b"a=b;" * 50, *(b"X-%d: y" % each for each in range(3)),
    )  # fmt: skip
    headers = [chance.choice(possible) for _ in range(chance.choice((0, 1, 3, 6, 150)))]
    if chance.random() < 0.7:
        headers.insert(0, b"Host: localhost")
    size = chance.choice((b"5", b"5", b"ZZ", b"-1", b"0x5", b"5;" + b"x" * 9_000, b"FFFFFFFFFFFFFFFFF", b"", b" 5"))
    bodies = (b"", b"hello", size + end + b"hello" + end + b"0" + end + end, making.picture(chance)[:5_000])
    raw = end.join([f"{method} {path} {version}".encode(), *headers, b"", chance.choice(bodies)])
    raw *= chance.choice((1, 1, 1, 2, 20))
    yield Ask(method, path, raw=changed(chance, raw) if chance.random() < 0.5 else raw)


def calls(chance: random.Random, names: Names) -> Walk:
    """Requests that are all right by themselves, in any order, about the same people and enrolments."""
    people, enrolments, versions, jobs = [names["person"]], [names["closed"]], [1], ["0" * 32]
    samples, corrections = [names["sample"]], ["0" * 32]
    nobody = "0" * 32
    for _ in range(chance.choice((3, 8, 25))):
        person, enrolment = chance.choice(people), chance.choice(enrolments)
        its_own = chance.choice(people[1:] or [nobody])
        key = {"Idempotency-Key": chance.choice(("a", "b", "c"))} if chance.random() < 0.3 else {}
        name = chance.choice(("Ada", "Bob", "Zoë", f"P{chance.getrandbits(30)}"))
        whose = {"person_id": person} if chance.random() < 0.3 else {"name": name}
        same = {**whose, "allow_same_name": chance.random() < 0.5}
        taken = [(b"frames", b"a", making.frame(chance)) for _ in range(chance.choice((1, 6, 9)))]
        asks = (
            Ask("POST", "/v1/enrollments", {**JSON, **key}, json.dumps(same).encode()),
            Ask("POST", f"/v1/enrollments/{enrolment}/frames", FORM, form(*taken)),
            Ask("POST", f"/v1/enrollments/{enrolment}/finish", JSON, json.dumps({"if_known": "new"}).encode()),
            Ask("POST", f"/v1/enrollments/{enrolment}/finish"),
            Ask("GET", f"/v1/enrollments/{enrolment}"),
            Ask("DELETE", f"/v1/enrollments/{enrolment}"),
            Ask("POST", "/v1/enroll", {**FORM, **key}, form((b"name", None, name.encode()), *taken)),
            Ask("GET", f"/v1/people?limit={chance.choice((0, 1, 100, 10_000))}&offset={chance.choice((0, 5))}"),
            Ask("GET", f"/v1/people/{person}"),
            Ask("PATCH", f"/v1/people/{person}", JSON, json.dumps({"name": name}).encode()),
            Ask("DELETE", f"/v1/people/{its_own}"),
            Ask("GET", f"/v1/people/{person}/samples"),
            Ask("GET", f"/v1/people/{its_own}/samples"),
            Ask("DELETE", f"/v1/people/{its_own}/samples/{names['sample']}"),
            *_corrections(chance, people[1:] or [nobody], its_own, samples),
            Ask("POST", f"/v1/corrections/{chance.choice(corrections)}/undo"),
            Ask("GET", f"/v1/corrections?person={person}"),
            Ask("GET", "/v1/models"),
            Ask("GET", f"/v1/models/{chance.choice(versions)}"),
            Ask("POST", f"/v1/models/{chance.choice(versions)}/rollback"),
            Ask("GET", "/v1/site"),
            Ask("GET", "/v1/jobs"),
            Ask("GET", "/v1/system"),
            Ask("GET", "/v1/errors"),
            Ask("GET", f"/v1/jobs/{chance.choice(jobs)}"),
            Ask("POST", f"/v1/jobs/{chance.choice(jobs)}/retry"),
            Ask("POST", "/v1/recognize", {"Content-Type": "image/jpeg"}, making.frame(chance)),
            Ask(
                "POST",
                f"/v1/recognize?camera=C{chance.randrange(3)}",
                {"Content-Type": "image/jpeg"},
                making.frame(chance),
            ),
            Ask("GET", f"/v1/sightings?limit={chance.choice((1, 100))}&person={person}"),
            Ask("GET", "/v1/strangers?least=2"),
            Ask("GET", f"/v1/quarantine?person={person}"),
            Ask("GET", f"/v1/feedback?person={person}"),
            Ask("POST", "/v1/learned/take-back", JSON, json.dumps({"person": person}).encode()),
            Ask("GET", f"/v1/events?after={chance.choice((0, 5))}&person={person}"),
            Ask(
                "GET", chance.choice(("/v1/attendance", "/v1/attendance?format=csv&since=2026-01-01&until=2026-12-31"))
            ),
            Ask(
                "POST",
                f"/v1/search?camera=C{chance.randrange(3)}",
                {"Content-Type": "image/jpeg"},
                making.frame(chance),
            ),
            Ask("POST", "/v1/replay", JSON, json.dumps({"threshold": chance.random()}).encode()),
        )
        answer = yield chance.choice(asks)
        value = answer.value if isinstance(answer.value, dict) else {}
        if isinstance(value.get("person"), dict) and "status" in value:
            enrolments.append(value["id"])
            people.append(value["person"]["id"])
        listed = value.get("samples")
        samples += [each["id"] for each in listed] if isinstance(listed, list) else []
        if isinstance(value.get("correction"), dict):
            corrections.append(value["correction"]["id"])
            people += [value["correction"]["to"]["id"]] if value["correction"]["to"] else []
        versions += [each["version"] for each in value.get("heads", ()) if isinstance(each, dict)]
        jobs += [each["id"] for each in value.get("jobs", ()) if isinstance(each, dict)]
    for person in people[1:]:
        yield Ask("DELETE", f"/v1/people/{person}")


def _corrections(chance: random.Random, people: list[str], its_own: str, samples: list[str]) -> list[Ask]:
    """Return what may be put right about somebody; whom the other walks know stays who they are."""
    where, some = f"/v1/people/{its_own}", chance.choices(samples, k=chance.choice((1, 1, 5)))
    said = {
        f"/v1/people/{chance.choice(people)}/merge": {"person_id": its_own},
        f"{where}/move": {"samples": some, "to": chance.choice((None, *people))},
        f"{where}/split": {"samples": samples[:5], "name": f"P{chance.getrandbits(30)}"},
    }
    return [Ask("POST", path, JSON, json.dumps(body).encode()) for path, body in said.items()]


def crowds(chance: random.Random, names: Names) -> Walk:
    """Several clients at once, who want the same, or what does not go together."""
    clients = chance.randrange(2, 6)
    name = f"Crowd {chance.getrandbits(40)}"
    taken = [(b"frames", b"a", making.frame(chance)) for _ in range(chance.choice((2, 6, 6, 9)))]
    fields = [(b"name", None, name.encode()), (b"if_known", None, b"new")]
    upload = Ask("POST", "/v1/enroll", FORM, form(*fields, *taken))
    match chance.randrange(4):
        case 0:
            keyed = Ask("POST", "/v1/enroll", {**FORM, "Idempotency-Key": name}, upload.body)
            other = Ask("POST", "/v1/enroll", dict(keyed.headers), form(*fields, *taken[1:]))
            made = yield tuple([keyed] * clients + [other] * chance.randrange(2))
            if len({answer.value["id"] for answer in made if answer.status == 202}) > 1:
                raise Wrong("one key, and several enrolments")
        case 1:
            made = yield (upload,) * clients
            if sum(answer.status == 202 for answer in made) > 1:
                raise Wrong("one name, and several people")
        case 2:
            opening = Ask("POST", "/v1/enrollments", JSON, json.dumps({"name": name}).encode())
            made = yield (opening,) * clients
        case _:
            made = [(yield upload)]
    people = {answer.value["person"]["id"] for answer in made if answer.status < 300}
    enrolments = {answer.value["id"] for answer in made if answer.status < 300}
    for _ in range(2):
        asks = [each for one in sorted(enrolments) for each in _about_an_enrolment(chance, one, taken)]
        asks += [each for one in sorted(people) for each in _about_somebody(chance, one, name)]
        if asks:
            yield tuple(chance.sample(asks, min(clients, len(asks))))
    if people:
        yield tuple(Ask("DELETE", f"/v1/people/{person}") for person in sorted(people) for _ in range(2))


def _about_an_enrolment(
    chance: random.Random, its_id: str, taken: list[tuple[bytes, bytes | None, bytes]]
) -> list[Ask]:
    where = f"/v1/enrollments/{its_id}"
    frames = [Ask("POST", f"{where}/frames", FORM, form(*chance.sample(taken, len(taken)))) for _ in range(2)]
    finish = Ask("POST", f"{where}/finish", JSON, b'{"if_known": "new"}')
    return [*frames, *frames, finish, finish, Ask("GET", where), Ask("DELETE", where)]


def _about_somebody(chance: random.Random, its_id: str, name: str) -> list[Ask]:
    where = f"/v1/people/{its_id}"
    renamed = [Ask("PATCH", where, JSON, json.dumps({"name": each}).encode()) for each in (name, name + "!")]
    added = Ask("POST", "/v1/enrollments", JSON, json.dumps({"person_id": its_id}).encode())
    rollback = Ask("POST", f"/v1/models/{chance.randrange(1, 9)}/rollback")
    return [*renamed, added, rollback, Ask("DELETE", where), Ask("GET", f"{where}/samples"), Ask("GET", "/v1/people")]


def addresses(chance: random.Random, names: Names) -> Walk:
    """Any method at any address, its parts and its query a little wrong, with headers that mean something."""
    ids = (*names.values(), "0" * 32, "1", "-1", "9" * 30, "%00", "..", "%2e%2e%2f", "a" * 3_000, "%ff", "%", "x;y", "")
    places = (
        "/", "/v1/people/{}", "/v1/people/{}/samples", "/v1/people/{}/samples/{}", "/v1/enrollments/{}", "/v1/jobs/{}",
        "/v1/jobs/{}/retry",
        "/v1/enrollments/{}/finish", "/v1/models/{}", "/v1/models", "/v1/jobs", "/v1/people", "/readyz", "/healthz",
        "/metrics", "/openapi.json", "/static/{}", "/{}", "//{}", "/v1/site", "/v1/corrections",
        "/v1/corrections/{}", "/v1/corrections/{}/undo", "/v1/people/{}/move", "/v1/people/{}/split", "/v1/recognize",
        "/v1/enroll", "http://a{}/x",
        "/v1/session", "/v1/keys", "/v1/keys/{}", "/v1/audit", "/v1/system", "/v1/errors", "/docs", "/docs/{}",
        "/v1/feedback", "/v1/feedback/{}", "/v1/quarantine", "/v1/quarantine/{}/crop", "/v1/learned",
        "/v1/learned/take-back", "/v1/events", "/v1/events/{}/snapshot", "/v1/attendance",
        "/v1/sightings", "/v1/sightings/{}", "/v1/sightings/{}/crops/{}", "/v1/strangers",
        "/v1/strangers/{}", "/v1/strangers/{}/name", "/v1/search", "/v1/replay", "/v1/replay/{}",
    )  # fmt: skip
    queries = ("", "", "?limit={}", "?offset={}", "?status={}", "?limit=1&limit={}", "?{}", "?after={}&x", "??", "?%",
               "?search={}", "?since={0}&until={0}", "?camera={}&format=csv", "?unknown={}")  # fmt: skip
    values = ("0", "1", "-1", "1e3", "9" * 30, "%00", "%ff", "١".encode().hex(), "live", "x" * 2_000, "")
    headers = (
        {}, {}, {"Host": "evil.example"}, {"Host": ""}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"},
        {"Range": "bytes=5-1"}, {"If-None-Match": '"x"'}, {"If-Modified-Since": "never"}, {"Accept": "a/b;q=x"},
        {"Accept-Encoding": "br"}, {"Content-Encoding": "gzip"}, {"Idempotency-Key": ""}, {"X-Request-Id": "a b"},
        {"Content-Type": "application/json; charset=x"}, {"Last-Event-ID": "x"}, {"Expect": "x"},
        {"Authorization": "Bearer \xff"}, {"X-API-Key": "fam_"}, {"Cookie": "familiar-session=x"},
        {"X-CSRF-Token": "\xff"}, {"X-Forwarded-For": "192.0.2.7"}, {"X-Forwarded-Prefix": "/%00"},
    )  # fmt: skip
    for _ in range(8):
        place = chance.choice(places)
        path = place.format(*chance.choices(ids, k=place.count("{}"))) + chance.choice(queries).format(
            chance.choice(values)
        )
        method = chance.choice(("GET", "GET", "GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "TRACE", "CONNECT"))
        body = b"" if method in ("GET", "HEAD", "OPTIONS") else chance.choice((b"", b"{}", b"[]", b"\xff"))
        yield Ask(method, path, {"Host": "localhost", **chance.choice(headers), **chance.choice(headers)}, body)


KINDS: Mapping[str, Callable[[random.Random, Names], Walk]] = {
    each.__name__: each for each in (pictures, archives, videos, forms, calls, crowds, addresses, framing)
}
