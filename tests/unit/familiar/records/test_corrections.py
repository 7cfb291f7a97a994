"""What somebody puts right in the database: all of it or nothing, and what heads made before may still do."""

import threading
from collections.abc import Callable
from types import SimpleNamespace

import pytest
from dying import dies_anywhere, dump
from records_world import capture, learn, publish, remove, without_weights
from seen import keep as keep_sightings
from seen import seen
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from familiar.errors import Conflict, NotFound
from familiar.records import (
    Action,
    audit,
    corrections,
    enrollments,
    erasures,
    people,
    retries,
    reversals,
    samples,
    trainings,
    versions,
)
from familiar.records.corrections import Terms
from familiar.records.engine import Database
from familiar.records.enrollment import EnrollmentStatus
from familiar.records.schema import Correction, Enrollment, FormerOwner, Person, Sample
from familiar.records.training import Stage

NOBODY = SimpleNamespace(key_id=None, address=None)
TERMS = Terms(NOBODY, 1000.0)


@pytest.fixture
def two(database: Database) -> tuple[str, str, list[str], list[str]]:
    """Ada and Bob, with 3 and 2 samples, learned by head 1 and heads 1 and 2, who both came by.

    Their ids, and those of the samples.
    """
    ada, first, adas = capture(database, "Ada", frames=3)
    bob, second, bobs = capture(database, "Bob")
    learn(database, first, ada)
    learn(database, second, ada, bob)
    keep_sightings(database, seen(1, person=ada, others=(bob,)), seen(2, person=bob, others=(ada,)))
    return ada, bob, adas, bobs


def owners(database: Database) -> dict[str, str | None]:
    with database.read() as session:
        rows = session.execute(
            select(Sample.id, Sample.person_id, Sample.set_aside, Enrollment.person_id).join(Enrollment)
        )
        found = {}
        for sample_id, person_id, aside, of_enrollment in rows:
            assert person_id == of_enrollment, "a sample and its enrolment are one person's"
            found[sample_id] = None if aside else person_id
        return found


def contradicting(database: Database) -> set[int]:
    with database.read() as session:
        return {row.version for row in versions.heads(session) if corrections.contradict(session, row)}


def tainted(database: Database) -> set[int]:
    with database.read() as session:
        return erasures.tainted(session)


def do(database: Database, work: Callable[[Session], Correction]) -> str:
    return database.retry(lambda session: work(session).id)


def merge(database: Database, into: str, other: str) -> str:
    return do(database, lambda session: corrections.merge(session, into, other, TERMS))


def move(database: Database, person: str, sample_ids: list[str], to: str | None) -> str:
    return do(database, lambda session: corrections.move(session, person, sample_ids, to, TERMS))


def undo(database: Database, correction_id: str) -> None:
    database.retry(lambda session: reversals.undo(session, corrections.get(session, correction_id), NOBODY))


def test_a_head_contradicts_what_was_said_only_if_it_may_have_learned_the_sample_as_somebody_elses(
    database: Database, two
) -> None:
    ada, bob, adas, bobs = two
    moved = move(database, bob, bobs[:1], ada)
    assert contradicting(database) == {2}  # the first one does not know Bob
    third = publish(database, ada, bob)
    assert contradicting(database) == {2}
    aside = move(database, ada, adas[:1], None)
    assert contradicting(database) == {1, 2, third}
    undo(database, aside)
    undo(database, moved)
    assert contradicting(database) == {third}  # which learned as Ada's what is Bob's


def test_a_merge_contradicts_no_head_and_its_undoing_those_made_meanwhile(database: Database, two) -> None:
    ada, bob, _, _ = two
    merged = merge(database, ada, bob)
    assert contradicting(database) == set()
    with database.read() as session:
        assert people.meant(session, [ada, bob, "nobody"]) == {ada: (ada, "Ada"), bob: (ada, "Ada")}
    meanwhile = publish(database, ada)
    undo(database, merged)
    assert contradicting(database) == {meanwhile}


