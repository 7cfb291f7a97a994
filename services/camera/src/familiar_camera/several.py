"""Several cameras in one process, as a YAML file names them: each has a thread, and fails and comes back by itself."""

import os
import queue
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from string import Template
from typing import Any

import yaml

from familiar_camera.address import masked
from familiar_camera.backoff import Backoff
from familiar_camera.errors import CameraError, Refused, SourceError
from familiar_camera.live import Counts, OnWait
from familiar_camera.recognizing import recognize
from familiar_camera.server import Server
from familiar_camera.sightings import Sightings
from familiar_camera.sources import open_source
from familiar_camera.trust import believing
from familiar_camera.view import TURNS, WHOLE, Region, View
from familiar_camera.visits import Visit, Visits

_KNOWN, _UNKNOWN = "known", "unknown"
_RETRY_S = 30.0
"""After what does not pass by waiting, as a wrong password that may be mended."""


@dataclass(frozen=True)
class Camera:
    """A camera of the file.

    Attributes:
        rate: frames of a second that are sent.
        agree: frames that have to agree before somebody is named.
        trust: whom to believe to be the camera, by https and the like.
        forget_s: after so many seconds without them somebody comes anew.
        tell: of whom is told: known, unknown, or both.
    """

    name: str
    source: str = field(repr=False)
    rate: float = 4.0
    rotate: int = 0
    region: Region = WHOLE
    trust: str | None = None
    agree: int = 3
    forget_s: float = 30.0
    tell: frozenset[str] = frozenset({_KNOWN, _UNKNOWN})


@dataclass(frozen=True)
class Event:
    """What a camera has to say: somebody came, or it has trouble, or ended for good with an error."""

    camera: str
    at: float
    visit: Visit | None = None
    remark: str = ""
    ended: CameraError | None = None
    over: bool = False


class _Twice(Exception):
    """A name stands twice in a mapping; YAML's reader would take the second one, and say nothing."""

    def __init__(self, name: object, line: int) -> None:
        super().__init__()
        self.name, self.line = name, line


