"""What is asked before a capture is closed: pictures that do not fit, and faces of those who wait to be learned."""

import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gateway_world import MakeWorld, World, archive, files
from sqlalchemy import func, select

import films
from fakes import FakeBackbone
from familiar import learning
from familiar.knowing import normalise
from familiar.learning import Cohort, Mixture
from familiar.records import enrollments, samples
from familiar.records.schema import Embedding, Erasure, FrameVerdict, Person, Sample
from familiar.seeing.image import decode, encode_jpeg

DIM = 32
RED, GREEN, BLUE = 0, 1, 2


class ThreePeople(FakeBackbone):
    """Takes whoever is shown in red, in green or in blue light for three people who are not alike."""

    def embed(self, chips):
        """uint8[N, S, S, 3] -> float32[N, D]."""
        light = np.array([chip.reshape(-1, 3).mean(axis=0).argmax() for chip in chips])
        return normalise(2 * np.eye(DIM, dtype=np.float32)[light] + super().embed(chips))


@pytest.fixture
def world(make_world: MakeWorld, monkeypatch: pytest.MonkeyPatch) -> World:
    """A world whose backbone tells three people apart, and whose strangers may look like anything."""
    strangers = Cohort(DIM, Mixture(np.ones(1), np.zeros((1, DIM)), np.eye(DIM)[None]))
    monkeypatch.setattr(learning.cohort, "load", lambda *_: strangers)
    world = make_world(near_copy_cosine=1.0)
    world.serving.backbones[1] = ThreePeople(world.serving.backbones[1].meta)
    return world


@pytest.fixture(scope="session")
def people(collins_frames: list[bytes]) -> list[list[bytes]]:
    """Thirty pictures each of three people."""
    shades = np.array([[1.0, 0.6, 0.6], [0.6, 1.0, 0.6], [0.6, 0.6, 1.0]], np.float32)
    frames = [decode(data) for data in collins_frames]
    grey = [np.repeat(frame.mean(axis=2, keepdims=True), 3, axis=2) for frame in frames]
    return [[encode_jpeg((frame * shade).astype(np.uint8)) for frame in grey] for shade in shades]


def of(people: list[list[bytes]], *lights: int) -> list[bytes]:
    """Return pictures of the people who have these numbers, in this order, no picture twice."""
    left = [iter(pictures) for pictures in people]
    return [next(left[light]) for light in lights]


def enroll(world: World, pictures: list[bytes], **fields: str):
    return world.client.post("/v1/enroll", data={"name": "Ada", **fields, "frames": files(pictures)})


def captured(world: World, pictures: list[bytes], **who: str) -> str:
    enrollment = world.client.post("/v1/enrollments", json=who).json["id"]
    answer = world.client.post(f"/v1/enrollments/{enrollment}/frames", data={"frames": files(pictures)})
    assert all(frame["accepted"] for frame in answer.json["frames"])
    return enrollment


def finish(world: World, enrollment: str, **body: str):
    return world.client.post(f"/v1/enrollments/{enrollment}/finish", json=body)


def asked(answer) -> dict[str, Any]:
    """Return the details of the question which pictures to take."""
    assert answer.status_code == 409, answer.text
    assert answer.json["error"]["code"] == "not_alike"
    return answer.json["error"]["details"]


def rows(world: World, table: type) -> int:
    with world.database.read() as session:
        return session.scalar(select(func.count()).select_from(table)) or 0


def vectors(world: World, enrollment: str) -> np.ndarray:
    """Return int[N]: whom each sample of an enrolment shows."""
    with world.database.read() as session:
        return samples.vectors(session, enrollment, 1)[:, :3].argmax(axis=1)


MIXES = {
    "half and half": [RED, BLUE] * 8,
    "five and three": [BLUE] * 3 + [RED] * 5,
    "three people": [RED] * 6 + [GREEN] * 5 + [BLUE] * 4,
    "one among many": [RED] * 7 + [GREEN] + [RED] * 7,
}


def strangers_in(lights: list[int]) -> list[int]:
    counts = [lights.count(light) for light in (RED, GREEN, BLUE)]
    return [place for place, light in enumerate(lights) if counts[light] < max(counts) or light != RED]


@pytest.mark.parametrize("way", ["form", "archive", "live"])
@pytest.mark.parametrize("mix", MIXES)
def test_pictures_of_several_people_are_a_question_that_says_which(world, people, way, mix):
    lights = MIXES[mix]
    pictures = of(people, *lights)
    if way == "live":
        details = asked(finish(world, captured(world, pictures, name="Ada")))
        assert details.pop("enrollment_id")
    else:
        details = asked(enroll(world, [archive(pictures)] if way == "archive" else pictures))
        assert rows(world, Person) == rows(world, Sample) == rows(world, FrameVerdict) == 0
    assert details == {"frames": strangers_in(lights), "pictures": len(lights), "person": None}
    assert world.queue.trainings == []


