"""Uploads that cost much, or that upset a decoder: bounded, a verdict for each frame, all or nothing."""

import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from gateway_world import World, archive, files
from sqlalchemy import func, select

import films
from familiar.records.schema import Enrollment, Person, Sample
from familiar.seeing import SlowLane, decode
from familiar_gateway.enrolling import capture
from fuzz.costly import REFUSED
from fuzz.parts import png

UNFORESEEN = ["jpeg cut between header and scan", "jpeg cut within a length", "png IDAT of 4 GB before its end"]
JPEG = {"Content-Type": "image/jpeg"}


def rows(world: World) -> list[int]:
    with world.database.read() as session:
        return [session.scalar(select(func.count()).select_from(each)) or 0 for each in (Person, Enrollment, Sample)]


def opened(world: World) -> str:
    return f"/v1/enrollments/{world.client.post('/v1/enrollments', json={'name': 'Eileen Collins'}).json['id']}"


def enroll(world: World, pictures: list[bytes]) -> Any:
    return world.client.post("/v1/enroll", data={"name": "Eileen Collins", "frames": files(pictures)})


@pytest.mark.parametrize("name", UNFORESEEN)
def test_a_frame_that_upsets_a_decoder_gets_a_verdict_beside_the_others(world: World, collins_frames, name: str):
    batch = [collins_frames[0], REFUSED[name](), collins_frames[1]]
    where = opened(world)
    for _ in range(2):
        answer = world.client.post(f"{where}/frames", data={"frames": files(batch)})
        assert answer.status_code == 200, answer.text
        assert [each["reasons"] for each in answer.json["frames"]] == [[], ["invalid_image"], []]


@pytest.mark.parametrize("cut", [103, 319, 2, 3, 20, 160, 163, 600])
def test_a_real_picture_cut_anywhere_gets_a_verdict(world: World, collins_frames, cut: int):
    answer = enroll(world, [*collins_frames[:6], collins_frames[6][:cut]])
    assert answer.status_code == 202 and answer.json["rejected"] == [{"index": 6, "reasons": ["invalid_image"]}]


@pytest.mark.parametrize("after", [3, 10])
def test_a_defect_in_the_middle_of_an_upload_leaves_nothing_behind(
    world: World, collins_frames, monkeypatch: pytest.MonkeyPatch, after: int
):
    observe, seen = world.services.capturer._observer.observe_one, []

    def fail_later(*given: Any) -> Any:
        seen.append(given)
        if len(seen) > after:
            raise IndexError("a defect of ours")
        return observe(*given)

    monkeypatch.setattr(world.services.capturer._observer, "observe_one", fail_later)
    for headers in ({}, {"Idempotency-Key": "upload-1"}):
        seen.clear()
        data = {"name": "Eileen Collins", "frames": files(collins_frames[:12])}
        assert world.client.post("/v1/enroll", data=data, headers=headers).status_code == 500
        assert rows(world) == [0, 0, 0]


@pytest.fixture
def eight_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """A clock by which an upload's time is over after eight frames."""
    now = iter([0.0] * 8 + [60.0] * 100)
    monkeypatch.setattr(capture, "time", SimpleNamespace(monotonic=lambda: next(now)))


@pytest.mark.parametrize("kind", ["pictures", "archive"])
def test_what_there_is_no_time_for_is_not_looked_at_and_the_answer_says_so(
    world: World, collins_frames, eight_in_time: None, kind: str
):
    sent = collins_frames[:12] if kind == "pictures" else [archive(collins_frames[:12])]
    answer = enroll(world, sent)
    assert answer.status_code == 202, answer.text
    assert answer.json["cut_off"] is True
    assert (len(answer.json["frames"]), answer.json["accepted"]) == (8, 8)


def test_an_upload_that_had_time_for_too_few_frames_leaves_nothing_behind(make_world, collins_frames):
    world = make_world(upload_time_s=0.0)
    assert enroll(world, [archive(collins_frames[:12])]).json["error"]["code"] == "too_few_samples"
    assert rows(world) == [0, 0, 0]


def test_frames_of_a_live_capture_that_there_is_no_time_for_may_be_sent_again(make_world, collins_frames):
    world = make_world(upload_time_s=0.0)
    where = opened(world)
    for count in range(3):
        answer = world.client.post(f"{where}/frames", data={"frames": files(collins_frames[count:3])}).json
        assert (len(answer["frames"]), answer["cut_off"]) == (1, count < 2)
    assert answer["accepted"] == 3