def test_a_sample_that_is_deleted_taints_the_heads_that_learned_it_under_any_name(database: Database, two) -> None:
    ada, bob, _adas, bobs = two
    move(database, bob, bobs[:1], ada)
    after = publish(database, ada, bob)
    remove(database, ada, bobs[0])
    assert tainted(database) == {2, after} == without_weights(database)
    with database.read() as session:
        assert session.scalar(select(func.count()).select_from(FormerOwner)) == 0


def test_a_head_that_came_back_was_made_of_what_its_weights_were(database: Database, two) -> None:
    ada, bob, _, bobs = two
    eve, third, _ = capture(database, "Eve")
    learn(database, third, ada, bob, eve)
    alone = publish(database, bob)
    merge(database, eve, bob)
    publish(database, ada, eve)
    with database.write() as session:
        rollback = trainings.ask_rollback(session, alone)
        trainings.end(rollback, Stage.LIVE)
    back = publish(database, bob)  # it knows Bob's samples as his, though they are Eve's for long
    with database.write() as session:
        versions.head(session, back).training_id = rollback.id
    assert back not in contradicting(database)
    moved = move(database, eve, bobs[:1], ada)
    assert {alone, back} <= contradicting(database)
    undo(database, moved)
    remove(database, eve, bobs[0])
    assert {alone, back} <= tainted(database)


def test_somebody_who_is_deleted_takes_along_the_heads_that_know_them_by_any_id(database: Database, two) -> None:
    ada, bob, _adas, _bobs = two
    eve, third, _ = capture(database, "Eve")
    learn(database, third, ada, bob, eve)
    merge(database, eve, bob)
    other = publish(database, ada)
    with database.write() as session:
        people.erase(session, eve)
    assert tainted(database) == {2, 3} and other not in tainted(database)
    with database.read() as session:
        assert people.meant(session, [bob, eve]) == {}
    where = {name for name, rows in dump(database).items() for row in rows if bob in row or eve in row}
    assert where <= {"erasures", "head_versions"}  # until no version with them is left
    with database.read() as session:
        assert [(row.final, row.before) for row in corrections.newest(session, 9)] == [(True, None)]


def test_somebody_split_off_who_is_deleted_takes_along_the_heads_that_learned_them_as_the_other(
    database: Database, two
) -> None:
    ada, bob, adas, _ = two
    split = do(database, lambda session: corrections.split(session, ada, adas[:2], "Eve", TERMS))
    with database.read() as session:
        eve = corrections.get(session, split).to_person_id
    others = publish(database, bob)
    with database.write() as session:
        people.erase(session, eve)
    assert tainted(database) == {1, 2} and others not in tainted(database)
    with pytest.raises(Conflict) as refused:
        undo(database, split)
    assert refused.value.code == "correction_final"


def test_after_each_correction_and_its_undoing_everything_is_as_before(database: Database, two) -> None:
    ada, bob, adas, bobs = two
    before, listed = owners(database), dump(database)
    everything = [
        merge(database, ada, bob),
        move(database, ada, bobs, None),
        do(database, lambda session: corrections.split(session, ada, adas, "Eve", TERMS)),
    ]
    for each in reversed(everything):
        undo(database, each)
    assert owners(database) == before
    now = dump(database)
    changed = {name for name in listed if listed[name] != now[name]}
    assert changed == {"corrections", "former_owners"}


def test_a_sample_deleted_meanwhile_does_not_come_back(database: Database, two) -> None:
    ada, bob, _, bobs = two
    moved = move(database, bob, bobs, ada)
    remove(database, ada, bobs[0])
    undo(database, moved)
    assert bobs[0] not in owners(database) and owners(database)[bobs[1]] == bob


def test_whoever_has_been_merged_meanwhile_gets_back_what_was_moved_from_them(database: Database, two) -> None:
    ada, bob, _adas, bobs = two
    eve, third, _ = capture(database, "Eve")
    learn(database, third, ada, bob, eve)
    moved = move(database, bob, bobs[:1], ada)
    merge(database, eve, bob)
    undo(database, moved)
    assert owners(database)[bobs[0]] == eve


