"""Displays: what the commands show to a person, at a terminal or, without one, as lines of a log."""

import time

from rich.console import Console
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn
from rich.table import Table
from rich.text import Text

from familiar_camera import enrolling
from familiar_camera.console import remarks, results
from familiar_camera.errors import Refused
from familiar_camera.frame import Frame
from familiar_camera.live import Counts
from familiar_camera.recognizing import Seen
from familiar_camera.server import Answer
from familiar_camera.several import Event, Several
from familiar_camera.sightings import Sightings

_MOST_STRANGERS = 20
_POSES = ("straight", "left", "right", "up", "down")


class EnrollmentDisplay:
    """Shows an enrolment to a person: a bar with the server's advice; where there is no terminal, lines."""

    def __init__(self, console: Console, wanted: int) -> None:
        self._console = console
        columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
        self._bar = Progress(*columns, console=console, transient=True, disable=not console.is_terminal)
        self._task = self._bar.add_task("waiting for the first frame", total=wanted)
        self._hint = ""
        self._last: enrolling.Progress | None = None

    def __enter__(self) -> "EnrollmentDisplay":
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def captured(self, progress: enrolling.Progress) -> None:
        """Move the bar; as lines, only what has changed."""
        self._bar.update(self._task, completed=min(progress.usable, progress.wanted), description=progress.hint)
        if not self._console.is_terminal and progress.hint != self._hint:
            self._hint = progress.hint
            self._console.print(f"{progress.usable} of {progress.wanted} frames: {progress.hint}", markup=False)
        self._last = progress

    def stage(self, enrollment: Answer) -> None:
        """Name the stage, with what the server warns of; before the first one, say what was captured."""
        if (done := self._last) is not None:
            self._last = None
            spread = ", ".join(f"{pose} {done.poses[pose]}" for pose in _POSES if done.poses.get(pose))
            self._console.print(f"{done.sent} frames, {done.accepted} of them kept ({spread})", markup=False)
        self._bar.update(self._task, description=enrollment["status"])
        self._console.print(enrollment["status"], markup=False)
        if warning := enrollment.get("warning"):
            self._console.print(warning["message"], style="yellow", markup=False, soft_wrap=True)


class SortingDisplay:
    """Shows the sorting of photos to a person: a bar, and at the end who is on them."""

    def __init__(self, console: Console) -> None:
        self._console = console
        columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
        self._bar = Progress(*columns, console=console, transient=True, disable=not console.is_terminal)
        self._task = self._bar.add_task("looking", total=None)

    def __enter__(self) -> "SortingDisplay":
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def begun(self, job: Answer, pictures: int) -> None:
        """Say which job it is, for who wants to go on with it."""
        self._bar.update(self._task, total=pictures)
        self._console.print(f"{pictures} pictures, job {job['id']}", markup=False)

    def sent(self, path: str, code: str | None) -> None:
        """Move the bar; say of a picture that it could not be looked at."""
        self._bar.advance(self._task)
        if code is not None:
            self._console.print(f"{path}: {code.replace('_', ' ')}", markup=False)

    def stage(self, job: Answer) -> None:
        """Name the stage."""
        self._bar.update(self._task, description=job["status"])

    def done(self, job: Answer, found: Answer, unpacked: tuple[int, list[str]] | None) -> None:
        """Show who is on the pictures, and what was unpacked."""
        shown = Table(title=f"{job['photos']} pictures, {job['faces']} faces")
        for heading in ("who", "pictures", "faces"):
            shown.add_column(heading, justify="left" if heading == "who" else "right")
        for each in found["people"]:
            shown.add_row(Text(each["person"]["name"]), str(each["photos"]), str(each["faces"]))
        for number, each in enumerate(found["strangers"][:_MOST_STRANGERS], start=1):
            shown.add_row(f"[dim]stranger {number}[/dim]", str(each["photos"]), str(each["faces"]))
        if (more := found["total_strangers"] - _MOST_STRANGERS) > 0:
            shown.add_row(f"[dim]{more} more strangers[/dim]", "", "")
        results().print(shown)
        if unpacked is not None:
            written, left_alone = unpacked
            for path in left_alone:
                self._console.print(f"{path}: left alone, something else is there", markup=False)
            self._console.print(f"{written} files and links written", markup=False)


