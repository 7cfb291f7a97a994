"""What somebody put right is learned, by no training undone, and contradicted by no head for long."""

from types import SimpleNamespace

import pytest
from trainer_world import Here, World, somebody

from familiar import learning
from familiar.records import corrections, enrollments, erasures, people, reversals, samples, trainings, versions
from familiar.records.corrections import Terms
from familiar.records.training import Stage

NOBODY = SimpleNamespace(key_id=None, address=None)
TERMS = Terms(NOBODY, 1000.0)


def samples_of(world: World, person_id: str) -> list[str]:
    with world.database.read() as session:
        return [each.id for each in samples.of_person(session, person_id)]


def correct(world: World, what) -> str:
    """Put something right as the gateway does; nothing is put on the queue."""

    def work(session) -> str:
        correction = what(session)
        trainings.ask(session)
        return correction.id

    return world.database.retry(work)


def merge(world: World, into: str, other: str) -> str:
    return correct(world, lambda session: corrections.merge(session, into, other, TERMS))


def move(world: World, person: str, sample_ids: list[str], to: str | None) -> str:
    return correct(world, lambda session: corrections.move(session, person, sample_ids, to, TERMS))


def undo(world: World, correction_id: str) -> None:
    def work(session) -> None:
        reversals.undo(session, corrections.get(session, correction_id), NOBODY)
        trainings.ask(session)

    world.database.retry(work)


def settled(world: World) -> bool:
    with world.database.read() as session:
        return not trainings.any_open(session)


def told(world: World, person_id: str) -> int:
    with world.database.read() as session:
        report = versions.report_of(session, world.live(), person_id)
    return 0 if report is None else report["samples"]


@pytest.fixture
def two(world: World, here: Here) -> tuple[str, str]:
    """Ada, who has the faces 1 (10 samples), and Grace, who has the faces 2 (10); both are live."""
    enrolled = [world.enroll("Ada", somebody(1)), world.enroll("Grace", somebody(2))]
    here.until("both are live", lambda: all(world.ended(each) == "live" for each in enrolled))
    ada, grace = (world.enrollment(each).person_id for each in enrolled)
    return ada, grace


def test_somebody_enrolled_twice_is_one_after_a_merge_and_stays_so(world: World, here: Here, two) -> None:
    ada, _ = two
    again = world.enroll("Ada L.", somebody(1), many=12)
    assert here.until("it has ended", lambda: world.ended(again)) == "failed"
    assert world.enrollment(again).error_code == "too_alike"
    merged = merge(world, ada, world.enrollment(again).person_id)
    here.until("it is learned", lambda: settled(world))
    assert told(world, ada) == 22 and world.named(somebody(1)) == ada
    other = world.enroll("Mary", somebody(3))
    here.until("Mary is live", lambda: world.ended(other))
    assert told(world, ada) == 22
    undo(world, merged)
    here.until("it is as before", lambda: settled(world))
    assert told(world, ada) == 10 and world.enrollment(again).error_code == "too_alike"


def test_two_who_were_one_are_told_apart_after_a_split(world: World, here: Here) -> None:
    mixed = world.enroll("Ada", somebody(1))
    here.until("it is live", lambda: world.ended(mixed))
    ada = world.enrollment(mixed).person_id
    more = world.enroll("Ada", somebody(2), person_id=ada)
    here.until("the others are there too", lambda: world.ended(more))
    with world.database.read() as session:
        second = [each.id for each in samples.of_person(session, ada) if each.enrollment_id == more]
    assert len(second) == 10  # whatever a training made of them
    split = correct(world, lambda session: corrections.split(session, ada, second, "Grace", TERMS))
    here.until("it is learned", lambda: settled(world))
    with world.database.read() as session:
        grace = corrections.get(session, split).to_person_id
    assert (world.named(somebody(1)), world.named(somebody(2))) == (ada, grace)


@pytest.mark.parametrize("what", ["merge", "move", "nobody"])
def test_what_is_put_right_while_a_head_is_learned_is_in_that_very_head(world: World, gate, here, two, what) -> None:
    ada, grace = two
    waiting = world.enroll("Grace", somebody(2), person_id=grace)
    done: list[str] = []

    class CorrectingLearner:
        """Learns, and while it does so, the first time, somebody puts something right that was read already."""

        def learn(self, gallery, cohort, far_target, correction, negatives):
            if not done:
                done.append("")
                done[0] = {
                    "merge": lambda: merge(world, ada, grace),
                    "move": lambda: move(world, grace, samples_of(world, grace)[:4], ada),
                    "nobody": lambda: move(world, grace, samples_of(world, grace)[:4], None),
                }[what]()
            return learning.learn(gallery, cohort, far_target, correction, negatives)

        worse_than, admit = staticmethod(learning.worse_than), staticmethod(learning.admit)

    there = Here(world, gate, learner=CorrectingLearner())
    assert there.until("the enrolment has ended", lambda: world.ended(waiting)) == "live"
    with world.database.read() as session:
        assert not corrections.contradict(session, versions.head(session, world.live()))
    assert (told(world, ada), told(world, grace)) == {"merge": (30, 0), "move": (14, 16), "nobody": (10, 16)}[what]


