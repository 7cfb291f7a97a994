"""Enrolling: capture frames of one person until there are enough, have them learned, follow until they are in use."""

import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass
from itertools import islice
from typing import Any, Protocol

from familiar_camera.errors import CameraError, EnrollmentFailed, Refused
from familiar_camera.frame import ENROLMENT_SIDE_PX
from familiar_camera.server import Answer, Server
from familiar_camera.sources import Source

FRAMES = 150
ASK, ADD, NEW = "ask", "add", "new"
TAKE, LEAVE_OUT = "take", "leave_out"

# What is recorded already goes in larger portions; a camera's frame goes at once, so that the advice fits the moment.
_BATCH = 8
_MOST_NUMBERS = 20
# How long after a look the next one comes: a part of the time waited so far, so that none is late by more than that.
_LOOK_SHARE, _FIRST_LOOK_S, _LONGEST_LOOK_S = 0.1, 0.1, 1.0

Ask = Callable[[str, Mapping[str, str]], str]
"""Puts a question with its possible answers (key -> text) to a person; returns a key, raises NeedsAnswer if alone."""


@dataclass(frozen=True)
class Wish:
    """Who is to be enrolled.

    Attributes:
        name: what to call the person.
        person_id: given for more samples of somebody already enrolled.
        frames: usable frames after which the capture is complete.
        if_known: what to do when the name or the face is there already: ask, add to that person, or new person.
        if_not_alike: what to do with pictures that do not show the same person as the others: ask, take, or leave out.
    """

    name: str | None
    person_id: str | None = None
    frames: int = FRAMES
    if_known: str = ASK
    if_not_alike: str = ASK


@dataclass(frozen=True)
class Progress:
    """How a capture stands after some more frames, with what the server advises."""

    sent: int
    usable: int
    accepted: int
    wanted: int
    hint: str
    poses: Mapping[str, int]


class Audience(Protocol):
    """Whoever wants to know how the enrolment goes."""

    def captured(self, progress: Progress) -> None:
        """Take note of how the capture stands."""

    def stage(self, enrollment: Answer) -> None:
        """Take note of another stage of the enrolment."""


def enroll(
    server: Server,
    source: Source,
    wish: Wish,
    ask: Ask,
    audience: Audience,
    *,
    follow_s: float = 180.0,
    sleep: Callable[[float], None] = time.sleep,
) -> Answer:
    """Enrol a person; return the enrolment, which is live.

    Until the capture is finished, whatever goes wrong leaves nothing behind.

    Raises:
        NeedsAnswer: the name or the face is there already, or pictures do not show one person, and nobody is there to
            say what then.
        EnrollmentFailed: too few frames could be used, the person declined, or the training failed.
        Refused, ServerAway, WrongServer, SourceError: as their names say.
    """
    enrollment_id = _open(server, wish, ask)["id"]
    try:
        _capture(server, source, enrollment_id, wish.frames, audience)
        _finish(server, enrollment_id, wish, ask)
    except BaseException:
        with suppress(CameraError):
            server.discard(enrollment_id)
        raise
    return _follow(server, enrollment_id, audience, follow_s, sleep)


def _open(server: Server, wish: Wish, ask: Ask) -> Answer:
    key = str(uuid.uuid4())
    try:
        return server.open_enrollment(key, name=wish.name, person_id=wish.person_id)
    except Refused as exc:
        if exc.code != "name_taken" or wish.name is None:
            raise
        namesakes = [person["id"] for person in exc.details.get("people", [])]
        choice = wish.if_known
        if choice == ADD and len(namesakes) > 1:
            which = ", ".join(namesakes)
            raise EnrollmentFailed(
                f"{len(namesakes)} people are called {wish.name}: say which one by --person-id ({which})"
            ) from exc
        if choice == ASK:
            answers = {person_id: f"the one already enrolled ({person_id}): add to them" for person_id in namesakes}
            choice = ask(
                f"Somebody called {wish.name} is enrolled already. Who is before the camera?",
                answers | {NEW: "another person of the same name"},
            )
        if choice == NEW:
            return server.open_enrollment(key, name=wish.name, allow_same_name=True)
        return server.open_enrollment(key, name=None, person_id=namesakes[0] if choice == ADD else choice)


