"""Instructions: whom to tell of what, as the operator's YAML file says; nothing of it can be changed over the API.

Addresses may hold passwords and are secrets in part, so no message shows one.
"""

import base64
import binascii
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, time
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import SplitResult, unquote, urlsplit

import yaml

from familiar.errors import InvalidInput, MisconfiguredError
from familiar.records import Event, EventKind, Known, clean_name
from familiar_gateway.messenger import document

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_KNOWN, _UNKNOWN = "known", "unknown"
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")
_WORD = re.compile(r"[\w-]{1,40}")
_TOPIC = re.compile(r"[^\s+#/\0]+(/[^\s+#/\0]+)*")
_HOURS = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]|24):([0-5]\d)")
_SECRET = "whsec_"
_LEAST_SECRET, _MOST_SECRET = 24, 64
_MOST_DEADLINE_S = 20.0
"""A round of telling, which begins no call after some seconds, must end before its lease does."""


@dataclass(frozen=True)
class Webhook:
    """Somebody who is told by HTTP; ``secret`` is what requests are signed with."""

    name: str
    address: str = field(repr=False)
    secret: bytes = field(repr=False)
    deadline_s: float
    ca: str | None


@dataclass(frozen=True)
class Broker:
    """An MQTT broker; ``discovery`` is the prefix under which Home Assistant looks for devices, None: not wanted."""

    name: str
    host: str
    port: int
    tls: bool
    user: str | None
    password: str | None = field(repr=False)
    topic: str
    discovery: str | None
    deadline_s: float
    ca: str | None


@dataclass(frozen=True)
class Rule:
    """Who is told of which events: of those that fit all that is given."""

    tell: frozenset[str] | None = None
    camera: frozenset[str] | None = None
    what: frozenset[str] | None = None
    who: frozenset[str] | None = None
    days: frozenset[str] | None = None
    hours: tuple[time, time] | None = None

    def fits(self, event: Event, person: Known | None, local: datetime) -> bool:
        """Whether an event is meant, that happened at a ``local`` time."""
        names = {_UNKNOWN} if person is None else {_KNOWN, person.id, person.name}
        return (
            (self.camera is None or event.camera in self.camera)
            and (self.what is None or event.kind in self.what)
            and (self.who is None or not names.isdisjoint(self.who))
            and (self.days is None or DAYS[local.weekday()] in self.days)
            and (self.hours is None or _between(*self.hours, local.time()))
        )


@dataclass(frozen=True)
class Instructions:
    """All destinations and rules; ``address`` is where receivers reach the gateway, '' if nobody said."""

    destinations: tuple[Webhook | Broker, ...]
    rules: tuple[Rule, ...] = ()
    address: str = ""

    def wants(self, name: str, event: Event, person: Known | None, local: datetime) -> bool:
        """Whether a destination is to be told of an event; without any rule all are told of everything."""
        return not self.rules or any(
            (rule.tell is None or name in rule.tell) and rule.fits(event, person, local) for rule in self.rules
        )


def read(path: Path) -> Instructions:
    """Return what a file says.

    Raises:
        MisconfiguredError: it cannot be read, or says something else; the message names the place and shows no secret.
    """
    try:
        said = document.load(path.read_text("utf-8"))
    except OSError as exc:
        raise MisconfiguredError(f"EVENTS_FILE: {path}: {exc.strerror}") from exc
    except (yaml.YAMLError, ValueError, RecursionError) as exc:
        mark = getattr(exc, "problem_mark", None)
        what = str(exc) if isinstance(exc, document.Twice) else "this is not YAML"
        raise MisconfiguredError(
            f"EVENTS_FILE: {path}: {what}" + (f" (line {mark.line + 1})" if mark else "")
        ) from None  # what is quoted there may be a secret
    top = _Place(str(path), said, ("destinations", "rules", "address"))
    named = top.get("destinations", dict, "a mapping of names to destinations") or {}
    if not named:
        top.refuse("destinations", "a mapping of names to destinations")
    destinations = tuple(
        _destination(f"{path}: destination {_shown(name)}", name, each) for name, each in named.items()
    )
    rules = top.get("rules", list, "a list of rules") or []
    names = frozenset(each.name for each in destinations)
    address = top.text("address", "an address, as https://familiar.example") or ""
    if address and urlsplit(address).scheme not in ("http", "https"):
        top.refuse("address", "an address, as https://familiar.example")
    return Instructions(
        destinations,
        tuple(_rule(f"{path}: rule {number}", each, names) for number, each in enumerate(rules, start=1)),
        address.rstrip("/"),
    )


