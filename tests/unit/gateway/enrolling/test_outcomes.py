"""What is shown of an enrolment that has ended: learned, learned but doubtful, or refused, and because of whom."""

import json

import pytest
from gateway_world import World, files

from familiar.records import enrollments, versions
from familiar.records.enrollment import EnrollmentStatus


def shown(world: World, enrollment_id: str) -> dict:
    answer = world.client.get(f"/v1/enrollments/{enrollment_id}")
    assert answer.status_code == 200, answer.text
    return answer.json


def last_event(world: World, enrollment_id: str) -> dict:
    text = world.client.get(f"/v1/enrollments/{enrollment_id}/events").get_data(as_text=True)
    return json.loads(text.strip().rpartition("\ndata: ")[2])


def refuse(world: World, enrollment_id: str, code: str, alike: str | None = None) -> None:
    """Do what the trainer does with an enrolment that it cannot learn."""
    with world.database.write() as session:
        enrollments.settle(
            session, [enrollment_id], EnrollmentStatus.FAILED, code=code, message="it cannot be", alike=alike
        )


def tell(world: World, version: int, person_id: str, **figures: int) -> None:
    """Let the report of a head say something else of a person."""
    with world.database.write() as session:
        row = versions.head(session, version)
        row.report = {**row.report, person_id: {**row.report[person_id], **figures}}


@pytest.fixture
def refused(world, collins_frames, hopper_frames):
    """Return the ids of an enrolment that waits and of somebody enrolled."""
    known = world.enroll("Eileen Collins", collins_frames[:10])["person"]
    answer = world.client.post("/v1/enroll", data={"name": "Grace Hopper", "frames": files(hopper_frames[:10])})
    assert answer.status_code == 202, answer.text
    return answer.json["id"], known


def test_whoever_is_too_like_somebody_enrolled_is_told_whom(world, refused):
    enrollment_id, known = refused
    refuse(world, enrollment_id, "too_alike", known["id"])
    error = {"code": "too_alike", "message": "it cannot be", "person": known}
    assert shown(world, enrollment_id)["error"] == last_event(world, enrollment_id)["error"] == error


def test_the_other_person_is_called_as_they_are_called_now_and_not_at_all_once_they_are_deleted(world, refused):
    enrollment_id, known = refused
    refuse(world, enrollment_id, "too_alike", known["id"])
    world.client.patch(f"/v1/people/{known['id']}", json={"name": "E. Collins"})
    assert shown(world, enrollment_id)["error"]["person"] == {"id": known["id"], "name": "E. Collins"}
    world.client.delete(f"/v1/people/{known['id']}")
    assert shown(world, enrollment_id)["error"]["person"] is None
    with world.database.read() as session:
        assert enrollments.get(session, enrollment_id).alike_person_id is None


def test_an_enrolment_that_failed_for_another_reason_names_nobody(world, refused):
    enrollment_id, _ = refused
    refuse(world, enrollment_id, "head_worse")
    assert shown(world, enrollment_id)["error"] == {"code": "head_worse", "message": "it cannot be", "person": None}


@pytest.mark.parametrize(
    ("held_out", "missed", "warned"), [(40, 21, True), (40, 20, False), (3, 2, True), (1, 1, True), (0, 0, False)]
)
def test_whoever_is_missed_in_more_than_half_of_the_held_out_samples_is_warned(
    world, collins_frames, held_out, missed, warned
):
    enrolled = world.enroll("Eileen Collins", collins_frames[:10])
    version = shown(world, enrolled["id"])["head_version"]
    tell(world, version, enrolled["person"]["id"], held_out=held_out, missed=missed)
    warning = shown(world, enrolled["id"])["warning"]
    assert last_event(world, enrolled["id"])["warning"] == warning
    if not warned:
        assert warning is None
        return
    assert (warning["code"], warning["held_out"], warning["missed"]) == ("often_missed", held_out, missed)
    assert f"{missed} of {held_out}" in warning["message"]


def test_an_enrolment_is_judged_by_the_head_that_learned_it_first(world, collins_frames):
    first = world.enroll("Eileen Collins", collins_frames[:8])
    person_id = first["person"]["id"]
    tell(world, shown(world, first["id"])["head_version"], person_id, held_out=8, missed=8)
    more = world.enroll("Eileen Collins", collins_frames[8:16], person_id=person_id)
    assert shown(world, first["id"])["warning"] is not None
    assert shown(world, more["id"])["warning"] is None


def test_an_enrolment_whose_report_was_erased_is_shown_without_a_warning(world, collins_frames):
    enrolled = world.enroll("Eileen Collins", collins_frames[:8])
    with world.database.write() as session:
        versions.head(session, shown(world, enrolled["id"])["head_version"]).report = None
    assert shown(world, enrolled["id"])["warning"] is None
