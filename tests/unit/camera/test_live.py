"""Cameras that are alive: webcams, streams and snapshots, their faults, and that no frame is an old one."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from itertools import islice
from pathlib import Path

import cv2
import numpy as np
import pytest

import rtsp
from cameras import HttpCamera, http_camera, number_of, numbered
from familiar_camera import live
from familiar_camera.backoff import Backoff
from familiar_camera.cli import main
from familiar_camera.errors import SourceError
from familiar_camera.feeds import CaptureFeed, Feed, FeedLost, open_device, open_stream
from familiar_camera.frame import Picture
from familiar_camera.http_feeds import boundary_of, open_http, parts
from familiar_camera.live import Live
from familiar_camera.sources import open_source
from network import Network, network
from rtsp import RtspCamera

from .conftest import FakeGateway
from .drivers import FakeDriver

DEADLINE_S = 30.0
FRESH_S = 5.0  # so long a busy machine may keep camera and client from their work
Stall = Callable[[Callable[[], None]], None]
STYLES = ["lengths", "no lengths", "careless", "bare"]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def driver(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeDriver]:
    """A driver in the place of OpenCV's."""
    made = FakeDriver()
    monkeypatch.setattr(cv2, "VideoCapture", made)
    yield made
    made.unhang.set()


@pytest.fixture
def camera() -> Iterator[HttpCamera]:
    with http_camera(HttpCamera()) as made:
        yield made


# ---- which sources are cameras -------------------------------------------------------------------------


def test_links_and_devices_of_any_name_are_cameras(driver: FakeDriver, tmp_path: Path) -> None:
    link = tmp_path / "front-door"
    link.symlink_to("/dev/zero")  # as good a character device as any: the driver is ours
    further = tmp_path / "by-id"
    further.symlink_to(link)
    for text, opened in (
        ("0", 0), ("/dev/video7", "/dev/video7"), (str(link), "/dev/zero"), (str(further), "/dev/zero"),
        ("/dev/zero", "/dev/zero"), ("/dev/v4l/by-id/usb-nobody-index0", "/dev/v4l/by-id/usb-nobody-index0"),
    ):  # fmt: skip
        source = open_source(text)
        assert isinstance(source, Live) and source.live and source.total is None
        assert driver.openings[-1] == opened


def test_a_link_to_a_film_is_a_film(tmp_path: Path) -> None:
    film = tmp_path / "film.avi"
    writer = cv2.VideoWriter(str(film), cv2.VideoWriter.fourcc(*"MJPG"), 20.0, (96, 64))
    writer.write(numbered(1))
    writer.release()
    (tmp_path / "link").symlink_to(film)
    assert not open_source(str(tmp_path / "link")).live


def test_a_link_is_followed_anew_whenever_the_camera_is_opened(driver: FakeDriver, tmp_path: Path) -> None:
    link = tmp_path / "camera"
    link.symlink_to("/dev/zero")
    driver.fails_at = 40
    with closing(open_source(str(link), 100.0).frames()) as frames:
        next(frames)
        link.unlink()
        link.symlink_to("/dev/null")
        while len(driver.openings) < 2:
            next(frames)
    assert driver.openings == ["/dev/zero", "/dev/null"]


@pytest.mark.parametrize(
    "text,sentence",
    [
        ("ftp://camera/door", r"addresses of cameras begin with http, .*rtsp"),
        ("foo://ada:secret@camera/door", r"foo://\*\*\*@camera/door: addresses of cameras begin with"),
    ],
)
def test_an_address_of_another_kind_is_refused(text: str, sentence: str) -> None:
    with pytest.raises(SourceError, match=sentence):
        open_source(text)


# ---- the first picture ---------------------------------------------------------------------------------


@pytest.mark.parametrize("dark", [0, 4, 8])
@pytest.mark.parametrize("frames", [6, 12, 30, 60])
def test_the_first_frame_has_the_brightness_that_the_camera_settles_at(
    driver: FakeDriver, dark: int, frames: int
) -> None:
    driver.picture = lambda number: np.full((48, 64, 3), 180 * np.clip((number - dark) / frames, 0, 1), np.uint8)
    with closing(open_source("0").frames()) as given:
        assert next(given).picture.mean() >= 90


def test_a_camera_in_the_dark_and_one_that_flickers_give_frames_all_the_same(driver: FakeDriver) -> None:
    for picture in (lambda _: np.zeros((48, 64, 3), np.uint8), lambda n: np.full((48, 64, 3), 99 * (n % 2), np.uint8)):
        driver.picture = picture
        with closing(open_source("0").frames()) as given:
            assert next(given).picture.shape == (48, 64, 3)