def test_a_film_of_two_people_is_a_question(world, people, tmp_path: Path):
    frames = [decode(data) for data in of(people, *[RED] * 12, *[BLUE] * 8)]
    details = asked(enroll(world, [films.written(tmp_path / "film.avi", frames, "MJPG")]))
    assert details["frames"] == list(range(12, 20)) and details["pictures"] == 20


def test_they_can_be_left_out_and_then_nothing_of_them_is_kept(world, people):
    lights = MIXES["three people"]
    enrollment = captured(world, of(people, *lights), name="Ada")
    asked(finish(world, enrollment))
    answer = finish(world, enrollment, if_not_alike="leave_out")
    assert answer.status_code == 202 and answer.json["accepted"] == 6
    assert answer.json["rejected"] == [{"index": at, "reasons": ["not_alike"]} for at in range(6, 15)]
    assert answer.json["refused"] == {"not_alike": 9}
    assert set(vectors(world, enrollment)) == {RED}
    assert rows(world, Sample) == rows(world, Embedding) == 6
    assert rows(world, Erasure) == 0  # the database's files were cleaned of them


def test_an_upload_tells_of_its_frames_that_were_left_out(world, people):
    pictures = of(people, *[RED] * 6, *[BLUE] * 2)
    answer = enroll(world, [*pictures, pictures[0]], if_not_alike="leave_out")
    assert answer.status_code == 202
    assert [frame["accepted"] for frame in answer.json["frames"]] == [True] * 6 + [False] * 2 + [True]
    assert [frame["index"] for frame in answer.json["frames"]] == [*range(8), 0]
    assert answer.json["frames"][6]["reasons"] == ["not_alike"]


def test_the_same_upload_again_gets_the_same_answer(world, people):
    pictures, key = of(people, *[RED] * 6, *[BLUE] * 2), {"Idempotency-Key": "one"}
    first, second = (
        world.client.post(
            "/v1/enroll", data={"name": "Ada", "if_not_alike": "leave_out", "frames": files(pictures)}, headers=key
        )
        for _ in range(2)
    )
    assert first.status_code == second.status_code == 202 and first.json == second.json
    other = world.client.post(
        "/v1/enroll", data={"name": "Ada", "if_not_alike": "take", "frames": files(pictures)}, headers=key
    )
    assert other.json["error"]["code"] == "idempotency_key_reused"


def test_they_can_be_taken_nevertheless(world, people):
    lights = MIXES["half and half"]
    answer = enroll(world, of(people, *lights), if_not_alike="take")
    assert answer.status_code == 202 and answer.json["accepted"] == len(lights)
    assert vectors(world, answer.json["id"]).tolist() == lights


def test_too_few_that_are_left_change_nothing(world, people):
    enrollment = captured(world, of(people, *[RED] * 4, *[BLUE] * 3), name="Ada")
    answer = finish(world, enrollment, if_not_alike="leave_out")
    assert answer.status_code == 409 and answer.json["error"]["code"] == "too_few_samples"
    assert answer.json["error"]["details"]["refused"] == {"not_alike": 3}
    assert answer.json["error"]["details"]["accepted"] == 4
    assert rows(world, Sample) == 7
    more = world.client.post(f"/v1/enrollments/{enrollment}/frames", data={"frames": files(people[RED][20:24])})
    assert more.json["accepted"] == 11
    assert finish(world, enrollment, if_not_alike="leave_out").json["accepted"] == 8


@pytest.mark.parametrize("trained", [True, False], ids=["learned", "about to be learned"])
@pytest.mark.parametrize("strangers", [1, 4, 10])
def test_pictures_of_somebody_unknown_are_not_added_to_a_person_without_a_question(world, people, trained, strangers):
    ada = enroll(world, people[RED][:8]).json["person"]
    if trained:
        world.train()
    lights = [GREEN] * strangers + [RED] * (10 - strangers)
    pictures = [next(iter(people[light][10 + at :])) for at, light in enumerate(lights)]
    enrollment = captured(world, pictures, person_id=ada["id"])
    details = asked(finish(world, enrollment))
    assert details["frames"] == list(range(strangers)) and details["person"] == ada
    left_out = finish(world, enrollment, if_not_alike="leave_out")
    if 10 - strangers < 5:
        assert left_out.json["error"]["code"] == "too_few_samples"
        left_out = finish(world, enrollment, if_not_alike="take")
    assert left_out.status_code == 202 and left_out.json["person"] == ada


