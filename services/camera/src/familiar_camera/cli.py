"""The command line: ``familiar-camera recognize``, ``enroll``, ``watch`` and ``photos``."""

import argparse
import logging
import math
import os
import sys
from pathlib import Path
from typing import NoReturn

from familiar_camera import console, displays, enrolling, key, lines, photos, several
from familiar_camera.address import masked
from familiar_camera.backoff import Backoff
from familiar_camera.errors import CameraError
from familiar_camera.live import OnWait
from familiar_camera.recognizing import recognize
from familiar_camera.server import Server
from familiar_camera.sightings import Sightings
from familiar_camera.sources import DEFAULT_FPS, DEFAULT_SNAPSHOTS_FPS, open_source
from familiar_camera.view import TURNS, WHOLE, Region, View

DEFAULT_SERVER = "http://127.0.0.1:8080"
_INTERRUPTED = 130


def main(arguments: list[str] | None = None) -> int:
    """Run a command; the exit status is listed in ``errors``, 130 after Ctrl-C before anything was done."""
    console.bear_any_letter()
    options = _parser().parse_args(arguments)
    logging.basicConfig(format="%(message)s", level=logging.WARNING)
    logging.getLogger("httpx").setLevel(logging.WARNING)
    try:
        return int(options.command(options))
    except CameraError as exc:
        console.remarks().print(f"familiar-camera: {exc}", style="red", markup=False, soft_wrap=True)
        return exc.exit_status
    except KeyboardInterrupt:
        return _INTERRUPTED
    except BrokenPipeError:  # whoever read our results has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def _recognize(options: argparse.Namespace) -> int:
    source = _source(options)
    sightings, counts = Sightings(), source.counts
    show: lines.RecognitionEvents | displays.RecognitionDisplay = (
        lines.RecognitionEvents(sightings, counts) if options.json else displays.RecognitionDisplay(sightings, counts)
    )
    remarks = console.remarks()

    def hint(degrees: int) -> None:
        text = displays.turn_hint((options.rotate + degrees) % 360)
        remarks.print(text, style="yellow", soft_wrap=True)

    with show:
        try:
            frames = 1 if options.once else options.frames
            for seen in recognize(
                _server(options), source, sightings, frames=frames, on_refused=show.refused,
                on_turned=hint,
            ):  # fmt: skip
                show.seen(seen)
        except KeyboardInterrupt:  # the usual way to end
            if not sightings.frames:
                raise
    return 1 if sightings.refused and not sightings.frames else 0


def _enroll(options: argparse.Namespace) -> int:
    source = _source(options)
    wish = enrolling.Wish(options.name, options.person_id, options.frames, options.if_known, options.if_not_alike)
    remarks = console.remarks()
    server = _server(options)
    if options.json:
        enrolling.enroll(server, source, wish, console.ask_a_person, lines.EnrollmentEvents())
        return 0
    with displays.EnrollmentDisplay(remarks, wish.frames) as display:
        enrollment = enrolling.enroll(server, source, wish, console.ask_a_person, display)
    name = (enrollment.get("person") or {}).get("name", options.name)
    console.results().print(f"{name} is known now (head version {enrollment.get('head_version')})", markup=False)
    return 0


def _watch(options: argparse.Namespace) -> int:
    cameras = several.read(options.file)

    def server(camera: str, on_wait: OnWait) -> Server:
        shown, patience = key.chosen(options), Backoff(patience_s=options.wait)
        return Server(options.server, patience, key=shown, camera=camera, on_wait=on_wait, ca=options.ca)

    work = several.Several(cameras, server, options.wait)
    ended: list[CameraError] = []
    with lines.VisitEvents(work) if options.json else displays.VisitDisplay(work) as show:
        try:
            for event in work.events():
                show.told(event)
                ended += [event.ended] if event.ended else []
        except KeyboardInterrupt:  # the usual way to end
            return 0
    return ended[0].exit_status if len(ended) == len(cameras) else 0


def _source(options: argparse.Namespace) -> View:
    waiting = console.Waiting(console.remarks())
    source = open_source(options.source, options.fps, Backoff(patience_s=options.wait), waiting, options.trust)
    return View(source, options.rotate, options.region)


def _photos(options: argparse.Namespace) -> int:
    server = _server(options)
    show = lines.SortingEvents() if options.json else displays.SortingDisplay(console.remarks())
    with show:
        job, found = photos.sort(server, options.folder, show, job_id=options.job)
    unpacked = photos.unpack(server.photo_results(job["id"]), options.folder) if options.results else None
    show.done(job, found, unpacked)
    return 0


