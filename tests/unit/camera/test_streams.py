"""Cameras by http: streams of JPEGs and single pictures, the network before them, and that no frame is an old one."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from itertools import islice

import pytest

from cameras import HttpCamera, http_camera, number_of
from familiar_camera.backoff import Backoff
from familiar_camera.cli import main
from familiar_camera.errors import SourceError
from familiar_camera.http_feeds import open_http
from familiar_camera.live import Live
from familiar_camera.sources import open_source
from network import Network, network

from .conftest import FakeGateway, free_port
from .stalls import after_a_stall

DEADLINE_S = 30.0
FRESH_S = 5.0  # so long a busy machine may keep camera and client from their work
STYLES = ["lengths", "no lengths", "careless", "bare"]


@pytest.fixture
def camera() -> Iterator[HttpCamera]:
    with http_camera(HttpCamera()) as made:
        yield made


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