class _Place:
    """A mapping in the file; whatever is wrong in it is told by where it stands, not by what it says."""

    def __init__(self, where: str, said: Any, known: tuple[str, ...]) -> None:
        self.where = where
        if not isinstance(said, dict):
            raise MisconfiguredError(f"EVENTS_FILE: {where}: a mapping is expected, with {', '.join(known)}")
        for name in said:
            if name not in known:
                raise MisconfiguredError(
                    f"EVENTS_FILE: {where}: {_shown(name)} is not known; known: {', '.join(known)}"
                )
        self._said = said

    def refuse(self, name: str, expected: str) -> NoReturn:
        """Say that something else is expected there.

        Raises:
            MisconfiguredError: always.
        """
        raise MisconfiguredError(f"EVENTS_FILE: {self.where}: {name!r} must be {expected}") from None

    def get(self, name: str, kind: type, expected: str) -> Any:
        """Return a value of a type, None if it is not there."""
        value = self._said.get(name)
        if value is None:
            return None
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
            self.refuse(name, expected)
        return value

    def text(self, name: str, expected: str) -> str | None:
        """Return a text, or what the file holds that ``name``_file names; None if neither is there."""
        value: str | None = self.get(name, str, expected)
        file: str | None = self.get(f"{name}_file", str, "a file's name")
        if value is None and file is not None:
            try:
                value = Path(file).read_text("utf-8").strip()
            except (OSError, ValueError):
                self.refuse(f"{name}_file", "a file that can be read")
        return value

    def names(self, name: str, expected: str) -> frozenset[str] | None:
        """Return one or several names as they are kept, None if there are none."""
        try:
            return self.choice(name, bool, expected, clean_name)
        except InvalidInput:
            self.refuse(name, expected)

    def choice(
        self, name: str, fits: Callable[[str], bool], expected: str, kept: Callable[[str], str] = str
    ) -> frozenset[str] | None:
        """Return one or several texts, None if there are none."""
        value = self._said.get(name)
        if value is None:
            return None
        several = value if isinstance(value, list) else [value]
        if not several or not all(isinstance(each, str) and fits(each) for each in several):
            self.refuse(name, expected)
        return frozenset(map(kept, several))

    def deadline_s(self) -> float:
        """Return how long a call may take."""
        value = self._said.get("deadline_s", 10)
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= _MOST_DEADLINE_S:
            self.refuse("deadline_s", f"a number of seconds, {_MOST_DEADLINE_S:.0f} at most")
        return float(value)


def _shown(name: Any) -> str:
    """Return a name of the file to be told; without the blank after a colon, all that follows is part of it."""
    return repr(name) if isinstance(name, str) and _WORD.fullmatch(name) else "what stands there"


def _destination(where: str, name: Any, said: Any) -> Webhook | Broker:
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise MisconfiguredError(f"EVENTS_FILE: {where}: a name has 1 to 40 of the characters a-z, 0-9, _ and -")
    ways = [way for way in ("webhook", "mqtt") if isinstance(said, dict) and {way, f"{way}_file"} & said.keys()]
    if len(ways) != 1:
        raise MisconfiguredError(f"EVENTS_FILE: {where}: either 'webhook' or 'mqtt' is expected, with an address")
    return _webhook(name, where, said) if ways == ["webhook"] else _broker(name, where, said)


