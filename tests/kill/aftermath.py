"""The aftermath: what must be true when nobody does anything any more, and when everything has ended."""

import contextlib
import re
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from familiar.records import EnrollmentStatus, Stage, erasures
from familiar.records.schema import Enrollment, Person, Sample, Training
from kill.book import Book, Life
from kill.cast import Face
from kill.embedded import Embedded
from kill.living import Asking, Recogniser

_SETTLED_S = 120.0
_LOOKS = 5
_SHARED_MEMORY = Path("/dev/shm")
# What may be said of good pictures of these people; all else is a loss.
_REASONS = ("too_alike", "head_worse")

# All that a state folder holds.
_KEPT = re.compile(
    r"familiar\.db(-wal|-shm)?|familiar\.db\.\w+|run\.json|models\.pbtxt"
    r"|redis/(redis\.sock|appendonlydir/appendonly\.aof\.(manifest|\d+\.(base|incr)\.(rdb|aof)))"
    r"|models/(backbone|head)/\d+/.*"
)


def quiet(run: Embedded) -> list[str]:
    """Wait until nothing is under way, nothing half erased and nothing queued; return what never came to its end."""
    give_up_at = time.monotonic() + _SETTLED_S
    while under_way := [*_open(run)]:
        if time.monotonic() > give_up_at:
            return [f"after {_SETTLED_S:.0f} s at rest there still is {each}" for each in under_way]
        time.sleep(0.5)
    return []


def kept(run: Embedded, book: Book, faces: list[Face], recogniser: Recogniser) -> list[str]:
    """Return which promises were not kept, of a system at rest."""
    return [*_enrolments(run, book), *_people(run, book), *_samples(run), *_names(book, faces, recogniser)]


def left(run: Embedded, book: Book, *, running: bool) -> list[str]:
    """Return what was left behind on the disk: traces of the deleted, and files that are none of the state's."""
    expected = {"familiar-trainer.alive"} if running else set()
    found = [f"{path.name} in the temporary folder" for path in run.temporary.rglob("*") if path.name not in expected]
    for path in sorted(run.state.rglob("*")):
        name = str(path.relative_to(run.state))
        if path.is_dir() or _KEPT.fullmatch(name) or (running and name.startswith("models/scratch/")):
            continue
        found.append(f"{name} in the state folder")
    for path in [each for each in run.state.rglob("*") if each.is_file()]:
        content = path.read_bytes()
        for life in book.gone():
            found += [f"{what} of {life.name} in {path.name}" for what, n in life.needles.items() if n in content]
    return found


def unused_shared_memory() -> set[str]:
    """Return what lies in the shared memory and no process has mapped."""
    if not _SHARED_MEMORY.is_dir():
        return set()
    mapped = []
    for maps in Path("/proc").glob("[0-9]*/maps"):
        with contextlib.suppress(OSError):
            mapped.append(maps.read_text())
    return {file.name for file in _SHARED_MEMORY.iterdir() if not any(str(file) in each for each in mapped)}


def _open(run: Embedded) -> Iterator[str]:
    with _reading(run) as session:
        stages = session.execute(select(Training.stage, func.count()).group_by(Training.stage)).all()
        yield from (f"a training that is {stage}" for stage, _ in stages if not Stage(stage).ended)
        yield from (f"an open erasure of {each}" for each in erasures.open_ones(session))
        statuses = session.execute(select(Enrollment.status, func.count()).group_by(Enrollment.status)).all()
        yield from (f"an enrolment that is {each}" for each, _ in statuses if not EnrollmentStatus(each).ended)
    state = run.queue().state()
    for what, count in (("waiting", state.waiting), ("running", state.running), ("failed", state.failed)):
        if count:
            yield f"{count} jobs {what}"


def _enrolments(run: Embedded, book: Book) -> Iterator[str]:
    ask = Asking(run.url)
    for life in _alive(book):
        for enrollment_id in life.taken:
            state = ask("GET", f"/v1/enrollments/{enrollment_id}", (200, 404))
            if "error" in state and state.get("status") is None:
                yield f"{life.name}: an enrolment that was taken is lost"
            elif state["status"] == "failed":
                book.count(f"enrolments failed: {state['error']['code']}")
                if state["error"]["code"] not in _REASONS:
                    yield f"{life.name}: an enrolment failed: {state['error']}"
            elif state["status"] != "live":
                yield f"{life.name}: an enrolment is {state['status']} at rest"
            else:
                life.live = True


def _people(run: Embedded, book: Book) -> Iterator[str]:
    listed = [each["name"] for each in Asking(run.url)("GET", "/v1/people?limit=1000", (200,))["people"]]
    wanted = [life.name for life in _alive(book)]
    yield from (f"{name} is listed and should not be, or twice" for name in Counter(listed) - Counter(wanted))
    yield from (f"{name} is not listed" for name in Counter(wanted) - Counter(listed))


def _samples(run: Embedded) -> Iterator[str]:
    with _reading(run) as session:
        rows = session.execute(
            select(Sample.enrollment_id, func.count(), func.count(Sample.position.distinct())).group_by(
                Sample.enrollment_id
            )
        )
        yield from (f"enrolment {each} has samples twice" for each, count, different in rows if count != different)
        orphans = session.scalar(select(func.count()).where(Sample.person_id.not_in(select(Person.id))))
        if orphans:
            yield f"{orphans} samples of nobody"


def _names(book: Book, faces: list[Face], recogniser: Recogniser) -> Iterator[str]:
    """Each who is live is named in one of some pictures; whom a face is taken for is judged by the book."""
    of_face = {life.face: life for life in _alive(book) if life.live}
    for face in faces:
        names: set[str | None] = {recogniser.look(face) for _ in range(_LOOKS)}
        if face in of_face and of_face[face].name not in names:
            yield f"{of_face[face].name} is live and not recognised"


def _alive(book: Book) -> list[Life]:
    return [life for life in book.lives.values() if not life.deleted and life.taken]


@contextmanager
def _reading(run: Embedded) -> Iterator[Session]:
    """Read the database; its last user, who cleans the files, must not be this one."""
    database = run.database()
    try:
        with database.read() as session:
            yield session
    finally:
        database.engine.dispose()
