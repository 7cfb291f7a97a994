"""Putting right: merge, move and split people, and undo it, by the API; and what is answered meanwhile."""

import pytest
from gateway_world import World, files
from sqlalchemy import func, select

from familiar.records import corrections, trainings, versions
from familiar.records.schema import Enrollment, Erasure, FormerOwner, HeadVersion, Person, Sample


@pytest.fixture
def two(world: World, collins_frames, hopper_frames) -> tuple[str, str]:
    """Ids of Eileen Collins, who has 8 samples, and of Grace Hopper, who has 6."""
    collins = world.enroll("Eileen Collins", collins_frames[:8])["person"]["id"]
    return collins, world.enroll("Grace Hopper", hopper_frames[:6])["person"]["id"]


def samples_of(world: World, person_id: str) -> list[str]:
    return [each["id"] for each in world.client.get(f"/v1/people/{person_id}/samples").json["samples"]]


def named(world: World, picture: bytes) -> str | None:
    face = world.client.post("/v1/recognize", data=picture, content_type="image/jpeg").json["faces"][0]
    return face["person"] and face["person"]["id"]


def merge(world: World, into: str, other: str):
    return world.client.post(f"/v1/people/{into}/merge", json={"person_id": other})


def move(world: World, person: str, samples: list[str], to: str | None):
    return world.client.post(f"/v1/people/{person}/move", json={"samples": samples, "to": to})


def split(world: World, person: str, samples: list[str], name: str, **more: object):
    return world.client.post(f"/v1/people/{person}/split", json={"samples": samples, "name": name, **more})


def undo(world: World, answer):
    return world.client.post(f"/v1/corrections/{answer.json['correction']['id']}/undo")


def refused(answer, code: str) -> dict:
    assert answer.status_code == 409 and answer.json["error"]["code"] == code, answer.text
    return answer.json["error"]["details"]


def test_two_who_are_one_are_merged_and_each_is_answered_as_the_one_who_stays(
    world, two, collins_frames, hopper_frames
):
    collins, hopper = two
    theirs, kept = samples_of(world, hopper), samples_of(world, collins)
    answer = merge(world, collins, hopper)
    assert answer.status_code == 202 and answer.headers["Location"] == f"/v1/jobs/{answer.json['job']['id']}"
    assert world.queue.trainings[-1] == answer.json["job"]["id"]
    shown = answer.json["correction"]
    assert (shown["kind"], shown["status"], shown["samples"]) == ("merge", "open", 6)
    assert shown["person"] == {"id": hopper, "name": "Grace Hopper"} and shown["to"]["id"] == collins
    assert sorted(samples_of(world, collins)) == sorted(theirs + kept)
    assert world.client.get(f"/v1/people/{hopper}").status_code == 404
    # The live head knows both yet: whoever is recognised as the one is the other.
    for picture in (collins_frames[9], hopper_frames[9]):
        assert named(world, picture) == collins
    told = world.client.post("/v1/recognize", data={"image": files(hopper_frames[8:11])}).json
    assert told["faces"][0]["person"]["id"] == collins
    ids = [each["person"]["id"] for each in told["faces"][0]["candidates"]]
    assert ids == [collins]
    world.train()
    with world.database.read() as session:
        assert versions.head(session, world.train()).person_ids == [collins]


def test_a_merge_is_undone_with_name_samples_enrolments_and_consent(world, collins_frames, hopper_frames):
    collins = world.enroll("Eileen Collins", collins_frames[:6], consent="hers")["person"]["id"]
    hopper = world.enroll("Grace Hopper", hopper_frames[:6], consent="also hers")["person"]["id"]
    cards = {each: world.client.get(f"/v1/people/{each}").json for each in (collins, hopper)}
    before = {each: (samples_of(world, each), card) for each, card in cards.items()}
    done = merge(world, collins, hopper)
    assert world.client.get(f"/v1/people/{collins}").json["consent"]["to"] == "also hers"
    world.train()
    answer = undo(world, done)
    assert answer.status_code == 202 and answer.json["correction"]["status"] == "undone"
    for each, (samples, card) in before.items():
        now = world.client.get(f"/v1/people/{each}").json
        assert samples_of(world, each) == samples
        assert {name: now[name] for name in ("name", "created_at", "consent", "samples")} == {
            name: card[name] for name in ("name", "created_at", "consent", "samples")
        }
    world.train()
    assert (named(world, collins_frames[9]), named(world, hopper_frames[9])) == (collins, hopper)
    refused(undo(world, done), "correction_undone")


