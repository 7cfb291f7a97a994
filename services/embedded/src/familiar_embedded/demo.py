"""The demonstration behind ``make demo``: ``python -m familiar_embedded.demo``.

Against a running system, as the camera client would: two portraits are enrolled as simulated webcam sessions, and new
sessions of both (other movement, other light) must be named right. The second of them comes before the camera twice:
first as a stranger, when only the other one is enrolled, and must stay unknown. Running it again deletes her first, so
that she is a stranger once more.
"""

import argparse
import os
import sys
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from familiar_camera import enrolling, key
from familiar_camera.console import Waiting
from familiar_camera.displays import EnrollmentDisplay
from familiar_camera.errors import CameraError
from familiar_camera.recognizing import recognize
from familiar_camera.server import Answer, Server
from familiar_camera.sightings import Sightings
from familiar_camera.sources import Simulated, read_picture
from familiar_embedded.errors import EmbeddedError
from familiar_embedded.portraits import COLLINS, HOPPER, Portrait
from familiar_embedded.ready import DEFAULT_URL, wait_until_ready
from familiar_embedded.state import running

PROBES = 30
_CAPTURE_SEED, _PROBE_SEED = 1, 2
_READY_TIMEOUT_S = 30.0
_MOST = 0.9


@dataclass
class Tally:
    """What became of the frames of one person, who is ``person_id`` or, if that is None, a stranger."""

    portrait: Portrait
    person_id: str | None
    outcomes: Counter[str] = field(default_factory=Counter)

    def add(self, answer: Answer) -> None:
        """Count the answer for one frame."""
        self.outcomes[self._outcome(answer)] += 1

    def _outcome(self, answer: Answer) -> str:
        faces = answer["faces"]
        if any(face["person"] and face["person"]["id"] != self.person_id for face in faces):
            return "wrong"
        if any(face["person"] for face in faces):
            return "right"
        return "unknown" if any(face["status"] == "unknown" for face in faces) else "refused"

    @property
    def good(self) -> bool:
        """Whether nobody was taken for somebody else, and nearly every frame got the right answer.

        A frame may be refused as too bright or too blurred: with a camera the next one comes at once.
        """
        wanted = "unknown" if self.person_id is None else "right"
        return not self.outcomes["wrong"] and self.outcomes[wanted] >= _MOST * self.outcomes.total()


def demonstrate(server: Server, console: Console) -> bool:
    """Run the demonstration and print its table; tell whether all was right."""
    _make_stranger(server, HOPPER, console)
    collins = _enrolled(server, COLLINS, console)
    tallies = [_probed(server, COLLINS, collins, console), _probed(server, HOPPER, None, console)]
    hopper = _enrolled(server, HOPPER, console)
    tallies += [_probed(server, HOPPER, hopper, console), _probed(server, COLLINS, collins, console)]
    console.print(_table(tallies))
    return all(tally.good for tally in tallies)


def _make_stranger(server: Server, portrait: Portrait, console: Console) -> None:
    """Delete what earlier runs have enrolled of somebody."""
    for person in server.people():
        if person["name"] == portrait.name:
            console.print(f"forgetting {portrait.name}, whom an earlier run has enrolled")
            server.forget(person["id"])


def _probed(server: Server, portrait: Portrait, person_id: str | None, console: Console) -> Tally:
    """Show new frames of somebody and count the answers."""
    tally = Tally(portrait, person_id)
    console.print(f"recognising {portrait.name} in {PROBES} new frames ...")
    session = Simulated(read_picture(portrait.path), seed=_PROBE_SEED, frames=PROBES)
    for seen in recognize(server, session, Sightings()):
        tally.add(seen.answer)
    return tally


def _enrolled(server: Server, portrait: Portrait, console: Console) -> str:
    """Return the id of the person, after enrolling them if need be."""
    for person in server.people():
        if person["name"] == portrait.name and person["live"]:
            console.print(f"{portrait.name} is enrolled already")
            return str(person["id"])
    console.print(f"enrolling {portrait.name} ({portrait.origin}) as a simulated webcam session ...")
    session = Simulated(read_picture(portrait.path), seed=_CAPTURE_SEED, frames=enrolling.FRAMES)
    with EnrollmentDisplay(console, enrolling.FRAMES) as display:
        audience = _Stopwatch(display)
        # Somebody may have enrolled the same portrait under another name, or an earlier run was cut off.
        wish = enrolling.Wish(portrait.name, if_known=enrolling.ADD)
        enrollment = enrolling.enroll(server, session, wish, _nobody_asks, audience)
    took_s = time.monotonic() - audience.last_frame_at
    console.print(f"{portrait.name} is known {took_s:.1f} s after the last frame")
    return str(enrollment["person"]["id"])


class _Stopwatch:
    """Passes everything on to another audience and notes when the last frame was judged."""

    def __init__(self, audience: enrolling.Audience) -> None:
        self._audience = audience
        self.last_frame_at = time.monotonic()

    def captured(self, progress: enrolling.Progress) -> None:
        self.last_frame_at = time.monotonic()
        self._audience.captured(progress)

    def stage(self, enrollment: Answer) -> None:
        self._audience.stage(enrollment)


def _nobody_asks(question: str, _answers: Mapping[str, str]) -> str:
    raise EmbeddedError(f"the demonstration cannot answer: {question}")


def _table(tallies: list[Tally]) -> Table:
    shown = Table(title="New frames, in the order they were shown", box=SIMPLE_HEAD)
    shown.add_column("who", no_wrap=True)
    shown.add_column("enrolled", no_wrap=True)
    for heading in ("frames", "right", "unknown", "wrong", "refused"):
        shown.add_column(heading, justify="right")
    shown.add_column("good")
    for tally in tallies:
        counts = (tally.outcomes[name] for name in ("right", "unknown", "wrong", "refused"))
        enrolled = "no" if tally.person_id is None else "yes"
        cells = [tally.portrait.name, enrolled, tally.outcomes.total(), *counts, "yes" if tally.good else "NO"]
        shown.add_row(*map(str, cells))
    return shown


def main(arguments: list[str] | None = None) -> int:
    """Run the demonstration; the exit status tells whether all was right."""
    parser = argparse.ArgumentParser(prog="python -m familiar_embedded.demo", description=__doc__)
    parser.add_argument(
        "--server", metavar="URL", help="the gateway (default: FAMILIAR_SERVER, else the one that runs)"
    )
    parser.add_argument(
        "--ca",
        type=Path,
        metavar="FILE",
        help="the root certificate to believe for https (default: FAMILIAR_CA, else its)",
    )
    key.add_options(parser)
    options = parser.parse_args(arguments)
    state = Path(os.environ.get("FAMILIAR_STATE") or "state")
    url = options.server or os.environ.get("FAMILIAR_SERVER") or running(state).get("url") or DEFAULT_URL
    believed = options.ca or os.environ.get("FAMILIAR_CA") or running(state).get("ca")
    ca = Path(believed) if believed else None
    console = Console(highlight=False)
    try:
        server = Server(url, key=key.chosen(options), on_wait=Waiting(console), ca=ca)
        wait_until_ready(server.url, _READY_TIMEOUT_S, ca)
        return 0 if demonstrate(server, console) else 1
    except (EmbeddedError, CameraError) as exc:
        hint = (
            f"\nStart Familiar in another terminal: make run (looked at {url})" if "does not answer" in str(exc) else ""
        )
        console.print(f"demo: {exc}{hint}", style="red", markup=False)
        return exc.exit_status


if __name__ == "__main__":
    sys.exit(main())