def _webhook(name: str, where: str, said: Any) -> Webhook:
    its = _Place(where, said, ("webhook", "webhook_file", "secret", "secret_file", "deadline_s", "ca"))
    address = its.text("webhook", "an address") or ""
    parts = _split(its, "webhook", address, ("http", "https"))
    if parts.username or parts.password:
        its.refuse("webhook", "an address without a password in it: the signature says who asks")
    secret = its.text("secret", "a text") or ""
    try:
        key = base64.b64decode(secret.removeprefix(_SECRET), validate=True) if secret.startswith(_SECRET) else b""
    except (binascii.Error, ValueError):
        key = b""
    if not _LEAST_SECRET <= len(key) <= _MOST_SECRET:
        its.refuse("secret", f"{_SECRET} and {_LEAST_SECRET} to {_MOST_SECRET} random bytes in base64")
    return Webhook(name, address, key, its.deadline_s(), its.get("ca", str, "a file's name"))


def _broker(name: str, where: str, said: Any) -> Broker:
    known = ("mqtt", "mqtt_file", "user", "password", "password_file", "topic", "discovery", "deadline_s", "ca")
    its = _Place(where, said, known)
    parts = _split(its, "mqtt", its.text("mqtt", "an address") or "", ("mqtt", "mqtts"))
    if parts.path not in ("", "/") or parts.query:
        its.refuse("mqtt", "an address without a path")
    topic = its.text("topic", "a topic") or "familiar"
    discovery = its.text("discovery", "a topic")
    for field_name, each in (("topic", topic), ("discovery", discovery)):
        if each is not None and (not _TOPIC.fullmatch(each) or len(each) > 100):
            its.refuse(field_name, "a topic of 100 characters at most, without + and #")
    tls = parts.scheme == "mqtts"
    user = its.text("user", "a text") or unquote(parts.username or "") or None
    password = its.text("password", "a text") or unquote(parts.password or "") or None
    if password is not None and user is None:
        its.refuse("user", "there where a password is: MQTT takes none without")
    ca = its.get("ca", str, "a file's name")
    port = parts.port or (8883 if tls else 1883)
    return Broker(name, parts.hostname or "", port, tls, user, password, topic, discovery, its.deadline_s(), ca)


def _split(its: _Place, name: str, address: str, schemes: tuple[str, ...]) -> SplitResult:
    expected = f"an address that begins with {' or '.join(f'{each}://' for each in schemes)}"
    try:
        parts = urlsplit(address)
        usable = parts.scheme in schemes and parts.hostname and (parts.port is None or parts.port > 0)
    except ValueError:
        usable = False
    if not usable or not address.isprintable() or " " in address:
        its.refuse(name, expected)
    return parts


def _rule(where: str, said: Any, destinations: frozenset[str]) -> Rule:
    its = _Place(where, said, ("tell", "camera", "what", "who", "days", "hours"))
    kinds = [each.value for each in EventKind]
    hours = its.get("hours", str, "as 22:00-06:00")
    return Rule(
        tell=its.choice("tell", destinations.__contains__, f"of {', '.join(sorted(destinations))}"),
        camera=its.names("camera", "names of cameras"),
        what=its.choice("what", kinds.__contains__, f"of {', '.join(kinds)}"),
        who=its.names("who", f"{_KNOWN}, {_UNKNOWN}, or names or ids of people"),
        days=its.choice("days", DAYS.__contains__, f"of {', '.join(DAYS)}"),
        hours=None if hours is None else _hours(its, hours),
    )


def _hours(its: _Place, text: str) -> tuple[time, time]:
    found = _HOURS.fullmatch(text.replace(" ", ""))
    if found is None or (found[3] == "24" and found[4] != "00"):
        its.refuse("hours", "as 22:00-06:00")
    if found.group(1, 2) == found.group(3, 4):
        its.refuse("hours", "some: 00:00-24:00 is the whole day")
    ends = time.max if found[3] == "24" else time(int(found[3]), int(found[4]))
    return time(int(found[1]), int(found[2])), ends


def _between(begins: time, ends: time, moment: time) -> bool:
    if begins <= ends:
        return begins <= moment < ends
    return moment >= begins or moment < ends