class RecognitionDisplay:
    """Shows who is seen: a table that is kept up to date, or lines where there is no terminal."""

    def __init__(self, sightings: Sightings, counts: Counts | None = None) -> None:
        self._counts = counts
        self._console = console = results()
        self._sightings = sightings
        self._live = Live(console=console, auto_refresh=False, transient=True)
        self._said = ""

    def __enter__(self) -> "RecognitionDisplay":
        if self._console.is_terminal:
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()
        self._console.print(_table(self._sightings))
        if self._counts is not None:
            self._console.print(_counted(self._counts), markup=False)

    def seen(self, seen: Seen) -> None:
        """Show one frame's answer."""
        if self._console.is_terminal:
            self._live.update(_table(self._sightings), refresh=True)
        elif (text := _who(seen.answer)) != self._said:
            self._said = text
            self._console.print(f"{_clock(seen.seen_at)}  {seen.frame.label}: {text}", markup=False)

    def refused(self, frame: Frame, error: Refused) -> None:
        """Say that a frame was refused."""
        self._console.print(f"{frame.label}: {error}", markup=False)


class VisitDisplay:
    """Says who comes before which camera, a line each; what became of the pictures stands at the end."""

    def __init__(self, work: Several) -> None:
        self._work = work
        self._console, self._remarks = results(), remarks()
        self._said: dict[str, str] = {}

    def __enter__(self) -> "VisitDisplay":
        return self

    def __exit__(self, *_: object) -> None:
        for name in self._work.sightings:
            self._console.print(f"{name}: {_counted(self._work.counts(name))}", markup=False)

    def told(self, event: Event) -> None:
        """Print what a camera has to say; the same trouble once."""
        if event.visit is not None:
            who = "somebody unknown" if event.visit.person is None else event.visit.person["name"]
            score = "" if event.visit.score is None else f" ({event.visit.score:.3f})"
            self._said.pop(event.camera, None)
            self._console.print(f"{_clock(event.at)}  {event.camera}: {who}{score}", markup=False, soft_wrap=True)
            return
        text = str(event.ended) if event.ended else event.remark
        if text and self._said.get(event.camera) != text:
            self._said[event.camera] = text
            self._remarks.print(f"{event.camera}: {text}", markup=False, soft_wrap=True)


def turn_hint(degrees: int) -> str:
    """Say that frames should be turned."""
    return f"faces can be made out only when the picture is turned: is the camera mounted so? Try --rotate {degrees}"


def _counted(counts: Counts) -> str:
    """Say what became of a camera's pictures."""
    again = f", connected anew {counts.reopened} times" if counts.reopened else ""
    return f"{counts.seen} pictures of the camera, {counts.sent} sent, {counts.dropped} dropped for newer ones{again}"


def _table(sightings: Sightings) -> Table:
    """Return the table of who was seen."""
    shown = Table(title="1 frame" if sightings.frames == 1 else f"{sightings.frames} frames")
    for heading in ("who", "first seen", "last seen", "times", "best score"):
        shown.add_column(heading, justify="right" if heading in ("times", "best score") else "left")
    for row in sightings.rows():
        score = "" if row.best_score is None else f"{row.best_score:.3f}"
        shown.add_row(Text(row.name), _clock(row.first_seen), _clock(row.last_seen), str(row.count), score)
    if sightings.too_bad:
        shown.add_row("[dim]too bad to judge[/dim]", "", "", str(sightings.too_bad), "")
    return shown


def _who(answer: Answer) -> str:
    names = []
    for face in answer.get("faces", []):
        if face["status"] == "rejected":
            names.append(f"a face that is {' and '.join(face.get('reasons', ()))}".replace("_", " "))
        else:
            names.append(face["person"]["name"] if face.get("person") else "unknown")
    more = answer.get("faces_found", 0) - len(names)
    if more > 0:
        names.append(f"{more} more face{'s' if more > 1 else ''}")
    return ", ".join(names) or "nobody"


def _clock(at: float) -> str:
    return time.strftime("%H:%M:%S", time.localtime(at))