def test_once_hands_the_settled_picture_on(driver: FakeDriver, gateway: FakeGateway) -> None:
    driver.picture = lambda number: np.full((48, 64, 3), 180 * min(1.0, number / 12), np.uint8)
    assert main(["recognize", "0", "--once", "--server", gateway.url]) == 0
    ((_, _, jpeg),) = gateway.asked
    assert cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR).mean() >= 90


# ---- faults of a driver --------------------------------------------------------------------------------


def test_a_webcam_that_fails_is_opened_again_within_the_patience(driver: FakeDriver) -> None:
    waits: list[str] = []
    source = open_source("0", 100.0, Backoff(patience_s=30.0), lambda why, _wait_s: waits.append(why))
    driver.fails_at, driver.refuse = 50, 3  # as it goes, and for some time after it
    driver.refuse = 0
    with closing(source.frames()) as frames:
        next(frames)
        driver.refuse = 2
        while driver.released < 3:
            next(frames)
        next(frames)
    assert isinstance(source, Live) and source.counts.reopened == 3 == len(driver.openings) - 1
    assert waits[0] == "the camera at 0: it gives no pictures any more" and "another program" in waits[1]


def test_a_webcam_that_is_gone_for_good_ends_with_a_sentence(driver: FakeDriver) -> None:
    source = open_source("/dev/video0", 100.0, Backoff(patience_s=0.5))
    driver.fails_at = 30
    with pytest.raises(SourceError, match="the camera at /dev/video0 gives no pictures any more"):
        for number, _ in enumerate(source.frames()):
            if number == 1:
                driver.refuse = 10**6
    assert len(driver.openings) > 2


def test_whoever_waits_for_ever_waits_for_a_webcam_that_is_not_there_yet(driver: FakeDriver) -> None:
    driver.refuse = 3
    with closing(open_source("0", 100.0, Backoff(patience_s=float("inf"))).frames()) as frames:
        next(frames)
    assert len(driver.openings) == 4


def feed_of(driver: FakeDriver) -> Callable[[], Feed]:
    return lambda: open_device("0")


def test_a_driver_that_does_not_return_is_left_and_another_connection_made(driver: FakeDriver) -> None:
    driver.hangs_at = 30
    source = Live("the camera", feed_of(driver), 100.0, stall_s=0.3)
    with closing(source.frames()) as frames:
        while len(driver.openings) < 2:
            next(frames)
        next(frames)
    assert source.counts.reopened == 1


def test_of_drivers_that_do_not_return_there_are_few_at_a_time(
    driver: FakeDriver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "_FIRST_PICTURE_S", 0.05)
    opened: list[int] = []

    class Hanging:
        warms_up = queues = on_demand = False

        def late_s(self, _now: float) -> None:
            return None

        def grab(self) -> None:
            if len(opened) > 1:
                driver.unhang.wait()

        def picture(self) -> Picture:
            return numbered(0)

        def close(self) -> None:
            pass

    def open_one() -> Hanging:
        opened.append(len(opened))
        return Hanging()

    source = Live("it", open_one, 1000.0, patience=Backoff(patience_s=4.0), stall_s=0.05)
    with pytest.raises(SourceError, match="any more"):
        for number, _ in enumerate(source.frames()):
            if number == 0:
                opened.append(0)
    assert len(opened) < 8


def test_frames_come_as_often_as_asked_for_and_others_are_counted(driver: FakeDriver) -> None:
    source = open_source("0", 20.0)
    assert isinstance(source, Live)
    begun = time.monotonic()
    with closing(source.frames()) as frames:
        numbers = [number_of(frame.picture) for frame in islice(frames, 10)]
    assert numbers == sorted(set(numbers))
    assert time.monotonic() - begun >= 9 / 20
    counts = source.counts
    assert counts.sent == 10 and counts.seen == counts.sent + counts.dropped and counts.dropped > 10


def test_after_a_long_wait_the_newest_frame_comes(driver: FakeDriver) -> None:
    with closing(open_source("0", 1000.0).frames()) as frames:
        before = number_of(next(frames).picture)
        time.sleep(0.5)  # the server took that long
        assert number_of(next(frames).picture) >= before + 20


# ---- streams and snapshots -----------------------------------------------------------------------------


@pytest.mark.parametrize("style", STYLES)
def test_a_stream_of_jpegs_gives_its_frames_fresh(camera: HttpCamera, style: str) -> None:
    camera.style = style
    source = open_source(f"{camera.url}/video.mjpg", 20.0)
    with closing(source.frames()) as frames:
        given = [(number_of(frame.picture), camera.age_s(frame.picture)) for frame in islice(frames, 10)]
    assert [number for number, _ in given] == sorted({number for number, _ in given})
    assert max(age for _, age in given) < FRESH_S
    assert isinstance(source, Live) and source.live and source.counts.sent == 10


