"""What comes at the same time: one name, one key, a rename; the database decides, and everybody gets an answer."""

import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import cv2
import pytest
from gateway_world import World, archive, files
from sqlalchemy import create_engine, func, select, text

import postgresql
from familiar.errors import ServingUnavailable
from familiar.records.schema import Enrollment, Person, Sample
from familiar.seeing.image import decode

AT_ONCE = 6


@pytest.fixture(params=["sqlite", *(["postgresql"] if postgresql.available() else [])])
def world(request: pytest.FixtureRequest, make_world: Callable[..., World]) -> World:
    """A world on each database."""
    if request.param == "sqlite":
        return make_world()
    url = request.getfixturevalue("postgresql_url")
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text("DROP SCHEMA public CASCADE"))
        connection.execute(text("CREATE SCHEMA public"))
    engine.dispose()
    return make_world(database_url=url)


def rows(world: World, table: type) -> int:
    with world.database.read() as session:
        return session.scalar(select(func.count()).select_from(table)) or 0


def at_once(world: World, requests: list[Callable[[Any], Any]]) -> list[Any]:
    """Send requests, each by a client of its own, as near to the same moment as threads allow."""
    ready = threading.Barrier(len(requests))

    def send(request: Callable[[Any], Any]) -> Any:
        client = world.client.application.test_client()
        ready.wait(30)
        return request(client)

    with ThreadPoolExecutor(len(requests)) as threads:
        return list(threads.map(send, requests))


def upload(pictures: list[bytes], name: str = "Eileen Collins", key: str | None = None, **fields: str):
    headers = {} if key is None else {"Idempotency-Key": key}
    return lambda client: client.post(
        "/v1/enroll", data={"name": name, **fields, "frames": files(pictures)}, headers=headers
    )


def outcomes(answers: list[Any]) -> Counter:
    return Counter((each.status_code, (each.json.get("error") or {}).get("code")) for each in answers)


def test_of_several_uploads_under_one_name_one_is_enrolled(world, collins_frames):
    names = ["Eileen Collins", "Eileen\u00a0Collins", " Eileen  Collins"]
    answers = at_once(world, [upload(collins_frames[:6], name) for name in names])
    assert outcomes(answers) == {(202, None): 1, (409, "name_taken"): 2}
    assert rows(world, Person) == rows(world, Enrollment) == 1 and rows(world, Sample) == 6


def test_of_two_captures_under_one_name_the_first_one_finished_is_enrolled(world, collins_frames, hopper_frames):
    opened = [world.client.post("/v1/enrollments", json={"name": "Eileen"}).json["id"] for _ in range(2)]
    for enrollment, frames in zip(opened, (collins_frames, hopper_frames), strict=True):
        world.client.post(f"/v1/enrollments/{enrollment}/frames", data={"frames": files(frames[:6])})
    answers = at_once(world, [lambda client, it=it: client.post(f"/v1/enrollments/{it}/finish") for it in opened])
    assert outcomes(answers) == {(202, None): 1, (409, "name_taken"): 1}
    second, refused = next(each for each in zip(opened, answers, strict=True) if each[1].status_code == 409)
    assert refused.json["error"]["details"]["enrollment_id"] == second
    state = world.client.get(f"/v1/enrollments/{second}").json
    assert state["status"] == "capturing", "nothing of it is lost"
    world.client.patch(f"/v1/people/{state['person']['id']}", json={"name": "Grace"})
    assert world.client.post(f"/v1/enrollments/{second}/finish").status_code == 202


def test_a_name_meant_for_several_is_nobodys_alone(world, collins_frames, hopper_frames):
    requests = [upload(collins_frames[:6]), upload(hopper_frames[:6], allow_same_name="true")]
    assert outcomes([request(world.client) for request in requests]) == {(202, None): 2}
    answer = world.client.post("/v1/enrollments", json={"name": "Eileen Collins"})
    assert answer.status_code == 409 and len(answer.json["error"]["details"]["people"]) == 2


def test_a_rename_to_the_name_of_an_open_capture_takes_the_name(world, collins_frames, hopper_frames):
    known = world.enroll("Eileen Collins", collins_frames[:6])["person"]["id"]
    capture = world.client.post("/v1/enrollments", json={"name": "Grace Hopper"}).json["id"]
    world.client.post(f"/v1/enrollments/{capture}/frames", data={"frames": files(hopper_frames[:6])})
    finish = f"/v1/enrollments/{capture}/finish"
    answers = at_once(
        world,
        [
            lambda client: client.patch(f"/v1/people/{known}", json={"name": "Grace Hopper"}),
            lambda client: client.post(finish),
        ],
    )
    statuses = [each.status_code for each in answers]
    assert statuses in ([200, 409], [409, 202]), outcomes(answers)
    assert {each.json["error"]["code"] for each in answers if each.status_code == 409} == {"name_taken"}


def test_of_several_renames_to_one_name_one_is_made(world):
    ids = []
    with world.database.write() as session:
        for number in range(4):
            person = Person(
                id=f"{number:032x}",
                name=str(number),
                name_key=str(number),
                shares_name=False,
                enrolled=True,
                created_at=0,
            )
            session.add(person)
            ids.append(person.id)
    answers = at_once(
        world, [lambda client, it=it: client.patch(f"/v1/people/{it}", json={"name": "Ada"}) for it in ids]
    )
    assert outcomes(answers) == {(200, None): 1, (409, "name_taken"): 3}


