"""Lines: what the commands tell a script, one JSON object each on standard output."""

import json
import sys
from collections.abc import Mapping
from typing import Any

from familiar_camera import enrolling
from familiar_camera.displays import VisitDisplay
from familiar_camera.errors import Refused
from familiar_camera.frame import Frame
from familiar_camera.live import Counts
from familiar_camera.recognizing import Seen
from familiar_camera.server import Answer
from familiar_camera.several import Event, Several
from familiar_camera.sightings import Sightings


class EnrollmentEvents:
    """Tells a script how an enrolment goes."""

    def captured(self, progress: enrolling.Progress) -> None:
        """One line per portion of frames."""
        _emit({"type": "captured", **vars(progress)})

    def stage(self, enrollment: Answer) -> None:
        """One line per stage; the last one has ``status`` live or failed."""
        _emit({"type": "enrollment", **enrollment})


class SortingEvents:
    """Tells a script how the sorting of photos goes."""

    def __enter__(self) -> "SortingEvents":
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def begun(self, job: Answer, pictures: int) -> None:
        """One line for the job."""
        _emit({"type": "begun", "pictures": pictures, "job": job})

    def sent(self, path: str, code: str | None) -> None:
        """One line for each picture."""
        _emit({"type": "sent", "path": path, "code": code})

    def stage(self, job: Answer) -> None:
        """One line each time that the job was looked at."""
        _emit({"type": "job", **job})

    def done(self, job: Answer, found: Answer, unpacked: tuple[int, list[str]] | None) -> None:
        """End with one line that has it all."""
        written, left_alone = unpacked or (0, [])
        _emit({"type": "done", "job": job, **found, "written": written, "left_alone": left_alone})


class RecognitionEvents:
    """Tells a script what is seen: one line per frame, and a summary at the end."""

    def __init__(self, sightings: Sightings, counts: Counts | None = None) -> None:
        self._sightings = sightings
        self._counts = counts

    def __enter__(self) -> "RecognitionEvents":
        return self

    def __exit__(self, *_: object) -> None:
        people = [vars(sighting) for sighting in self._sightings.rows()]
        of_camera = {} if self._counts is None else {"camera": vars(self._counts)}
        _emit(
            {
                "type": "summary",
                "frames": self._sightings.frames,
                "seen": people,
                "too_bad": self._sightings.too_bad,
                **of_camera,
            }
        )

    def seen(self, seen: Seen) -> None:
        """Write one frame's answer."""
        _emit({"type": "frame", "frame": seen.frame.label, "seen_at": round(seen.seen_at, 3), **seen.answer})

    def refused(self, frame: Frame, error: Refused) -> None:
        """Write that a frame was refused."""
        _emit({"type": "refused", "frame": frame.label, "code": error.code, "message": str(error)})


class VisitEvents:
    """Tells a script who comes before which camera: one JSON object a line, and a summary at the end."""

    def __init__(self, work: Several) -> None:
        self._work = work
        self._display = VisitDisplay(work)

    def __enter__(self) -> "VisitEvents":
        return self

    def __exit__(self, *_: object) -> None:
        cameras = [{"name": name, **vars(self._work.counts(name))} for name in self._work.sightings]
        _emit({"type": "summary", "cameras": cameras})

    def told(self, event: Event) -> None:
        """Write who came; of trouble a person is told."""
        if event.visit is None:
            self._display.told(event)
            return
        _emit({"type": "visit", "camera": event.camera, "at": round(event.at, 3), **vars(event.visit)})


def _emit(event: Mapping[str, Any]) -> None:
    """Write one JSON object as a line to standard output; where it cannot write all letters, they are escaped."""
    narrow = not (sys.stdout.encoding or "utf-8").lower().startswith("utf")
    sys.stdout.write(json.dumps(event, ensure_ascii=narrow, separators=(",", ":")) + "\n")
    sys.stdout.flush()