def test_whoever_is_known_and_mixed_with_another_is_asked_about_both(world, people):
    ada = enroll(world, people[RED][:8]).json["person"]
    world.train()
    enrollment = captured(world, [*people[RED][10:16], *people[BLUE][:6]], name="Somebody")
    details = asked(finish(world, enrollment))  # half of them are Ada, which is no majority
    assert details["frames"] == list(range(6, 12))
    answer = finish(world, enrollment, if_not_alike="leave_out")
    assert answer.json["error"]["code"] == "already_known" and answer.json["error"]["details"]["share"] == 1.0
    assert rows(world, Sample) == 8 + 12
    answer = finish(world, enrollment, if_not_alike="leave_out", if_known="add")
    assert answer.status_code == 202 and answer.json["person"] == ada and answer.json["accepted"] == 6


def test_what_is_added_to_somebody_known_is_compared_with_that_one(world, people):
    ada = enroll(world, people[RED][:8]).json["person"]
    world.train()
    enrollment = captured(world, [*people[RED][10:17], *people[BLUE][:2]], name="Somebody")
    assert finish(world, enrollment).json["error"]["code"] == "already_known"
    details = asked(finish(world, enrollment, if_known="add"))
    assert details["frames"] == [7, 8] and details["person"] == ada


def test_a_backbone_of_which_no_strangers_are_known_asks_nothing(world, people, monkeypatch):
    monkeypatch.setattr(learning.cohort, "load", lambda name, dim, metric: Cohort(dim))
    assert enroll(world, of(people, *MIXES["half and half"])).status_code == 202


@pytest.mark.parametrize("answer", ["maybe", "", "add"])
def test_another_answer_is_refused(world, people, answer):
    said = enroll(world, people[RED][:6], if_not_alike=answer)
    assert said.status_code == 400 and said.json["error"]["details"] == {"field": "if_not_alike"}


def test_frames_that_come_while_it_is_decided_are_looked_at_too(world, people):
    enrollment = captured(world, people[RED][:6], name="Ada")
    doubts = world.services.capturer._doubts
    settle = doubts.settle

    def settled(*given):
        found = settle(*given)
        if doubts.settle is settled:
            doubts.settle = settle
            late = world.client.post(f"/v1/enrollments/{enrollment}/frames", data={"frames": files(people[BLUE][:2])})
            assert late.status_code == 200
        return found

    doubts.settle = settled
    assert asked(finish(world, enrollment))["frames"] == [6, 7]


def test_a_face_that_waits_to_be_learned_is_known_already(world, people):
    ada = enroll(world, people[RED][:8]).json
    answer = enroll(world, people[RED][10:17], name="Not Ada")
    assert answer.status_code == 409 and answer.json["error"]["code"] == "already_known"
    assert answer.json["error"]["details"] == {"person": ada["person"], "share": 1.0}
    added = enroll(world, people[RED][10:17], name="Not Ada", if_known="add")
    assert added.status_code == 202 and added.json["person"] == ada["person"] and added.json["job"] == ada["job"]
    other = enroll(world, people[RED][10:17], name="Twin", if_known="new")
    assert other.status_code == 202 and other.json["person"]["name"] == "Twin"
    assert enroll(world, people[BLUE][:6], name="Mary").status_code == 202


def test_more_of_somebody_who_waits_to_be_learned_need_no_question(world, people):
    ada = enroll(world, people[RED][:8]).json["person"]
    assert finish(world, captured(world, people[RED][10:16], person_id=ada["id"])).status_code == 202


def test_of_two_captures_of_one_face_that_are_finished_at_one_moment_one_is_asked(world, people):
    captures = [captured(world, people[RED][at : at + 7], name=f"Name {at}") for at in (0, 10)]
    doubts, both = world.services.capturer._doubts, threading.Barrier(2, timeout=30)
    settle = doubts.settle
    waited: set[int] = set()

    def settled(*given):
        found = settle(*given)
        if threading.get_ident() not in waited:
            waited.add(threading.get_ident())
            both.wait()  # neither has been closed when the other one was looked at
        return found

    doubts.settle = settled
    answers = {}

    def end(enrollment: str) -> None:
        with world.client.application.test_client() as client:
            answers[enrollment] = client.post(f"/v1/enrollments/{enrollment}/finish", json={})

    threads = [threading.Thread(target=end, args=[each]) for each in captures]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(answer.status_code for answer in answers.values()) == [202, 409]
    (told,) = [answer.json["error"] for answer in answers.values() if answer.status_code == 409]
    assert told["code"] == "already_known"


def test_a_capture_that_had_to_wait_for_others_again_and_again_is_closed(world, people):
    enrollment = captured(world, people[RED][:6], name="Ada")
    doubts = world.services.capturer._doubts
    settle, looks = doubts.settle, []

    def settled(*given):
        found = settle(*given)
        looks.append(found)
        with world.database.write() as session:
            other = enrollments.open_one(session, session.scalars(select(Person)).first())
            enrollments.close(session, other)
        return found

    doubts.settle = settled
    assert finish(world, enrollment).status_code == 202
    assert 1 < len(looks) < 20