def _capture(server: Server, source: Source, enrollment_id: str, wanted: int, audience: Audience) -> None:
    sent = 0
    with closing(source.frames()) as frames:
        pictures = (frame.jpeg(ENROLMENT_SIDE_PX) for frame in frames)
        for jpegs in _portions(pictures, 1 if source.live else _BATCH):
            try:
                answer = server.send_frames(enrollment_id, jpegs)
            except Refused as exc:
                if exc.code == "capture_full":
                    return
                raise
            sent += len(jpegs)
            progress = _progress(answer, sent, wanted)
            audience.captured(progress)
            if progress.usable >= wanted:
                return


def _progress(answer: Answer, sent: int, wanted: int) -> Progress:
    return Progress(
        sent=sent,
        usable=answer["usable"],
        accepted=answer["accepted"],
        wanted=wanted,
        hint=answer.get("hint") or "",
        poses=answer.get("poses") or {},
    )


def _finish(server: Server, enrollment_id: str, wish: Wish, ask: Ask) -> None:
    answers = {"if_known": wish.if_known, "if_not_alike": wish.if_not_alike}
    while True:
        try:
            server.finish(enrollment_id, {field: answer for field, answer in answers.items() if answer != ASK})
        except Refused as exc:
            if exc.code == "too_few_samples":
                raise EnrollmentFailed(_too_few(exc.details)) from exc
            question = _QUESTIONS.get(exc.code)
            if question is None or answers[question.field] != ASK:
                raise
            answers[question.field] = ask(*question.put(exc.details))
        else:
            return


@dataclass(frozen=True)
class _Question:
    """A refusal that asks something: the field that takes the answer, and how it is put to a person."""

    field: str
    put: Callable[[Mapping[str, Any]], tuple[str, Mapping[str, str]]]


def _whether_known(details: Mapping[str, Any]) -> tuple[str, Mapping[str, str]]:
    name = details.get("person", {}).get("name", "somebody")
    return (
        f"This face is already known as {name}. Is it the same person?",
        {ADD: f"yes: add what was captured to {name}", NEW: f"no: somebody else who looks like {name}"},
    )


def _whether_alike(details: Mapping[str, Any]) -> tuple[str, Mapping[str, str]]:
    frames = details.get("frames", [])
    whom = (details.get("person") or {}).get("name", "the person on the others")
    which = ", ".join(str(index + 1) for index in frames[:_MOST_NUMBERS]) + (
        " ..." if len(frames) > _MOST_NUMBERS else ""
    )
    return (
        f"{len(frames)} of {details.get('pictures', 'the')} pictures do not show {whom} (number {which}). Take them?",
        {LEAVE_OUT: "no: enrol without them", TAKE: "yes: they show the same person"},
    )


_QUESTIONS = {
    "already_known": _Question("if_known", _whether_known),
    "not_alike": _Question("if_not_alike", _whether_alike),
}


def _follow(
    server: Server, enrollment_id: str, audience: Audience, follow_s: float, sleep: Callable[[float], None]
) -> Answer:
    start, status = time.monotonic(), None
    while True:
        enrollment = server.enrollment(enrollment_id)
        if enrollment["status"] != status:
            status = enrollment["status"]
            audience.stage(enrollment)
        if status == "live":
            return enrollment
        if status == "failed":
            raise EnrollmentFailed(f"the enrolment failed: {_why(enrollment.get('error') or {})}")
        waited_s = time.monotonic() - start
        if waited_s > follow_s:
            raise EnrollmentFailed(
                f"all frames are safe, but the enrolment is still '{status}' after {follow_s:.0f} s; "
                f"{server.shown}/v1/enrollments/{enrollment_id} tells when it is live"
            )
        sleep(min(max(_LOOK_SHARE * waited_s, _FIRST_LOOK_S), _LONGEST_LOOK_S))


def _why(error: Mapping[str, Any]) -> str:
    message = str(error.get("message", "the server does not say why"))
    other = error.get("person")
    return f"{message} ({other['name']}: --person-id {other['id']})" if other else message


def _too_few(details: Mapping[str, Any]) -> str:
    counts = sorted(details.get("refused", {}).items(), key=lambda item: -item[1])
    why = ", ".join(f"{reason.replace('_', ' ')} ({count})" for reason, count in counts)
    return (
        f"only {details.get('accepted', 0)} of {details.get('received', 0)} frames could be used and "
        f"{details.get('needed', 'more')} are needed; refused: {why or 'none'}"
    )


def _portions(items: Iterator[bytes], size: int) -> Iterator[list[bytes]]:
    while portion := list(islice(items, size)):
        yield portion
