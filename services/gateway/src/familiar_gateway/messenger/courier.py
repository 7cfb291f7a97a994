"""Couriers: each has one destination and tells it what waits in the table, a batch at a time, until it has it."""

import logging
import random
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import partial

from sqlalchemy.orm import Session

from familiar.errors import FamiliarError
from familiar.records import (
    Database,
    Event,
    EventKind,
    Known,
    Recorder,
    attendance,
    deliveries,
    events,
    people,
    recent_errors,
)
from familiar.settings import Settings
from familiar_gateway.events import show
from familiar_gateway.messenger.backoff import Backoff
from familiar_gateway.messenger.instructions import Instructions
from familiar_gateway.messenger.sender import Line, Message, Result, Sender

log = logging.getLogger(__name__)

POLL_S = 0.5
LEASE_S = 30.0
"""A courier who gives no sign for so long, while another one looks on, is replaced."""
_BATCH = 200
_BEGIN_WITHIN_S = 1.0
"""No call is begun later in a round, so that the lease outlasts the round whatever a call takes, and so that it tells
of nobody who was erased or renamed before that."""
_TIDY_EVERY_S = 10.0


@dataclass
class _Pause:
    """A camera whose events wait, because the destination did not take one."""

    until: float
    backoff: Backoff = field(default_factory=Backoff)


@dataclass(frozen=True)
class _Waiting:
    """What waits of one camera: ``rows`` in their order, and which of them are told at all."""

    rows: Sequence[Event]
    line: Line

    def reached(self, told: int) -> int | None:
        """Return the number up to which all is settled when so many messages have arrived, None if none is."""
        if told >= len(self.line.messages):
            return self.rows[-1].number
        stuck = self.line.messages[told].number
        before = [row.number for row in self.rows if row.number < stuck]
        return before[-1] if before else None