def test_samples_are_moved_to_another_person_and_back(world, two):
    collins, hopper = two
    taken = samples_of(world, collins)[:2]
    done = move(world, collins, taken, hopper)
    assert done.status_code == 202 and done.json["correction"]["samples"] == 2
    assert set(taken) < set(samples_of(world, hopper)) and not set(taken) & set(samples_of(world, collins))
    picture = world.client.get(f"/v1/people/{hopper}/samples/{taken[0]}")
    assert picture.status_code == 200
    world.train()
    with world.database.read() as session:
        report = session.scalars(select(HeadVersion.report).order_by(HeadVersion.version.desc())).first()
    assert (report[collins]["samples"], report[hopper]["samples"]) == (6, 8)
    assert undo(world, done).status_code == 202
    assert taken == samples_of(world, collins)[:2] and len(samples_of(world, hopper)) == 6


def test_what_is_moved_to_nobody_is_neither_learned_nor_shown_and_comes_back(world, two):
    collins, _ = two
    everything = samples_of(world, collins)
    done = move(world, collins, everything[:3], None)
    assert done.json["correction"]["to"] is None
    assert samples_of(world, collins) == everything[3:]
    card = world.client.get(f"/v1/people/{collins}").json
    assert card["samples"] == 5 and card["sample"] not in everything[:3]
    assert world.client.get(f"/v1/people/{collins}/samples/{everything[0]}").status_code == 404
    world.train()
    assert world.client.get(f"/v1/people/{collins}").json["report"]["samples"] == 5
    assert undo(world, done).status_code == 202
    assert samples_of(world, collins) == everything


def test_chosen_samples_become_a_new_person_and_join_the_other_one_again(world, two):
    collins, _ = two
    everything = samples_of(world, collins)
    done = split(world, collins, everything[3:], "Somebody Else")
    made = done.json["correction"]["to"]
    assert done.status_code == 202 and made["name"] == "Somebody Else"
    assert samples_of(world, made["id"]) == everything[3:] and samples_of(world, collins) == everything[:3]
    world.train()
    assert world.client.get(f"/v1/people/{made['id']}").json["report"]["samples"] == 5
    assert undo(world, done).status_code == 202
    assert samples_of(world, collins) == everything
    assert world.client.get(f"/v1/people/{made['id']}").status_code == 404


def test_a_new_person_needs_a_free_name_and_as_many_samples_as_anybody(world, two):
    collins, _ = two
    everything = samples_of(world, collins)
    assert refused(split(world, collins, everything[:4], "New"), "too_few_samples")["needed"] == 5
    refused(split(world, collins, everything[:5], "Grace  Hopper"), "name_taken")
    assert split(world, collins, everything[:5], "Grace Hopper", allow_same_name=True).status_code == 202


def test_a_correction_is_undone_only_when_what_was_put_right_later_was(world, two):
    collins, hopper = two
    everything = samples_of(world, collins)
    first = move(world, collins, everything[:2], hopper)
    elsewhere = move(world, collins, everything[2:3], None)
    second = move(world, hopper, everything[:1], None)
    third = merge(world, collins, hopper)
    ids = [each.json["correction"]["id"] for each in (second, third)]
    assert refused(undo(world, first), "correction_superseded")["corrections"] == ids[::-1]
    assert refused(undo(world, second), "correction_superseded")["corrections"] == ids[1:]
    assert [undo(world, each).status_code for each in (third, second, first, elsewhere)] == [202] * 4
    assert samples_of(world, collins) == everything