def test_a_head_that_was_published_before_something_was_put_right_does_not_go_live(
    world: World, gate, here: Here, two, monkeypatch
) -> None:
    ada, grace = two
    newest = world.enroll("Mary", somebody(3))
    published: list[int] = []
    put = type(here.trainer.shelf).put

    def put_and_correct(shelf, candidate, watch=None) -> None:
        put(shelf, candidate, watch)
        if not published:
            published.append(candidate.version)
            move(world, grace, samples_of(world, grace)[:4], ada)

    monkeypatch.setattr(type(here.trainer.shelf), "put", put_and_correct)
    assert here.until("Mary is live", lambda: world.ended(newest)) == "live"
    assert world.live() > published[0] and world.statuses()[published[0]] == "abandoned"
    assert (told(world, ada), told(world, grace)) == (14, 6)


def test_a_rollback_to_what_contradicts_fails_and_one_to_before_a_merge_names_the_one_who_stayed(
    world: World, here: Here, two
) -> None:
    ada, grace = two
    before = world.live()
    moved = move(world, grace, samples_of(world, grace)[:4], ada)
    here.until("it is learned", lambda: settled(world))
    with world.database.write() as session:
        refused = trainings.ask_rollback(session, before).id
    here.until("it has ended", lambda: _stage(world, refused).ended)
    with world.database.read() as session:
        assert (trainings.get(session, refused).stage, trainings.get(session, refused).error_code) == (
            Stage.FAILED, "head_corrected",
        )  # fmt: skip
    undo(world, moved)
    merge(world, ada, grace)
    here.until("it is learned", lambda: settled(world))
    with world.database.write() as session:
        allowed = trainings.ask_rollback(session, before).id
    here.until("it has ended", lambda: _stage(world, allowed).ended)
    assert _stage(world, allowed) is Stage.LIVE
    with world.database.read() as session:
        assert people.meant(session, [world.named(somebody(2))]) == {grace: (ada, "Ada")}


def test_a_merged_person_who_is_deleted_leaves_no_trace_of_either(world: World, here: Here, two) -> None:
    ada, grace = two
    mary = world.enroll("Mary", somebody(3))
    here.until("Mary is live", lambda: world.ended(mary))
    merge(world, ada, grace)
    here.until("it is learned", lambda: settled(world))
    moved = samples_of(world, ada)[:2]
    move(world, ada, moved, world.enrollment(mary).person_id)
    here.until("it is learned", lambda: settled(world))
    move(world, world.enrollment(mary).person_id, moved, ada)
    with world.database.write() as session:
        people.erase(session, ada)
        trainings.ask(session)
    here.until("the erasure is complete", lambda: not _erasing(world))
    for path in (path for folder in (world.heads, world.folder) for path in folder.rglob("*") if path.is_file()):
        if path.suffix != ".log" and "familiar.db" not in path.name:
            assert ada.encode() not in path.read_bytes() and grace.encode() not in path.read_bytes(), path
    content = b"".join(path.read_bytes() for path in world.folder.glob("familiar.db*"))
    assert b"Grace" not in content and b"Ada" not in content
    assert world.named(somebody(1)) is None and world.named(somebody(2)) is None
    with world.database.read() as session:
        assert all(ada not in row.person_ids and grace not in row.person_ids for row in versions.heads(session))
    assert world.named(somebody(3)) == world.enrollment(mary).person_id


def test_what_was_set_aside_is_erased_when_that_cannot_be_undone_any_more(world: World, here: Here, two) -> None:
    _, grace = two
    gone = samples_of(world, grace)[:3]
    done = correct(world, lambda session: corrections.move(session, grace, gone, None, Terms(NOBODY, 0.0)))
    here.until("it is learned", lambda: settled(world) and not _erasing(world))
    with world.database.read() as session:
        assert corrections.get(session, done).final and corrections.due(session) == []
        assert erasures.tainted(session) == set()
    assert told(world, grace) == 7


def test_somebody_whose_capture_waits_is_merged_and_it_is_learned(world: World, here: Here, two) -> None:
    ada, _ = two
    waiting = world.enroll("Ada L.", somebody(1), many=12)
    merge(world, ada, world.enrollment(waiting).person_id)
    with world.database.read() as session:
        assert [each.person_id for each in enrollments.queued(session)] == [ada]
    assert here.until("it has ended", lambda: world.ended(waiting)) == "live"
    assert told(world, ada) == 22 and world.named(somebody(1)) == ada


def _stage(world: World, training_id: str) -> Stage:
    with world.database.read() as session:
        return Stage(trainings.get(session, training_id).stage)


def _erasing(world: World) -> list[str]:
    with world.database.read() as session:
        return erasures.open_ones(session)
