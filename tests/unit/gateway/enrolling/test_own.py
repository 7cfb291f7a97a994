"""What whoever may only enrol can do with an enrolment of their own: take it back, and give it another name."""

import pytest
from doorkeeping import bearer, give_key, sign_in
from gateway_world import World, files
from sqlalchemy import text

from familiar.records import enrollments, erasures
from familiar.records.enrollment import EnrollmentStatus
from familiar.scope import Scope

TABLES = ("people", "enrollments", "frames", "samples", "embeddings")


class Tablet:
    """Whoever shows a key for enrolling and nothing else."""

    def __init__(self, world: World, name: str, *scopes: Scope) -> None:
        self._world = world
        self.shown = bearer(give_key(world, *(scopes or (Scope.ENROLL,)), name=name)[1])

    def ask(self, method: str, path: str, **body: object):
        return self._world.client.open(path, method=method, headers=self.shown, **body)

    def open(self, name: str, **fields: object) -> str:
        answer = self.ask("POST", "/v1/enrollments", json={"name": name, **fields})
        assert answer.status_code == 201, answer.text
        return answer.json["id"]

    def capture(self, pictures: list[bytes], **fields: object) -> str:
        opened = self.ask("POST", "/v1/enrollments", json=fields).json["id"]
        self.ask("POST", f"/v1/enrollments/{opened}/frames", data={"frames": files(pictures)})
        return opened

    def finish(self, enrollment: str, **answers: str):
        return self.ask("POST", f"/v1/enrollments/{enrollment}/finish", json=answers)

    def enroll(self, pictures: list[bytes], **fields: object) -> str:
        enrollment = self.capture(pictures, **fields)
        assert self.finish(enrollment, if_known="new").status_code == 202
        return enrollment


@pytest.fixture
def world(make_world) -> World:
    """A gateway that asks for keys."""
    return make_world(access="keys")


@pytest.fixture
def tablet(world) -> Tablet:
    """The one at the door."""
    return Tablet(world, "tablet")


def fail(world: World, enrollment: str) -> None:
    with world.database.write() as session:
        enrollments.settle(session, [enrollment], EnrollmentStatus.FAILED, code="head_worse", message="it cannot be")


def counts(world: World) -> dict[str, int]:
    with world.database.read() as session:
        return {table: session.execute(text(f"SELECT count(*) FROM {table}")).scalar_one() for table in TABLES}


def code(answer) -> tuple[int, str]:
    return answer.status_code, answer.json["error"]["code"]


def test_whoever_could_not_be_learned_is_taken_back_without_a_trace(world, tablet, collins_frames):
    enrollment = tablet.enroll(collins_frames[:6], name="Eileen")
    fail(world, enrollment)
    answer = tablet.ask("DELETE", f"/v1/enrollments/{enrollment}")
    assert answer.status_code == 202 and answer.json["job"]["id"] in world.queue.trainings
    assert answer.headers["Location"].endswith(answer.json["job"]["id"])
    assert set(counts(world).values()) == {0}
    assert code(tablet.ask("DELETE", f"/v1/enrollments/{enrollment}")) == (404, "enrollment_not_found")
    operator = bearer(give_key(world, name="operator")[1])
    told = world.client.get("/v1/audit", headers=operator).json["entries"]
    assert [(each["action"], each["who"]["name"]) for each in told] == [
        ("person_erased", "tablet"),
        ("person_enrolled", "tablet"),
    ]


def test_of_somebody_who_is_learned_only_what_failed_is_taken_back(world, tablet, collins_frames):
    first = tablet.enroll(collins_frames[:6], name="Eileen")
    world.train()
    kept, person = counts(world), tablet.ask("GET", f"/v1/enrollments/{first}").json["person"]["id"]
    second = tablet.enroll(collins_frames[6:12], person_id=person)
    fail(world, second)
    assert tablet.ask("DELETE", f"/v1/enrollments/{second}").status_code == 202
    assert counts(world) == kept
    with world.database.read() as session:
        assert erasures.open_ones(session, in_heads=True) == [second]
    assert code(tablet.ask("DELETE", f"/v1/enrollments/{first}")) == (409, "enrollment_closed")


def test_what_failed_twice_is_taken_back_one_after_the_other(world, tablet, collins_frames):
    first = tablet.enroll(collins_frames[:6], name="Eileen")
    fail(world, first)
    person = tablet.ask("GET", f"/v1/enrollments/{first}").json["person"]["id"]
    second = tablet.enroll(collins_frames[6:12], person_id=person)
    fail(world, second)
    for enrollment in (first, second):
        assert tablet.ask("DELETE", f"/v1/enrollments/{enrollment}").status_code == 202
    assert set(counts(world).values()) == {0}