def test_an_address_of_single_pictures_is_asked_again_and_again_but_not_more_often(camera: HttpCamera) -> None:
    begun = time.monotonic()
    with closing(open_source(f"{camera.url}/snapshot.jpg", 5.0).frames()) as frames:
        ages = [camera.age_s(frame.picture) for frame in islice(frames, 4)]
    assert time.monotonic() - begun >= 3 / 5
    assert max(ages) < FRESH_S and 4 <= len(camera.asked) <= 5


@pytest.mark.parametrize("path", ["/video.mjpg", "/snapshot.jpg"])
@pytest.mark.parametrize("scheme", ["basic", "digest"])
def test_user_and_password_are_shown_and_never_told(
    camera: HttpCamera, gateway: FakeGateway, capsys: pytest.CaptureFixture[str], path: str, scheme: str
) -> None:
    camera.login, camera.scheme = ("ada", "p@ss/w:rd"), scheme
    address = camera.url.replace("http://", "http://ada:p%40ss%2Fw%3Ard@") + path
    assert main(["recognize", address, "--frames", "2", "--server", gateway.url]) == 0
    assert len(gateway.asked) == 2
    wrong = ["recognize", address.replace("ada", "eve"), "--once", "--wait", "1", "--server", gateway.url]
    assert main(wrong) == 2
    said = capsys.readouterr()
    assert "***@127.0.0.1" in said.err and "user or password" in said.err
    assert not any(word in said.out + said.err for word in ("p%40ss", "p@ss", "ada:", "eve"))


@pytest.mark.parametrize(
    "address,sentence",
    [
        ("/page?user=ada&password=secret", "gives text/html and no pictures"),
        ("/nothing?token=secret", "nothing at this path"),
        ("/busy?pwd=secret", "it answers 503"),
    ],
)
def test_what_gives_no_pictures_is_told_so(
    camera: HttpCamera, gateway: FakeGateway, capsys: pytest.CaptureFixture[str], address: str, sentence: str
) -> None:
    assert main(["recognize", camera.url + address, "--once", "--wait", "0.5", "--server", gateway.url]) == 2
    said = capsys.readouterr().err
    assert sentence in said and "secret" not in said and "=***" in said


def test_a_camera_that_is_not_on_yet_is_waited_for(gateway: FakeGateway) -> None:
    camera = HttpCamera(port=free_port())
    done: list[int] = []
    arguments = ["recognize", f"{camera.url}/video.mjpg", "--once", "--server", gateway.url]
    client = threading.Thread(target=lambda: done.append(main(arguments)))
    client.start()
    time.sleep(0.5)
    with http_camera(camera):
        client.join(DEADLINE_S)
    assert done == [0] and len(gateway.asked) == 1