def test_the_same_upload_several_times_at_once_is_one_enrolment_with_one_answer(world, collins_frames):
    answers = at_once(world, [upload(collins_frames[:10], key="one upload")] * AT_ONCE)
    assert outcomes(answers) == {(202, None): AT_ONCE}
    assert len({each.json["id"] for each in answers}) == 1
    assert len({str(each.json["frames"]) for each in answers}) == 1
    assert {each.json["accepted"] for each in answers} == {rows(world, Sample)} == {10}
    assert rows(world, Person) == rows(world, Enrollment) == 1
    assert len(world.queue.trainings) == 1


def test_the_same_upload_that_cannot_be_learned_gets_the_same_answer_each_time(world, collins_frames):
    answers = at_once(world, [upload(collins_frames[:3], key="one upload")] * AT_ONCE)
    assert outcomes(answers) == {(409, "too_few_samples"): AT_ONCE}
    assert {each.json["error"]["details"]["accepted"] for each in answers} == {3}
    assert [rows(world, table) for table in (Person, Enrollment, Sample)] == [0, 0, 0]


def test_the_same_upload_of_a_face_already_known_gets_the_same_answer_each_time(world, collins_frames):
    known = world.enroll("Eileen Collins", collins_frames[:8])["person"]
    answers = at_once(world, [upload(collins_frames[8:16], "Somebody", key="one upload")] * AT_ONCE)
    assert outcomes(answers) == {(409, "already_known"): AT_ONCE}
    assert all(each.json["error"]["details"]["person"] == known for each in answers)
    assert rows(world, Person) == 1 and rows(world, Sample) == 8


def test_an_upload_repeated_when_it_is_live_gets_the_verdicts_of_before(world, collins_frames):
    first = upload([*collins_frames[:7], b"no picture"], key="one upload")(world.client)
    world.train()
    again = upload([*collins_frames[:7], b"no picture"], key="one upload")(world.client)
    assert again.status_code == 202 and again.json["status"] == "live"
    assert again.json["frames"] == first.json["frames"] and again.json["id"] == first.json["id"]


@pytest.mark.parametrize(
    "other",
    [
        {"name": "Grace Hopper"},
        {"pictures": slice(1, 7)},
        {"pictures": slice(0, 5)},
        {"if_known": "new"},
        {"allow_same_name": "true"},
    ],
)
@pytest.mark.parametrize("still_open", [True, False])
def test_a_key_used_for_something_else_is_said_to_be_and_the_first_one_is_left_alone(
    world, collins_frames, other, still_open
):
    if still_open:  # everything is stored, but nobody says who it is
        world.serving.faults["head"] = ServingUnavailable("away")
    first = upload(collins_frames[:6], key="one key")(world.client)
    assert first.status_code == (503 if still_open else 202)
    changed = {name: value for name, value in other.items() if name != "pictures"}
    answer = upload(collins_frames[other.get("pictures", slice(0, 6))], key="one key", **changed)(world.client)
    assert (answer.status_code, answer.json["error"]["code"]) == (409, "idempotency_key_reused")
    world.serving.faults.clear()
    again = upload(collins_frames[:6], key="one key")(world.client)
    assert again.status_code == 202 and rows(world, Sample) == 6 and rows(world, Enrollment) == 1


def film(frames: list[bytes], folder: Path) -> bytes:
    writer = cv2.VideoWriter(str(folder / "film.avi"), cv2.VideoWriter_fourcc(*"MJPG"), 10, (320, 320))
    for data in frames:
        writer.write(cv2.cvtColor(decode(data), cv2.COLOR_RGB2BGR))
    writer.release()
    return (folder / "film.avi").read_bytes()


@pytest.mark.parametrize("kind", ["film", "archive"])
def test_a_film_and_an_archive_are_known_by_their_content_too(world, collins_frames, tmp_path, kind):
    def pack(frames: list[bytes]) -> bytes:
        return film(frames, tmp_path) if kind == "film" else archive(frames)

    one, other = pack(collins_frames[:8]), pack(collins_frames[8:16])
    # Both take the slow lane; a third at once would be told that it is busy.
    answers = at_once(world, [upload([one], key="one key")] * 2)
    assert outcomes(answers) == {(202, None): 2} and len({each.json["id"] for each in answers}) == 1
    assert (
        len({str(each.json["frames"]) for each in answers}) == 1 and rows(world, Sample) == answers[0].json["accepted"]
    )
    assert upload([other], key="one key")(world.client).json["error"]["code"] == "idempotency_key_reused"


def test_of_different_requests_under_one_key_at_once_one_is_done_and_the_others_are_told(world, collins_frames):
    requests = [upload(collins_frames[: 6 + number], key="one key") for number in range(4)]
    answers = at_once(world, requests)
    assert outcomes(answers) == {(202, None): 1, (409, "idempotency_key_reused"): 3}
    done = next(each for each in answers if each.status_code == 202)
    assert rows(world, Sample) == done.json["accepted"] and rows(world, Enrollment) == 1


def test_a_capture_opened_several_times_at_once_with_one_key_is_one(world):
    headers = {"Idempotency-Key": "1"}
    opening = [lambda client: client.post("/v1/enrollments", json={"name": "Ada"}, headers=headers)] * AT_ONCE
    answers = at_once(world, opening)
    assert sorted(each.status_code for each in answers) == [200] * (AT_ONCE - 1) + [201]
    assert len({each.json["id"] for each in answers}) == 1
    other = world.client.post("/v1/enrollments", json={"name": "Ada", "allow_same_name": True}, headers=headers)
    assert other.json["error"]["code"] == "idempotency_key_reused"