class Courier:
    """Tells one destination."""

    def __init__(
        self, name: str, sender: Sender, instructions: Instructions, database: Database, settings: Settings,
        owner: str, recorder: Recorder,
    ) -> None:  # fmt: skip
        self._name = name
        self._sender = sender
        self._instructions = instructions
        self._database = database
        self._settings = settings
        self._owner = owner
        self._recorder = recorder
        self._chance = random.Random()
        self._pauses: dict[str, _Pause] = {}
        self._ours = False
        self._renewed_at = self._tidied_at = -float("inf")
        self._other: deliveries.Sign | None = None
        self._other_seen_at = 0.0
        self._dropped = -1
        self._day: date | None = None
        self._is_behind = False
        self._complaint: str | None = None

    def work(self, stop: threading.Event) -> None:
        """Tell what waits, until told to stop."""
        while not stop.is_set():
            more = False
            try:
                more = self._hold() and self.run_once()
                self._complaint = None
            except FamiliarError as exc:
                self._complain(str(exc), exc)
            except Exception as exc:
                if self._complain(repr(exc), exc):
                    log.exception("%s: a defect", self._name)
            if not more:
                stop.wait(POLL_S)
        self._leave()

    def run_once(self) -> bool:
        """Tell a batch of what waits; whether there may be more."""
        self._tidy(time.monotonic())  # before anything is read, for it may take its time
        now = time.monotonic()
        paused = {camera for camera, pause in self._pauses.items() if pause.until > now}
        with self._database.read() as session:
            rows = deliveries.waiting(session, self._name, _BATCH, paused)
            meant = people.meant(session, {row.person_id for row in rows if row.person_id is not None})
            cameras = {row.camera or "": row.number for row in rows}
            today = {camera: self._today(session, camera, number) for camera, number in cameras.items()}
        if not rows:
            return False
        waiting = [self._waiting(camera, rows, meant, today[camera]) for camera in cameras]
        results = self._sender.send([each.line for each in waiting], now + _BEGIN_WITHIN_S)
        return self._settle(waiting, results)

    def _waiting(self, camera: str, rows: Sequence[Event], meant: Mapping[str, Known], today: int) -> _Waiting:
        its = [row for row in rows if (row.camera or "") == camera]
        messages = []
        for row in its:
            person = meant.get(row.person_id or "")
            if row.person_id is not None and person is None:
                continue  # erased at this moment
            local = datetime.fromtimestamp(row.at, UTC).astimezone(self._settings.zone)
            if self._instructions.wants(self._name, row, person, local):
                body = show(row, meant, self._instructions.address)
                messages.append(Message(row.number, row.id, EventKind(row.kind), body))
        return _Waiting(its, Line(camera, messages, today))

    def _settle(self, waiting: Sequence[_Waiting], results: Sequence[Result]) -> bool:
        reached: dict[str, int] = {}
        shown: dict[str, str] = {}
        problem: str | None = None
        for each, result in zip(waiting, results, strict=True):
            shown.update(result.shown)
            if (number := each.reached(result.told)) is not None:
                reached[each.line.camera] = number
            if result.problem is not None:
                problem = result.problem
                self._wait(each.line.camera, result, len(each.line.messages) - result.told)
            elif result.told or not each.line.messages:  # or else its turn has not come
                self._go_on(each.line.camera)
        told = sum(result.told for result in results)

        def settle(session: Session) -> bool:
            deliveries.retain(session, self._name, shown)
            return deliveries.settle(session, self._name, self._owner, reached, told, problem or self._problem())

        if self._database.retry(settle):
            self._renewed_at = time.monotonic()
        else:
            self._lose()
        return problem is None

    def _problem(self) -> str | None:
        return "events of some cameras wait" if self._pauses else None

    def _wait(self, camera: str, result: Result, left: int) -> None:
        if result.told:
            self._pauses.pop(camera, None)  # it got on, and waits for another one
        pause = self._pauses.setdefault(camera, _Pause(0.0))
        wait_s = pause.backoff.next_s(result.again_s, self._chance)
        pause.until = time.monotonic() + wait_s
        if pause.backoff.failures == 1:
            log.warning("%s: %s; %d events or more of %s wait", self._name, result.problem, left, _called(camera))
            self._recorder.note(f"telling {self._name}", "unavailable", result.problem or "")

    def _go_on(self, camera: str) -> None:
        if self._pauses.pop(camera, None) is not None:
            log.info("%s: events of %s arrive again", self._name, _called(camera))

    def _today(self, session: Session, camera: str, up_to: int | None = None) -> int:
        """Return how many have come before a camera since midnight."""
        zone = self._settings.zone
        since = attendance.midnight(datetime.now(zone).date(), zone)
        wanted = events.Wanted(camera=camera, since=since)
        return events.count(session, wanted, up_to) if camera else 0

    def _tidy(self, now: float) -> None:
        """Take away what is shown of events that are no more, count days, and tell of what was dropped."""
        if now - self._tidied_at < _TIDY_EVERY_S:
            return
        self._tidied_at = now
        day = datetime.now(self._settings.zone).date()
        with self._database.read() as session:
            outlived, retained = deliveries.outlived(session, self._name), deliveries.retained(session, self._name)
            dropped = next((each.dropped for each in deliveries.all_of(session) if each.name == self._name), 0)
            cameras = events.cameras(session) if retained and day != self._day else []
            today = {camera: self._today(session, camera) for camera in cameras}
        if 0 <= self._dropped < dropped:
            log.warning("%s: %d events were dropped before they could be told", self._name, dropped - self._dropped)
            message = "events were dropped before they could be told"
            self._recorder.note(f"telling {self._name}", code="events_dropped", message=message)
        self._dropped = dropped
        try:
            self._sender.recount(today, retained)
            self._day = day
            self._sender.clear(outlived)
        except OSError as exc:
            if not self._is_behind:
                log.warning("%s: what it shows is not up to date: %s", self._name, exc)
            self._is_behind = True
        else:
            self._is_behind = False
            if outlived:
                self._database.retry(partial(deliveries.cleared, name=self._name, topics=outlived))

    def _hold(self) -> bool:
        """Whether the destination is ours to tell."""
        now = time.monotonic()
        if self._ours and now - self._renewed_at < LEASE_S / 3:
            return True
        if self._ours:
            if self._database.retry(lambda session: deliveries.renew(session, self._name, self._owner)):
                self._renewed_at = now
                return True
            self._lose()
            return False
        silent = self._other if now - self._other_seen_at >= LEASE_S else None
        sign = self._database.retry(lambda session: deliveries.claim(session, self._name, self._owner, silent))
        if sign is None:
            self._ours, self._renewed_at, self._other = True, now, None
            log.info("%s is told of events from here", self._name)
            return True
        if sign != self._other:
            self._other, self._other_seen_at = sign, now
        return False

    def _lose(self) -> None:
        log.warning("%s is told from elsewhere now", self._name)
        self._ours = False
        self._other = None
        self._sender.close()

    def _leave(self) -> None:
        self._sender.close()
        if self._ours:
            try:
                self._database.retry(lambda session: deliveries.release(session, self._name, self._owner))
            except FamiliarError as exc:
                log.warning("%s: %s", self._name, exc)

    def _complain(self, text: str, error: Exception) -> bool:
        """Log a complaint unless it is the same as a moment ago; tell whether it was new."""
        if self._complaint == text:
            return False
        self._complaint = text
        log.warning("%s: %s", self._name, text)
        self._recorder.note(f"telling {self._name}", *recent_errors.told(error))
        return True


def _called(camera: str) -> str:
    return f"the camera {camera}" if camera else "no camera"