def test_a_merge_chain_means_the_last_one_and_comes_apart_from_its_end(world, two, collins_frames, hopper_frames):
    collins, hopper = two
    third = world.enroll("Third", collins_frames[20:26], if_known="new")["person"]["id"]
    one, two_ = merge(world, collins, hopper), merge(world, third, collins)
    assert named(world, hopper_frames[9]) == third
    refused(undo(world, one), "correction_superseded")
    assert undo(world, two_).status_code == 202 and named(world, hopper_frames[9]) == collins
    assert undo(world, one).status_code == 202 and named(world, hopper_frames[9]) == hopper


def test_the_name_of_whoever_comes_back_must_be_free(world, two):
    collins, hopper = two
    done = merge(world, collins, hopper)
    world.client.patch(f"/v1/people/{collins}", json={"name": "Grace Hopper"})
    assert refused(undo(world, done), "name_taken")["people"] == [{"id": collins, "name": "Grace Hopper"}]
    world.client.patch(f"/v1/people/{collins}", json={"name": "Eileen Collins"})
    assert undo(world, done).status_code == 202


def test_nothing_is_undone_when_its_time_is_over(make_world, collins_frames):
    world = make_world(correction_undo_s=0)
    collins = world.enroll("Eileen Collins", collins_frames[:6])["person"]["id"]
    done = move(world, collins, samples_of(world, collins)[:1], None)
    assert done.json["correction"]["status"] == "final"
    refused(undo(world, done), "correction_final")


def test_nothing_is_undone_when_somebody_it_is_about_was_deleted(world, two):
    collins, hopper = two
    done = move(world, collins, samples_of(world, collins)[:2], hopper)
    world.client.delete(f"/v1/people/{collins}")
    refused(undo(world, done), "correction_final")
    assert len(samples_of(world, hopper)) == 8
    shown = world.client.get("/v1/corrections").json["corrections"][0]
    assert shown["status"] == "final" and shown["person"] is None and shown["to"]["id"] == hopper


def test_more_pictures_of_somebody_who_was_split_off_stand_in_the_way(world, two, collins_frames):
    collins, _ = two
    done = split(world, collins, samples_of(world, collins)[:5], "New")
    made = done.json["correction"]["to"]["id"]
    world.train()
    fields = {"person_id": made, "if_known": "new", "if_not_alike": "take"}
    assert world.client.post("/v1/enroll", data={**fields, "frames": files(collins_frames[20:21])}).status_code == 202
    refused(undo(world, done), "correction_superseded")


def test_a_rollback_to_before_something_was_put_right_is_refused_if_it_would_name_wrongly(world, two):
    collins, hopper = two
    with world.database.read() as session:
        version = session.scalar(select(func.max(HeadVersion.version)))
    world.train()
    rollback = f"/v1/models/{version}/rollback"
    moved = move(world, collins, samples_of(world, collins)[:2], hopper)
    world.train()
    refused(world.client.post(rollback), "version_corrected")
    assert undo(world, moved).status_code == 202
    assert world.client.post(rollback).status_code == 202
    with world.database.read() as session:
        between = session.scalar(select(func.max(HeadVersion.version)))
    world.train()
    refused(world.client.post(f"/v1/models/{between}/rollback"), "version_corrected")
    assert merge(world, collins, hopper).status_code == 202  # whichever is named, it is the same person
    assert world.client.post(rollback).status_code == 202