@pytest.mark.parametrize("what", ["merge", "move", "split", "undo"])
def test_whatever_moment_the_process_dies_at_all_of_it_is_done_or_nothing(database: Database, two, what: str) -> None:
    ada, bob, adas, _bobs = two
    merged = merge(database, ada, bob) if what == "undo" else ""

    def change(session: Session) -> None:
        if what == "merge":
            corrections.merge(session, ada, bob, TERMS)
        elif what == "move":
            corrections.move(session, ada, adas[:2], bob, TERMS)
        elif what == "split":
            corrections.split(session, ada, adas[:2], "Eve", TERMS)
        else:
            reversals.undo(session, corrections.get(session, merged, lock=True), NOBODY)
        trainings.ask(session)

    before = dump(database)
    assert dies_anywhere(database, change) > 5
    after = dump(database)
    assert all(after[name] != before[name] for name in ("corrections", "people" if what != "move" else "samples"))
    with database.read() as session:
        assert len(trainings.open_ones(session)) == 1
    owners(database)


def test_of_two_who_merge_the_same_two_at_once_one_is_told_that_there_is_nobody(database: Database, two) -> None:
    ada, bob, _, _ = two
    merge(database, ada, bob)
    with pytest.raises(Exception, match="there is no person"):
        merge(database, bob, ada)


def test_what_was_set_aside_is_not_learned_and_is_seen_by_another_backbone_all_the_same(
    database: Database, two
) -> None:
    ada, _bob, adas, _ = two
    move(database, ada, adas[:1], None)
    with database.read() as session:
        assert adas[0] not in {row.sample_id for row in samples.enrolled(session, 1)}
        assert len(samples.of_whom(session, ada, 1)) == samples.count(session, ada) == 2
        assert samples.count_without(session, 2) == 5


def test_the_tables_of_before_come_back_without_what_was_set_aside(database: Database, two) -> None:
    from alembic import command

    from familiar.records.migrate import _config, check, migrate

    ada, _, adas, _ = two
    move(database, ada, adas[:1], None)
    with database.connected() as connection:
        config = _config()
        config.attributes["connection"] = connection
        command.downgrade(config, "0009")
        assert connection.execute(text("SELECT count(*) FROM samples")).scalar_one() == 4
    migrate(database)
    check(database)


def test_an_enrolment_that_holds_what_was_given_is_learned_by_no_training_of_before(database: Database, two) -> None:
    ada, bob, adas, _ = two
    move(database, ada, adas[:1], bob)
    with database.read() as session:
        held = session.scalars(select(Enrollment).where(Enrollment.head_version == 3)).one()
        assert held.status == "live" and held.person_id == bob
        assert [each.id for each in enrollments.queued(session)] == []
        assert session.get(Person, ada) is not None


def test_whatever_is_put_right_at_once_a_sample_and_its_enrolment_are_one_persons(database: Database, two) -> None:
    ada, bob, adas, bobs = two
    eve, third, eves = capture(database, "Eve", frames=3)
    learn(database, third, ada, bob, eve)
    done: list[str] = []
    strange: list[Exception] = []

    def keep(correction_id: str) -> None:
        done.append(correction_id)

    attempts: list[Callable[[], object]] = [
        lambda: keep(merge(database, ada, bob)),
        lambda: keep(merge(database, bob, ada)),
        lambda: keep(move(database, ada, adas[:2], eve)),
        lambda: keep(move(database, eve, eves[:2], bob)),
        lambda: keep(move(database, bob, bobs[:1], None)),
        lambda: undo(database, done[-1]),
        lambda: database.retry(lambda session: people.erase(session, eve)),
        lambda: remove(database, ada, adas[2]),
    ]

    def attempt(work: Callable[[], object]) -> None:
        try:
            work()
        except (Conflict, NotFound, IndexError):
            pass
        except Exception as exc:  # told by the test, not by a thread that nobody asks
            strange.append(exc)

    threads = [threading.Thread(target=attempt, args=(work,)) for work in attempts * 3]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert strange == []
    with database.read() as session:
        there = set(session.scalars(select(Person.id)))
    assert {owner for owner in owners(database).values() if owner} <= there