def test_one_that_waits_to_be_learned_is_not_taken_back(world, tablet, collins_frames):
    enrollment = tablet.enroll(collins_frames[:6], name="Eileen")
    assert code(tablet.ask("DELETE", f"/v1/enrollments/{enrollment}")) == (409, "enrollment_closed")


def test_what_belongs_to_another_key_is_neither_taken_back_nor_renamed(world, tablet, collins_frames, hopper_frames):
    failed = tablet.enroll(collins_frames[:6], name="Eileen")
    fail(world, failed)
    opened = tablet.open("Grace")
    before = counts(world)
    other = Tablet(world, "other")
    for enrollment in (failed, opened):
        assert code(other.ask("DELETE", f"/v1/enrollments/{enrollment}")) == (403, "enrollment_not_yours")
        renamed = other.ask("PATCH", f"/v1/enrollments/{enrollment}", json={"name": "Mallory"})
        assert code(renamed) == (403, "enrollment_not_yours")
    assert counts(world) == before
    for enrollment, status in ((failed, 202), (opened, 204)):
        desk = Tablet(world, f"desk {status}", Scope.ENROLL, Scope.PEOPLE)
        assert desk.ask("DELETE", f"/v1/enrollments/{enrollment}").status_code == status


def test_a_page_takes_back_what_it_has_opened_in_an_earlier_session_of_its_key(world, collins_frames):
    secret = give_key(world, Scope.ENROLL, name="tablet")[1]
    csrf = sign_in(world, secret)
    opened = world.client.post("/v1/enrollments", json={"name": "Eileen"}, headers={"X-CSRF-Token": csrf}).json["id"]
    csrf = sign_in(world, secret)
    assert world.client.delete(f"/v1/enrollments/{opened}").status_code == 403
    assert world.client.delete(f"/v1/enrollments/{opened}", headers={"X-CSRF-Token": csrf}).status_code == 204


def test_where_no_key_is_asked_for_everybody_may(make_world, collins_frames):
    world = make_world()
    enrollment = world.client.post("/v1/enroll", data={"name": "Eileen", "frames": files(collins_frames[:6])}).json[
        "id"
    ]
    fail(world, enrollment)
    assert world.client.delete(f"/v1/enrollments/{enrollment}").status_code == 202


@pytest.mark.parametrize("answer", [{"name": "Eileen the second"}, {"name": "Eileen", "allow_same_name": True}])
def test_a_name_that_was_taken_meanwhile_is_changed_by_whoever_captures(
    world, tablet, collins_frames, hopper_frames, answer
):
    late = tablet.capture(hopper_frames[:6], name="Eileen")
    Tablet(world, "other").enroll(collins_frames[:6], name="Eileen")
    refused = tablet.finish(late)
    assert code(refused) == (409, "name_taken")
    assert refused.json["error"]["details"]["enrollment_id"] == late
    again = tablet.ask("PATCH", f"/v1/enrollments/{late}", json={"name": "Eileen"})
    assert code(again) == (409, "name_taken") and again.json["error"]["details"]["enrollment_id"] == late
    renamed = tablet.ask("PATCH", f"/v1/enrollments/{late}", json=answer)
    assert renamed.status_code == 200 and renamed.json["person"]["name"] == answer["name"]
    assert tablet.finish(late).status_code == 202


def test_nobody_who_is_enrolled_is_renamed_by_a_capture_for_them(world, tablet, collins_frames):
    first = tablet.enroll(collins_frames[:6], name="Eileen")
    person = tablet.ask("GET", f"/v1/enrollments/{first}").json["person"]["id"]
    opened = tablet.open("Eileen", person_id=person)
    assert code(tablet.ask("PATCH", f"/v1/enrollments/{opened}", json={"name": "Mallory"})) == (409, "conflict")
    closed = tablet.ask("PATCH", f"/v1/enrollments/{first}", json={"name": "Mallory"})
    assert code(closed) == (409, "enrollment_closed")
    assert tablet.ask("GET", f"/v1/enrollments/{first}").json["person"]["name"] == "Eileen"


@pytest.mark.parametrize(
    ("body", "expected"),
    [({}, "missing_field"), ({"name": ""}, "invalid_name"), ({"name": 5}, "invalid_field"),
     ({"name": "Ada", "person_id": "0" * 32}, "unknown_field")],
)  # fmt: skip
def test_what_cannot_be_a_name_is_refused(tablet, body, expected):
    opened = tablet.open("Eileen")
    assert code(tablet.ask("PATCH", f"/v1/enrollments/{opened}", json=body)) == (400, expected)
