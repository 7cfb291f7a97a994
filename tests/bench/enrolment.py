"""Enrolment: 150 frames of a webcam through the camera client's own code, and the time until the person is known."""

import time
from collections.abc import Sequence

import portraits
from bench import pictures
from bench.figures import Figures, percentile
from familiar_camera import enrolling
from familiar_camera.live import Live
from familiar_camera.server import Server
from familiar_camera.sources import DEFAULT_FPS
from system import System, wait_until

_MORE_THAN_ENOUGH = 220
_CAMERA_FPS = 30.0
_UNLIMITED_FPS = 1000.0


def at_webcam_pace(system: System, number: int) -> Figures:
    """Enrol somebody before a camera of 30 frames a second, of which the client takes as many as it does by default."""
    return _enrol(system, number, DEFAULT_FPS, _CAMERA_FPS)


def at_full_speed(system: System, number: int) -> Figures:
    """Enrol somebody before a camera that always has the next frame: as fast as the system takes them."""
    return _enrol(system, number, _UNLIMITED_FPS, None)


class _Camera:
    """The connection to a camera that is none: it shows the next frame whenever one is taken out of it."""

    warms_up = False
    queues = False

    def __init__(self, frames: Sequence[pictures.Picture], fps: float | None) -> None:
        self._frames = iter(frames)
        self._interval_s = 1 / fps if fps else 0.0
        self.on_demand = fps is None
        self._due = 0.0
        self.retrieved_at: list[float] = []

    def grab(self) -> None:
        """Wait for the moment at which the camera has its next frame; those that nobody waited for are gone."""
        now = time.perf_counter()
        self._due = max(self._due + self._interval_s, now)
        time.sleep(self._due - now)

    def picture(self) -> pictures.Picture | None:
        self.retrieved_at.append(time.perf_counter())
        return next(self._frames, None)

    def close(self) -> None: ...


class _Watch:
    """Notes when each frame was answered."""

    def __init__(self) -> None:
        self.answered_at: list[float] = []
        self.last: enrolling.Progress | None = None

    def captured(self, progress: enrolling.Progress) -> None:
        self.answered_at.append(time.perf_counter())
        self.last = progress

    def stage(self, _enrollment: object) -> None: ...


def _enrol(system: System, number: int, taken_fps: float, camera_fps: float | None) -> Figures:
    name = portraits.NAMES[number % len(portraits.NAMES)]
    _forget(system, name)
    frames = pictures.moving(name, 100 + number, _MORE_THAN_ENOUGH)
    probe = pictures.session(name, 200 + number, 1)[0]
    camera, watch, client = _Camera(frames, camera_fps), _Watch(), system.client()
    source = Live("the camera", lambda: camera, taken_fps)
    wish = enrolling.Wish(name, if_known=enrolling.NEW, if_not_alike=enrolling.TAKE)
    server = Server(system.url)
    enrolling.enroll(server, source, wish, lambda *_: enrolling.NEW, watch)
    live = time.perf_counter()
    wait_until(lambda: client.name_of(probe) == name, 60, f"{name} is recognised")
    server.close()
    sent = len(watch.answered_at)
    last = camera.retrieved_at[-1]
    assert watch.last is not None
    took_ms = [1000 * (end - start) for start, end in zip(camera.retrieved_at, watch.answered_at, strict=True)]
    return {
        "frames_sent": sent,
        "usable": watch.last.usable,
        "samples_kept": watch.last.accepted,
        "one_frame_p50_ms": percentile(took_ms, 50),
        "capture_s": round(watch.answered_at[-1] - camera.retrieved_at[0], 1),
        "last_frame_to_live_s": round(live - last, 2),
        "last_frame_to_recognised_s": round(time.perf_counter() - last, 2),
    }


def _forget(system: System, name: str) -> None:
    client = system.client()
    for person in client.call("GET", "/v1/people", params={"limit": 1000})["people"]:
        if person["name"] == name:
            job = client.call("DELETE", f"/v1/people/{person['id']}", 202)["job"]["id"]
            wait_until(lambda each=job: client.call("GET", f"/v1/jobs/{each}")["status"] == "live", 60, "they are gone")
