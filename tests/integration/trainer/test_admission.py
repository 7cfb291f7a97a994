"""Who is learned where somebody else would pay for it, and that nobody else ever waits for that."""

from dataclasses import replace

import pytest
from endings import live, person_of, refused
from trainer_world import Here, World, somebody

from familiar.records import captures, trainings, versions
from familiar.records.training import Stage
from familiar.records.versions import HeadStatus
from familiar_trainer.export.gate import Gate
from test_faults import BreakingGate


def with_status(world: World, status: HeadStatus) -> list[int]:
    return [version for version, each in world.statuses().items() if each is status]


def test_a_double_is_refused_by_name_and_the_live_head_stays(world: World, here: Here) -> None:
    ada = world.enroll("Ada", somebody(1))
    live(world, here, ada)
    head = world.live()
    double = world.enroll("Not Ada", somebody(1))
    assert refused(world, here, double) == ("too_alike", person_of(world, ada))
    assert world.live() == head
    assert world.named(somebody(1)) == person_of(world, ada)
    training = world.training_of(double)
    assert (training.stage, training.error_code) == (Stage.REJECTED, "too_alike")
    (tried,) = with_status(world, HeadStatus.REJECTED)
    assert training.head_version == tried
    assert tried not in world.on_disk()
    with world.database.read() as session:
        assert versions.head(session, tried).meta["metrics"]["worse"]
        assert versions.report_of(session, tried, person_of(world, double))["samples"] == 10


def test_whoever_comes_with_a_double_or_after_one_is_learned(world: World, here: Here) -> None:
    ada = world.enroll("Ada", somebody(1))
    live(world, here, ada)
    grace, double, mary = (
        world.enroll(*who) for who in [("Grace", somebody(2)), ("2", somebody(1)), ("M", somebody(3))]
    )
    live(world, here, grace, mary)
    assert refused(world, here, double) == ("too_alike", person_of(world, ada))
    assert world.training_of(double).stage == Stage.LIVE
    assert person_of(world, double) not in world.recognise(somebody(1)).labels
    later = world.enroll("Joan", somebody(4))
    live(world, here, later)
    for enrollment, face in ((ada, 1), (grace, 2), (mary, 3), (later, 4)):
        assert world.named(somebody(face)) == person_of(world, enrollment)
    assert with_status(world, HeadStatus.REJECTED) == []


def test_of_two_names_for_one_face_that_come_at_once_the_first_is_learned(world: World, here: Here) -> None:
    first, second = world.enroll("Ada", somebody(1)), world.enroll("Ada again", somebody(1))
    live(world, here, first)
    assert refused(world, here, second) == ("too_alike", person_of(world, first))


def test_pictures_of_another_person_are_refused_and_spoil_nobody(world: World, here: Here) -> None:
    ada, grace = world.enroll("Ada", somebody(1)), world.enroll("Grace", somebody(2))
    live(world, here, ada, grace)
    wrong = world.enroll("more", somebody(5), 40, person_id=person_of(world, ada))
    mixed_up = world.enroll("more!", somebody(2), 40, person_id=person_of(world, ada))
    mary = world.enroll("Mary", somebody(3))
    live(world, here, mary)
    assert refused(world, here, wrong) == ("head_worse", None)
    assert "one person only" in world.enrollment(wrong).error_message
    assert refused(world, here, mixed_up) == ("too_alike", person_of(world, grace))
    assert [world.named(somebody(face)) for face in (1, 2, 3, 5)] == [
        *(person_of(world, each) for each in (ada, grace, mary)), None,
    ]  # fmt: skip


def test_when_the_other_one_is_deleted_the_double_can_be_enrolled(world: World, here: Here) -> None:
    ada = world.enroll("Ada", somebody(1))
    live(world, here, ada)
    double = world.enroll("Not Ada", somebody(1))
    refused(world, here, double)
    erased = world.erase(ada)
    again = world.enroll("again", somebody(1), person_id=person_of(world, double))
    live(world, here, again)
    assert world.named(somebody(1)) == person_of(world, double) != erased
    assert world.enrollment(double).alike_person_id is None


def test_a_deletion_is_carried_out_though_a_double_comes_with_it(world: World, here: Here) -> None:
    ada, grace = world.enroll("Ada", somebody(1)), world.enroll("Grace", somebody(2))
    live(world, here, ada, grace)
    holding = world.live()
    world.erase(ada)
    double = world.enroll("2", somebody(2))
    assert refused(world, here, double) == ("too_alike", person_of(world, grace))
    here.until("nothing of Ada is left", lambda: holding not in world.on_disk())
    assert [world.named(somebody(face)) for face in (1, 2)] == [None, person_of(world, grace)]


def test_a_try_that_breaks_off_afterwards_refuses_nobody_twice(world: World, gate: Gate) -> None:
    there = Here(world, BreakingGate(gate, times=0))
    there.reconciler.run_once()
    ada = world.enroll("Ada", somebody(1))
    live(world, there, ada)
    there.trainer.shelf._gate.left = 1
    double, grace = world.enroll("2", somebody(1)), world.enroll("Grace", somebody(2))
    live(world, there, grace)
    assert refused(world, there, double) == ("too_alike", person_of(world, ada))
    assert len(with_status(world, HeadStatus.FAILED)) == 1
    assert world.named(somebody(2)) == person_of(world, grace)


@pytest.mark.parametrize("comes", [False, True])
def test_a_stricter_target_reaches_the_live_head_whomever_it_costs_and_whoever_comes_with_it(
    world: World, here: Here, gate: Gate, comes: bool
) -> None:
    ids = [world.enroll(f"Person {face}", somebody(face), 30, spread=0.03) for face in range(5)]
    lenient = Here(world, gate, settings=replace(world.settings, far_target=0.3))
    live(world, lenient, *ids)
    with world.database.read() as session:
        assert versions.live_head(session).meta["far_target"] == 0.3
    strict = Here(world, gate, settings=replace(world.settings, far_target=1e-6))
    new = [world.enroll("Grace", somebody(7))] if comes else []

    def reached() -> bool:
        with world.database.read() as session:
            return versions.live_head(session).meta["far_target"] == 1e-6

    strict.until("the target is met", reached)
    live(world, strict, *new)
    with world.database.read() as session:
        head = versions.live_head(session)
        assert max(told["missed"] for told in head.report.values()) > 15  # it costs somebody more than half of 30
        told = [captures.get(session, one).status for one in ids]
        asked = len(trainings.recent(session))
    assert set(told) == {"live"}
    strict.work()
    Here(world, gate, settings=strict.trainer.settings).work()  # another start, and another trainer
    with world.database.read() as session:
        assert (len(trainings.recent(session)), versions.live_head(session).version) == (asked, head.version)