def test_a_merged_person_who_is_deleted_leaves_no_trace_of_either(make_world, collins_frames, hopper_frames, tmp_path):
    world = make_world()
    collins = world.enroll("Eileen Marie Collins", collins_frames[:6])["person"]["id"]
    hopper = world.enroll("Grace Brewster Hopper", hopper_frames[:6])["person"]["id"]
    bystander = world.enroll("Bystander", hopper_frames[20:26], if_known="new")["person"]["id"]
    moved = samples_of(world, hopper)[:2]
    move(world, hopper, samples_of(world, hopper)[2:3], None)
    merge(world, collins, hopper)
    move(world, collins, moved, bystander)  # and back: it was learned as hers under three names
    world.train()
    move(world, bystander, moved, collins)
    with world.database.read() as session:
        crops = [sample.crop for sample in session.scalars(select(Sample).where(Sample.person_id == collins))]
    assert len(crops) == 12
    traces = [b"Brewster", b"Eileen Marie", *(crop[-200:-100] for crop in crops)]
    assert any(trace in file.read_bytes() for file in tmp_path.rglob("*.db*") for trace in traces)
    assert world.client.delete(f"/v1/people/{collins}").status_code == 202
    for file in tmp_path.rglob("*.db*"):
        assert not [trace for trace in traces if trace in file.read_bytes()], file
    with world.database.read() as session:
        assert session.scalar(select(func.count()).select_from(FormerOwner)) == 0
        for head in session.scalars(select(HeadVersion)):
            if head.version > 1:
                assert head.weights is None, head.version


def test_captures_that_had_failed_for_being_alike_are_learned_after_the_merge(world, collins_frames):
    collins = world.enroll("Eileen Collins", collins_frames[:6])["person"]["id"]
    fields = {"name": "E. Collins", "if_known": "new"}
    again = world.client.post("/v1/enroll", data={**fields, "frames": files(collins_frames[8:14])}).json
    with world.database.write() as session:
        row = session.get_one(Enrollment, again["id"])
        row.status, row.error_code, row.error_message, row.alike_person_id = "failed", "too_alike", "alike", collins
    world.train()
    done = merge(world, collins, again["person"]["id"])
    assert world.client.get(f"/v1/enrollments/{again['id']}").json["status"] == "live"
    world.train()
    assert world.client.get(f"/v1/people/{collins}").json["report"]["samples"] == 12
    undo(world, done)
    shown = world.client.get(f"/v1/enrollments/{again['id']}").json
    assert shown["status"] == "failed" and shown["error"]["person"]["id"] == collins


def test_what_is_about_somebody_is_listed_with_who_they_were(world, two):
    collins, hopper = two
    first = move(world, collins, samples_of(world, collins)[:1], None).json["correction"]
    second = merge(world, collins, hopper).json["correction"]
    listed = world.client.get(f"/v1/corrections?person={collins}").json
    assert [each["id"] for each in listed["corrections"]] == [second["id"], first["id"]] and listed["total"] == 2
    assert world.client.get("/v1/corrections?limit=1&offset=1").json["corrections"] == [first]
    assert world.client.get(f"/v1/corrections/{second['id']}").json == second
    audit = world.client.get("/v1/audit").json["entries"]
    assert [(each["action"], each["target"]) for each in audit[:2]] == [
        ("people_merged", collins), ("samples_moved", collins),
    ]  # fmt: skip


def test_nobody_is_merged_or_given_samples_whose_first_capture_is_open(world, two):
    collins, _ = two
    opened = world.client.post("/v1/enrollments", json={"name": "New"}).json["person"]["id"]
    refused(merge(world, collins, opened), "person_not_enrolled")
    refused(merge(world, opened, collins), "person_not_enrolled")
    refused(move(world, collins, samples_of(world, collins)[:1], opened), "person_not_enrolled")


def test_samples_of_a_capture_that_is_open_are_not_moved(world, two, collins_frames):
    collins, hopper = two
    opened = world.client.post("/v1/enrollments", json={"person_id": collins}).json["id"]
    world.client.post(f"/v1/enrollments/{opened}/frames", data=collins_frames[20], content_type="image/jpeg")
    newest = samples_of(world, collins)[-1]
    refused(move(world, collins, [newest], hopper), "enrollment_open")
    refused(move(world, collins, [newest], None), "enrollment_open")