def test_what_was_given_of_an_enrolment_that_is_deleted_stays_where_it_is(database: Database, two) -> None:
    ada, bob, _, _ = two
    _, again, more = capture(database, "Ada", ada)
    with database.write() as session:
        trainings.end(enrollments.close(session, enrollments.get(session, again)), Stage.LIVE)
        added = corrections.added(session, enrollments.get(session, again), TERMS).id
        enrollments.settle(session, [again], EnrollmentStatus.FAILED, code="head_worse", message="it cannot be")
    given, aside = move(database, ada, more[:1], bob), move(database, ada, more[1:], None)
    with database.write() as session:
        assert not enrollments.withdraw(session, enrollments.get(session, again))
    assert owners(database)[more[0]] == bob and more[1] not in owners(database)
    for each in (given, added):
        with pytest.raises(Conflict) as refused:
            undo(database, each)
        assert refused.value.code == "correction_final"
    undo(database, aside)  # and nothing comes back
    assert owners(database)[more[0]] == bob and more[1] not in owners(database)


def test_an_enrolment_that_is_deleted_takes_the_heads_that_learned_it_as_somebody_elses(
    database: Database, two
) -> None:
    ada, bob, _, _ = two
    _, again, _ = capture(database, "Bob", bob)
    with database.write() as session:
        trainings.end(enrollments.close(session, enrollments.get(session, again)), Stage.LIVE)
        why = {"code": "too_alike", "message": "they cannot be told apart", "alike": ada}
        enrollments.settle(session, [again], EnrollmentStatus.FAILED, **why)
    merged = merge(database, ada, bob)
    learned = publish(database, ada)
    undo(database, merged)
    assert learned not in tainted(database)
    with database.write() as session:
        assert not enrollments.withdraw(session, enrollments.get(session, again))
    assert learned in tainted(database)


def test_the_audit_leads_from_whoever_was_merged_to_the_one_who_stays(database: Database, two) -> None:
    ada, bob, _, _ = two
    with database.write() as session:
        audit.note(session, NOBODY, Action.PERSON_RENAMED, bob)
        audit.note(session, NOBODY, Action.CORRECTION_UNDONE, ada)

    def told() -> list[str | None]:
        with database.read() as session:
            lines = audit.newest(session, 10)
            known = audit.people_of(session, lines)
            assert ada not in str([line.target for line in lines]) and bob not in str([line.target for line in lines])
            return [known[line.target].id if line.target in known else None for line in lines]

    assert told() == [ada, bob]
    merged = merge(database, ada, bob)
    assert told() == [ada, ada]
    undo(database, merged)
    assert told() == [ada, bob]
    merge(database, ada, bob)
    with database.write() as session:
        people.erase(session, ada)
    assert told() == [None, None]


@pytest.mark.parametrize("action", [action for action in Action if action.value.startswith(("pe", "sample", "corr"))])
def test_of_what_is_done_to_people_the_audit_keeps_no_id(database: Database, two, action: Action) -> None:
    ada, *_ = two
    with database.write() as session:
        audit.note(session, NOBODY, action, ada)
        assert audit.newest(session, 1)[0].target == audit.mark_of(ada)


def test_a_rollback_to_a_head_that_contradicts_is_not_worth_another_try(database: Database, two) -> None:
    ada, bob, adas, _ = two
    with database.write() as session:
        failed = trainings.ask_rollback(session, 1)
        trainings.end(failed, Stage.FAILED, code="load_failed", message="it was not loaded")
        failed_id = failed.id

    def worthwhile() -> set[str]:
        with database.read() as session:
            return retries.worthwhile(session, trainings.recent(session))

    assert worthwhile() == {failed_id}
    moved = move(database, ada, adas[:1], bob)
    assert worthwhile() == set()
    undo(database, moved)
    assert worthwhile() == {failed_id}