def test_a_film_that_is_cut_off_says_so(world: World, collins_frames, eight_in_time: None):
    film = films.avi(collins_frames[:12], (320, 320))
    answer = enroll(world, [film])
    assert answer.status_code == 202, answer.text
    assert (answer.json["cut_off"], answer.json["received"]) == (True, 8)


def test_a_film_that_is_looked_at_to_its_end_says_so(world: World, collins_frames):
    answer = enroll(world, [films.avi(collins_frames[:8], (320, 320))])
    assert (answer.json["cut_off"], answer.json["received"]) == (False, 8)


def test_a_film_from_a_browser_that_shows_nothing_new_for_long_is_looked_at_to_its_end(
    world: World, collins_frames, tmp_path: Path
):
    shown = [decode(data) for data in collins_frames[:10]]
    frames = [shown[0]] * 100 + [each for each in shown for _ in range(20)]
    try:
        film = films.as_a_browser_records_it(films.written(tmp_path / "film.webm", frames, "VP80", 30))
    except RuntimeError as exc:
        pytest.skip(str(exc))
    answer = enroll(world, [film])
    assert answer.status_code == 202, answer.text
    assert answer.json["received"] >= 10 and answer.json["accepted"] >= 5 and not answer.json["cut_off"]


@pytest.fixture
def busy(make_world) -> Iterator[World]:
    """A world of four threads whose slow lane is full: one upload at work, one waits."""
    world = make_world(threads=4)
    lane, leave = world.services.decoder.lane, threading.Event()
    inside = threading.Semaphore(0)

    def stay(lane: SlowLane) -> None:
        with lane.enter():
            inside.release()
            leave.wait(30)

    threads = [threading.Thread(target=stay, args=(lane,), daemon=True) for _ in range(2)]
    for thread in threads:
        thread.start()
    assert inside.acquire(timeout=20)
    while lane._places.acquire(blocking=False):  # until the other one waits
        lane._places.release()
    yield world
    leave.set()
    for thread in threads:
        thread.join(20)


def test_beyond_its_places_an_upload_is_sent_away_at_once_and_nothing_is_kept(busy: World, collins_frames):
    for sent in (collins_frames[:11], [archive(collins_frames[:6])], [films.avi(collins_frames[:6], (320, 320))]):
        answer = enroll(busy, sent)
        assert (answer.status_code, answer.json["error"]["code"]) == (503, "busy")
        assert answer.headers["Retry-After"] == "1" and rows(busy) == [0, 0, 0]


def test_a_large_picture_is_sent_away_at_once_where_the_slow_lane_is_full(busy: World):
    answer = busy.client.post("/v1/recognize", data=png(3500, 3500, colour=0), headers=JPEG)
    assert (answer.status_code, answer.json["error"]["code"]) == (503, "busy")


def test_many_pictures_that_are_large_together_are_sent_away_where_the_slow_lane_is_full(busy: World):
    for count, status in ((4, 200), (6, 503)):
        sent = [png(2000, 4000, colour=0)] * count
        answer = busy.client.post("/v1/recognize", data={"image": files(sent)})
        assert answer.status_code == status, answer.text


def test_beside_a_full_slow_lane_everybody_else_is_answered(busy: World, collins_frames):
    assert busy.client.get("/healthz").status_code == 200
    assert busy.client.post("/v1/recognize", data=collins_frames[0], headers=JPEG).status_code == 200
    assert busy.client.post("/v1/recognize", data=png(2100, 3800, colour=0), headers=JPEG).status_code == 200
    where = opened(busy)
    assert busy.client.post(f"{where}/frames", data={"frames": files(collins_frames[:10])}).status_code == 200
    answer = busy.client.post(f"{where}/frames", data={"frames": files(collins_frames[10:21])})
    assert (answer.status_code, answer.json["error"]["code"]) == (503, "busy")
    assert enroll(busy, [b"PK\x03\x04 and no archive"]).status_code == 400
    busy.client.delete(where)
    assert enroll(busy, collins_frames[:10]).status_code == 202


def test_the_slow_lane_is_left_whatever_becomes_of_an_upload(make_world, collins_frames):
    world = make_world(threads=1)
    film, bad = films.avi(collins_frames[:2], (320, 320)), films.avi([b"xx"], (320, 320))
    for sent in (
        [b"no picture"],
        collins_frames[:2],
        [archive([b"x"])],
        [film],
        [bad],
        [b"x"] * 11,
        collins_frames[:11],
    ):
        answer = enroll(world, sent)
        assert answer.status_code in (202, 400, 409), answer.text