class _Strict(yaml.SafeLoader):
    """Reads YAML in which each name stands once, as without the dash before another camera it would not."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        names: set[Any] = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode) and key.value in names:
                raise _Twice(key.value, key.start_mark.line + 1)
            names.add(key.value if isinstance(key, yaml.ScalarNode) else key)
        return super().construct_mapping(node, deep)


def read(path: Path, environment: Mapping[str, str] = os.environ) -> list[Camera]:
    """Return the cameras that a file names; ``${NAME}`` in a source stands for a variable of the environment.

    Raises:
        SourceError: it cannot be read, or says something else.
    """
    try:
        said = yaml.load(path.read_bytes(), _Strict)  # also UTF-16, as Windows writes it
    except OSError as exc:
        raise SourceError(f"{path}: {exc.strerror}") from exc
    except _Twice as exc:
        raise SourceError(f"{path}: {masked(repr(exc.name))} stands twice in one place (line {exc.line})") from exc
    except (yaml.YAMLError, ValueError, RecursionError) as exc:
        where = getattr(exc, "problem_mark", None)
        raise SourceError(f"{path}: this is not YAML" + (f" (line {where.line + 1})" if where else "")) from exc
    if not isinstance(said, dict) or set(said) != {"cameras"} or not isinstance(said["cameras"], list):
        raise SourceError(f"{path}: a list 'cameras' is expected, and nothing else")
    cameras = [_camera(path, number, each, environment) for number, each in enumerate(said["cameras"], start=1)]
    names = [each.name for each in cameras]
    if not names:
        raise SourceError(f"{path}: the list 'cameras' is empty")
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise SourceError(f"{path}: two cameras are called {twice!r}")
    return cameras


def _camera(path: Path, number: int, said: Any, environment: Mapping[str, str]) -> Camera:
    whose = f"{path}: camera {number}"
    if not isinstance(said, dict):
        raise SourceError(f"{whose}: a mapping with 'name' and 'source' is expected")
    for name, value in said.items():
        check = _FIELDS.get(name)
        if check is None:
            raise SourceError(f"{whose}: {masked(repr(name))} is not known; known are {', '.join(_FIELDS)}")
        if not check(value):
            # A mapping of user and password would show them under names of its own.
            shown = "a mapping" if "{" in repr(value) else masked(repr(value))
            raise SourceError(f"{whose}: {name!r} cannot be {shown}; {_EXPECTED[name]} is expected")
    for name in ("name", "source"):
        if name not in said:
            raise SourceError(f"{whose}: {name!r} is missing")
    given = {**said, "source": _source(whose, str(said["source"]), environment)}
    if "region" in given:
        try:
            given["region"] = Region.of_shares(given["region"])
        except ValueError as exc:
            raise SourceError(f"{whose}: 'region': {exc}") from exc
    if "trust" in given:
        try:
            believing(given["trust"])
        except SourceError as exc:
            raise SourceError(f"{whose}: 'trust': {exc}") from exc
    if "tell" in given:
        given["tell"] = frozenset(given["tell"])
    if "forget" in given:
        given["forget_s"] = given.pop("forget")
    return Camera(**given)


def _source(whose: str, text: str, environment: Mapping[str, str]) -> str:
    try:
        return Template(text).substitute(environment)
    except KeyError as exc:
        raise SourceError(f"{whose}: the variable {exc.args[0]} is not set") from exc
    except ValueError as exc:
        raise SourceError(f"{whose}: in 'source' a $ is written $$") from exc


def _number(least: float) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, int | float) and not isinstance(value, bool) and least < value < 1e9


_FIELDS: Mapping[str, Callable[[Any], bool]] = {
    "name": lambda value: isinstance(value, str) and bool(value.strip()),
    "source": lambda value: isinstance(value, str | int) and not isinstance(value, bool) and str(value) != "",
    "trust": lambda value: isinstance(value, str) and bool(value),
    "rate": _number(0),
    "rotate": lambda value: not isinstance(value, bool) and value in (0, *TURNS),
    "region": lambda value: isinstance(value, list) and all(map(_number(-1), value)),
    "agree": lambda value: _number(0)(value) and isinstance(value, int),
    "forget": _number(0),
    "tell": lambda value: isinstance(value, list) and bool(value) and set(map(str, value)) <= {_KNOWN, _UNKNOWN},
}
_EXPECTED: Mapping[str, str] = {
    "name": "a text",
    "source": "what 'familiar-camera recognize' takes",
    "trust": "a file of certificates, or 'sha256:' and a fingerprint",
    "rate": "a number of frames a second",
    "rotate": "0, 90, 180 or 270",
    "region": "[left, top, right, bottom] as shares of the frame",
    "agree": "a whole number of frames",
    "forget": "a number of seconds",
    "tell": "a list of 'known' and 'unknown'",
}


class Several:
    """All cameras of a file at work."""

    def __init__(self, cameras: list[Camera], server: Callable[[str, OnWait], Server], wait_s: float) -> None:
        """Take the cameras and who connects to the server, given the name of a camera and whom to tell of waits.

        A camera that is away for longer than ``wait_s`` is given up; with infinity none ever is.
        """
        self.sightings = {camera.name: Sightings() for camera in cameras}
        self._cameras = cameras
        self._server = server
        self._wait_s = wait_s
        self._counts: dict[str, list[Counts]] = {camera.name: [] for camera in cameras}
        self._events: queue.SimpleQueue[Event] = queue.SimpleQueue()
        self._stop = threading.Event()

    def events(self) -> Iterator[Event]:
        """Start all cameras; yield what they have to say until all have ended, or the caller stops.

        Raises:
            Refused: the server keeps us out.
        """
        for camera in self._cameras:
            threading.Thread(target=self._work, args=(camera,), name=camera.name, daemon=True).start()
        left = len(self._cameras)
        try:
            while left:
                event = self._events.get()
                if isinstance(event.ended, Refused):
                    raise event.ended
                left -= event.over
                yield event
        finally:
            self._stop.set()

    def counts(self, name: str) -> Counts:
        """Return what became of the pictures of a camera, over all its connections."""
        rows = self._counts[name]
        return Counts(*(sum(getattr(row, of) for row in rows) for of in ("seen", "sent", "dropped", "reopened")))

    def _work(self, camera: Camera) -> None:
        error: CameraError | None = None
        while not self._stop.is_set():
            try:
                self._watch(camera)
                error = None
                break
            except SourceError as exc:
                error = exc
                if self._wait_s < float("inf"):
                    break
                self._say(camera, remark=f"{exc}; trying again in {_RETRY_S:.0f} s")
                self._stop.wait(_RETRY_S)
            except CameraError as exc:
                error = exc
                break
            except Exception as exc:  # a defect, of which nobody would learn: the others would be waited for with it
                error = CameraError(masked(f"{type(exc).__name__}: {exc}"))
                break
        self._events.put(Event(camera.name, time.time(), ended=error, over=True))

    def _watch(self, camera: Camera) -> None:
        def on_wait(why: str, _wait_s: float) -> None:
            self._say(camera, remark=f"{why}; trying again ...")

        source = open_source(camera.source, camera.rate, Backoff(patience_s=self._wait_s), on_wait, camera.trust)
        view = View(source, camera.rotate, camera.region)
        self._counts[camera.name].append(view.counts or Counts())
        visits = Visits(camera.agree, camera.forget_s)
        hint = "faces can be made out only in a turned picture: rotate: "
        with closing(self._server(camera.name, on_wait)) as server, closing(
            recognize(
                server, view, self.sightings[camera.name],
                on_refused=lambda _frame, exc: self._say(camera, remark=str(exc)),
                on_turned=lambda degrees: self._say(camera, remark=f"{hint}{(camera.rotate + degrees) % 360}"),
            )
        ) as seen_frames:  # fmt: skip
            for seen in seen_frames:
                for visit in visits.note(seen.answer, seen.seen_at):
                    if (_KNOWN if visit.person else _UNKNOWN) in camera.tell:
                        self._events.put(Event(camera.name, seen.seen_at, visit=visit))
                if self._stop.is_set():
                    return

    def _say(self, camera: Camera, remark: str) -> None:
        self._events.put(Event(camera.name, time.time(), remark=remark))
