"""Cameras by RTSP: a real server, its restart, the network before it, and the clock of its stream."""

import threading
from collections.abc import Callable, Iterator
from contextlib import closing

import pytest

import rtsp
from cameras import number_of
from familiar_camera.cli import main
from familiar_camera.feeds import CaptureFeed, FeedLost, open_stream
from familiar_camera.live import Live
from familiar_camera.sources import open_source
from network import network
from rtsp import RtspCamera

from .conftest import FakeGateway, free_port
from .stalls import after_a_stall


@pytest.fixture
def rtsp_camera() -> Iterator[Callable[..., RtspCamera]]:
    """rtsp_camera(user, password): start one; it is stopped in the end."""
    if rtsp.python() is None:
        pytest.skip(rtsp.MISSING)
    started: list[RtspCamera] = []

    def start(*login: str) -> RtspCamera:
        started.append(RtspCamera(login))
        started[-1].start()
        return started[-1]

    yield start
    for each in started:
        each.stop()


def test_an_rtsp_camera_is_recognised_from(
    rtsp_camera: Callable[..., RtspCamera], gateway: FakeGateway, capfd: pytest.CaptureFixture[str]
) -> None:
    address = f"rtsp://ada:secret@127.0.0.1:{rtsp_camera('ada', 'secret').port}/door"
    assert main(["recognize", address, "--frames", "3", "--json", "--server", gateway.url]) == 0
    assert len(gateway.asked) == 3
    assert main(["recognize", address.replace("secret", "s3cret"), "--once", "--wait", "1"]) == 2
    said = capfd.readouterr()
    assert "rtsp://***@127.0.0.1" in said.err
    assert "secret" not in said.out + said.err and "s3cret" not in said.out + said.err


def test_an_rtsp_server_that_starts_anew_is_found_again(rtsp_camera: Callable[..., RtspCamera]) -> None:
    camera = rtsp_camera()
    source = open_source(f"rtsp://127.0.0.1:{camera.port}/door", 10.0)
    assert isinstance(source, Live)
    with closing(source.frames()) as frames:
        before = number_of(next(frames).picture)
        camera.stop()
        camera.start()
        while not source.counts.reopened:
            next(frames)
        assert number_of(next(frames).picture) > before


def test_an_rtsp_camera_behind_a_network_that_stalls_is_opened_again(rtsp_camera: Callable[..., RtspCamera]) -> None:
    with network(rtsp_camera().port) as between:
        address = f"rtsp://127.0.0.1:{between.port}/door"
        source = Live("it", lambda: open_stream(address), 10.0, stall_s=1.0)
        with closing(source.frames()) as frames:
            next(frames)
            between.stall()
            timer = threading.Timer(1.5, between.mend)
            timer.start()
            while not source.counts.reopened:
                next(frames)
            next(frames)
            timer.join()


def test_after_a_stall_no_frame_of_an_rtsp_camera_is_an_old_one(rtsp_camera: Callable[..., RtspCamera]) -> None:
    camera = rtsp_camera()
    with network(camera.port) as between:
        source = Live("it", lambda: open_stream(f"rtsp://127.0.0.1:{between.port}/door"), 10.0)
        after_a_stall(source, between, camera.now, camera.fps, lambda begin: begin())


@pytest.mark.parametrize("scheme", ["rtsp", "rtsps", "rtmp", "tcp"])
def test_a_camera_that_is_off_is_told_from_one_that_has_no_such_stream(scheme: str) -> None:
    with pytest.raises(FeedLost, match=r"it does not answer \(.*refused\)"):
        open_stream(f"{scheme}://ada:secret@127.0.0.1:{free_port()}/door")


class Capture:
    """What OpenCV gives of a stream whose clock says these seconds, one for each picture."""

    def __init__(self, *seconds: float) -> None:
        self._seconds = list(seconds)

    def get(self, _property: int) -> float:
        return 1000.0 * self._seconds.pop(0)


def test_how_late_a_picture_is_is_told_by_the_clock_of_its_stream() -> None:
    feed = CaptureFeed(Capture(0, 0.1, 0.2, 0.3, 0, 2.5), warms_up=False, queues=True)
    late = [feed.late_s(now) for now in (50.0, 50.1, 50.2, 52.3, 52.4, 52.5)]
    assert late[0] is None and late[1:] == pytest.approx([0, 0, 2.0, 2.1, 0], abs=0.01)
    assert CaptureFeed(Capture(), warms_up=True, queues=False).late_s(50.0) is None, "a device waits for nobody"