def _server(options: argparse.Namespace) -> Server:
    waiting = console.Waiting(console.remarks())
    shown = key.chosen(options)
    patience = Backoff(patience_s=options.wait)
    camera = getattr(options, "camera", None)
    return Server(options.server, patience, key=shown, camera=camera, on_wait=waiting, ca=options.ca)


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="familiar-camera",
        description="Enrol people and recognise them, from a webcam, a video or pictures; sort photos by people.",
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    common = argparse.ArgumentParser(add_help=False, parents=[_server_options(wait_s=30.0)])
    common.add_argument(
        "source",
        nargs="?",
        default="/dev/video0",
        metavar="SOURCE",
        help="webcam (its number, /dev/video... or /dev/v4l/...), address of a stream or a snapshot (rtsp://, http://, "
        "with USER:PASSWORD@ if need be), video file, folder of pictures, picture, or simulate:PORTRAIT[#SEED] "
        "(default: %(default)s)",
    )
    common.add_argument(
        "--trust",
        metavar="FILE|sha256:HEX",
        help="whom to believe to be the camera by https, rtsps or rtmps: those with a certificate below one in a file, "
        "or the one certificate that has this fingerprint (default: those this machine trusts)",
    )
    common.add_argument(
        "--rotate",
        type=int,
        choices=(0, *TURNS),
        default=0,
        help="turn each frame clockwise by so many degrees, for a camera that is mounted on its side (default: 0)",
    )
    common.add_argument(
        "--region",
        type=_region,
        default=WHOLE,
        metavar="L,T,R,B",
        help="send only this part of each (turned) frame: left, top, right, bottom as shares of it, as 0.25,0,0.75,1",
    )
    common.add_argument(
        "--fps",
        type=_positive,
        metavar="N",
        help=f"frames taken of each second of a camera (default: {DEFAULT_FPS:g}; of single pictures "
        f"{DEFAULT_SNAPSHOTS_FPS:g}) or a video (default: all)",
    )

    seeing = commands.add_parser("recognize", parents=[common], help="say who is there")
    seeing.add_argument("--once", action="store_true", help="one frame only")
    seeing.add_argument("--frames", type=_whole, metavar="N", help="stop after this many frames")
    seeing.add_argument(
        "--camera",
        default=os.environ.get("FAMILIAR_CAMERA") or None,
        metavar="NAME",
        help="what this camera is called (default: FAMILIAR_CAMERA, else the one that the key is bound to)",
    )
    seeing.set_defaults(command=_recognize)

    patient = _server_options(wait_s=math.inf)
    watching = commands.add_parser("watch", parents=[patient], help="say who comes before several cameras")
    watching.add_argument("file", type=Path, metavar="FILE", help="a YAML file that names the cameras")
    watching.set_defaults(command=_watch)

    learning = commands.add_parser("enroll", parents=[common], help="learn a face")
    who = learning.add_mutually_exclusive_group(required=True)
    who.add_argument("--name", help="what to call the person")
    who.add_argument("--person-id", metavar="ID", help="more frames of somebody already enrolled")
    learning.add_argument(
        "--frames", type=_whole, default=enrolling.FRAMES, metavar="N", help="usable frames (default: %(default)s)"
    )
    learning.add_argument(
        "--if-known",
        choices=(enrolling.ASK, enrolling.ADD, enrolling.NEW),
        default=enrolling.ASK,
        help="the name or the face is enrolled already: ask, add to that person, or make a new one (default: ask)",
    )
    learning.add_argument(
        "--if-not-alike",
        choices=(enrolling.ASK, enrolling.TAKE, enrolling.LEAVE_OUT),
        default=enrolling.ASK,
        help="pictures do not show the same person as the others: ask, take them, or leave them out (default: ask)",
    )
    learning.set_defaults(command=_enroll)

    sorting = commands.add_parser(
        "photos", parents=[_server_options(wait_s=30.0)], help="sort a folder of photos by who is on them"
    )
    sorting.add_argument("folder", type=Path, metavar="FOLDER", help="the pictures in it and below it are sent")
    sorting.add_argument("--job", metavar="ID", help="go on with this job")
    sorting.add_argument(
        "--results", action="store_true", help="unpack links by person, XMP sidecars and a table into the folder"
    )
    sorting.set_defaults(command=_photos)
    return parser


class _Parser(argparse.ArgumentParser):
    """Tells what is wrong without the passwords of addresses that stand where they should not."""

    def error(self, message: str) -> NoReturn:
        super().error(masked(message))


def _server_options(wait_s: float) -> argparse.ArgumentParser:
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument(
        "--server",
        default=os.environ.get("FAMILIAR_SERVER") or DEFAULT_SERVER,
        metavar="URL",
        help="the gateway (default: FAMILIAR_SERVER, else %(default)s)",
    )
    key.add_options(shared)
    shared.add_argument(
        "--ca",
        type=Path,
        default=os.environ.get("FAMILIAR_CA") or None,
        metavar="FILE",
        help="the root certificate to believe for https (default: FAMILIAR_CA, else those this machine trusts)",
    )
    shared.add_argument(
        "--wait",
        type=_seconds,
        default=wait_s,
        metavar="S",
        help="how long to wait for a server or a camera that is away, in seconds; inf: for ever (default: %(default)g)",
    )
    shared.add_argument("--json", action="store_true", help="write one JSON object a line and nothing else")
    return shared


def _positive(text: str) -> float:
    value = float(text)
    if not 0 < value < math.inf:
        raise argparse.ArgumentTypeError(f"a number above 0 expected, not {text}")
    return value


def _region(text: str) -> Region:
    try:
        return Region.of_shares([float(each) for each in text.split(",")])
    except ValueError as exc:
        raise argparse.ArgumentTypeError(str(exc)) from exc


def _seconds(text: str) -> float:
    value = float(text)
    if not value >= 0:
        raise argparse.ArgumentTypeError(f"0 or more seconds expected, not {text}")
    return value


def _whole(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"1 or more expected, not {text}")
    return value