def test_somebody_is_enrolled_from_a_stream(
    camera: HttpCamera, gateway: FakeGateway, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["enroll", f"{camera.url}/video.mjpg", "--name", "Ada", "--frames", "5", "--rotate", "90"]
    assert main([*arguments, "--server", gateway.url]) == 0
    assert "Ada is known now" in capsys.readouterr().out
    assert gateway.paths().count("POST /v1/enrollments/e1/frames") == 5  # one at a time, so that the advice fits


@pytest.fixture
def between(camera: HttpCamera) -> Iterator[Network]:
    with network(camera.port) as made:
        yield made


def stream_through(between: Network, stall_s: float = 10.0) -> Live:
    address = f"http://127.0.0.1:{between.port}/video.mjpg"
    return Live("the camera", lambda: open_http(address, 0.1), 20.0, stall_s=stall_s)


@pytest.mark.parametrize("away_s", [0.0, 1.0, 3.0])
def test_a_stream_that_was_cut_gives_fresh_frames_soon_after_its_return(
    camera: HttpCamera, between: Network, away_s: float
) -> None:
    with closing(stream_through(between).frames()) as frames:
        next(frames)
        before = camera.now()
        between.cut()
        mended: list[float] = []

        def mend() -> None:
            mended.append(time.monotonic())
            between.mend()

        timer = threading.Timer(away_s, mend)
        timer.start()
        while not mended:
            next(frames)
        frame = next(frames)
        timer.join()
    assert time.monotonic() - mended[0] < FRESH_S
    assert number_of(frame.picture) >= before + away_s * camera.fps - 1, "none of before"


def after_a_stall(source: Live, between: Network, now: Callable[[], int], a_second: int, stall: Stall) -> None:
    """Stall the network for four seconds, and hold the frames after it to be none of those that waited."""
    ends: list[int] = []

    def mend() -> None:
        ends.append(now())
        between.mend()

    timer = threading.Timer(4.0, mend)

    def begin() -> None:
        between.stall()
        timer.start()

    with closing(source.frames()) as frames:
        for _ in range(10):
            next(frames)
        stall(begin)
        given: list[int] = []
        while len(given) < 20:
            number = number_of(next(frames).picture)
            given += [number] if ends else []
        timer.join()
    assert min(given) > ends[0] - 2 * a_second, "one that waited"


@pytest.mark.parametrize("stall_s", [10.0, 0.7], ids=["when it goes on", "while it lasts"])
def test_after_a_stall_no_frame_of_a_stream_is_an_old_one(camera: HttpCamera, between: Network, stall_s: float) -> None:
    source = stream_through(between, stall_s)
    after_a_stall(source, between, camera.now, int(camera.fps), lambda begin: begin())
    assert source.counts.reopened > 0


def test_after_a_stall_no_single_picture_is_an_old_one(camera: HttpCamera, between: Network) -> None:
    source = Live("the camera", lambda: open_http(f"http://127.0.0.1:{between.port}/snapshot.jpg", 0.1), 10.0)

    def when_one_was_taken(begin: Callable[[], None]) -> None:
        def once() -> None:
            camera.before_answer = lambda: None
            begin()

        camera.before_answer = once

    after_a_stall(source, between, camera.now, int(camera.fps), when_one_was_taken)
    assert source.counts.reopened == 0, "the one that waited was passed over"


def test_a_camera_that_takes_its_time_for_each_picture_is_believed(camera: HttpCamera) -> None:
    camera.before_answer = lambda: time.sleep(1.5)
    source = Live("the camera", lambda: open_http(f"{camera.url}/snapshot.jpg", 0.1), 10.0)
    with closing(source.frames()) as frames:
        list(islice(frames, 2))
    assert source.counts.reopened == 0


def test_a_stream_that_falls_silent_is_noticed() -> None:
    with http_camera(HttpCamera(hangs_after=5)) as camera:
        source = Live("the camera", lambda: open_http(f"{camera.url}/video.mjpg", 0.1), 100.0, stall_s=0.5)
        with closing(source.frames()) as frames:
            while source.counts.reopened < 2:
                next(frames)


def test_a_stream_whose_end_comes_is_opened_again(camera: HttpCamera) -> None:
    with http_camera(HttpCamera()) as other:
        source = Live("it", lambda: open_http(f"{other.url}/video.mjpg", 0.1), 20.0, patience=Backoff(patience_s=1.0))
        frames = source.frames()
        next(frames)
    with pytest.raises(SourceError, match="it gives no pictures any more"):
        list(islice(frames, 1000))


# ---- RTSP ----------------------------------------------------------------------------------------------


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


# ---- parts ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "declared,boundary",
    [
        ("multipart/x-mixed-replace; boundary=frame", b"frame"),
        ('multipart/x-mixed-replace;boundary="--my frame"', b"my frame"),
        ("multipart/x-mixed-replace; Boundary=--myboundary; charset=x", b"myboundary"),
        ("multipart/x-mixed-replace", b""),
    ],
)
def test_the_boundary_is_read_however_it_is_declared(declared: str, boundary: bytes) -> None:
    assert boundary_of(declared) == boundary


@pytest.mark.parametrize("size", [1, 3, 7, 100, 10_000])
@pytest.mark.parametrize("lengths", [True, False])
def test_parts_are_told_apart_whatever_comes_at_once(size: int, lengths: bool) -> None:
    pictures = [b"\xff\xd8 one \xff\xd9", b"\xff\xd8\r\n\r\n two --f \xff\xd9", bytes(5000)]
    head = b"Content-Type: image/jpeg\r\nX-Other: 1\r\n"
    stream = b"a preface\r\n" + b"".join(
        b"--f\r\n" + head + (b"Content-Length: %d\r\n" % len(each) if lengths else b"") + b"\r\n" + each + b"\r\n"
        for each in pictures
    )
    chunks = (stream[at : at + size] for at in range(0, len(stream), size))
    # What no boundary follows is not whole, unless it says how long it is.
    assert list(parts(chunks, b"f")) == (pictures if lengths else pictures[:2])


def test_a_stream_without_an_end_that_is_none_of_jpegs_is_given_up() -> None:
    with pytest.raises(FeedLost):
        next(parts((bytes(1_000_000) for _ in range(10**6)), b"frame"))
    with pytest.raises(FeedLost, match="too large"):
        next(parts(iter([b"--f\r\nContent-Length: 999999999\r\n\r\n"]), b"f"))


def test_pauses_between_tries_stay_short_enough_to_be_back_in_time() -> None:
    assert live.FIRST_WAIT_S < live.LONGEST_WAIT_S <= 1.0