@pytest.mark.parametrize("broken", ["merge", "move", "split", "undo"])
def test_without_redis_it_is_done_and_learned_later(world, two, broken):
    collins, hopper = two
    everything = samples_of(world, collins)
    done = move(world, collins, everything[:1], None)
    world.queue.away = True
    answer = {
        "merge": lambda: merge(world, collins, hopper),
        "move": lambda: move(world, collins, everything[1:2], hopper),
        "split": lambda: split(world, collins, everything[1:], "New"),
        "undo": lambda: undo(world, done),
    }[broken]()
    assert answer.status_code == 202
    with world.database.read() as session:
        assert answer.json["job"]["id"] in [each.id for each in trainings.open_ones(session)]


def test_an_enrolment_that_adds_to_somebody_is_a_correction_and_can_be_taken_back(world, two, collins_frames):
    collins, _ = two
    before = samples_of(world, collins)
    added = world.enroll("Eileen Collins", collins_frames[20:26], if_known="add", allow_same_name="true")
    shown = world.client.get("/v1/corrections").json["corrections"][0]
    assert (shown["kind"], shown["samples"], shown["enrollment"]) == ("add", 6, added["id"])
    assert shown["person"] is None and shown["to"]["id"] == collins
    answer = world.client.post(f"/v1/corrections/{shown['id']}/undo")
    assert answer.status_code == 202
    assert samples_of(world, collins) == before
    state = world.client.get(f"/v1/enrollments/{added['id']}").json
    assert state["status"] == "failed" and state["error"]["code"] == "taken_back"
    with world.database.read() as session:
        assert session.scalar(select(func.count()).select_from(Erasure)) > 0


def test_what_can_no_longer_be_undone_is_settled_and_what_was_nobodys_erased(make_world, collins_frames, hopper_frames):
    world = make_world(correction_undo_s=0)
    collins = world.enroll("Eileen Collins", collins_frames[:8])["person"]["id"]
    hopper = world.enroll("Grace Hopper", hopper_frames[:6])["person"]["id"]
    gone = samples_of(world, collins)[:2]
    move(world, collins, gone, None)
    merge(world, collins, hopper)
    world.train()
    with world.database.read() as session:
        due = corrections.due(session)
    assert len(due) == 2
    for each in due:
        world.database.retry(lambda session, its=each: corrections.settle(session, its))
    with world.database.read() as session:
        assert corrections.due(session) == []
        assert {row.before for row in corrections.newest(session, 9)} == {None}
        assert session.scalar(select(func.count()).where(Sample.id.in_(gone))) == 0
        live = session.scalars(select(HeadVersion).order_by(HeadVersion.version.desc())).first()
        assert live.weights is not None  # it was made without them
        assert session.get(Person, hopper) is None
    assert named(world, hopper_frames[9]) == collins


def whether(world: World, person_id: str) -> tuple[bool, bool]:
    """Return whether a head ever knew somebody, and whether that in service does."""
    card = world.client.get(f"/v1/people/{person_id}").json
    return card["learned"], card["live"]


def test_who_was_split_off_is_live_once_a_head_knows_them(world, two):
    collins, _ = two
    done = split(world, collins, samples_of(world, collins)[:5], "Sally Ride")
    made = done.json["correction"]["to"]["id"]
    assert whether(world, made) == (False, False) and whether(world, collins) == (True, True)
    world.train()
    assert whether(world, made) == (True, True)


def test_who_is_known_by_the_id_of_somebody_merged_into_them_is_live(world, two):
    collins, hopper = two
    (knows_collins_alone,) = (head for head, _ in world.serving.heads.values() if set(head.person_ids) == {collins})
    world.publish(knows_collins_alone)
    assert whether(world, hopper) == (True, False)
    done = merge(world, hopper, collins)
    assert whether(world, hopper) == (True, True)
    assert undo(world, done).status_code == 202
    assert whether(world, hopper) == (True, False) and whether(world, collins) == (True, True)
