"""Events stay in order, are pruned by age and number, and go with whoever they are of."""

import threading
import time
from contextlib import suppress

import pytest
from records_world import capture, learn
from sqlalchemy import update

from familiar.errors import DatabaseUnavailable
from familiar.records import corrections, deliveries, events, people
from familiar.records.corrections import Terms as Conditions
from familiar.records.event import EventKind
from familiar.records.schema import Event, Visit
from telling import enrolled, frame, kinds, listed, see, tell


class Somebody:
    key_id, address = None, None


def test_a_list_goes_on_after_a_number_the_oldest_first(database):
    told = tell(database, *"aaaaa")
    with database.read() as session:
        first = events.page(session, events.Wanted(), 0, 2)
        rest = events.page(session, events.Wanted(), first[-1].number, 10)
    assert [each.id for each in [*first, *rest]] == [each.id for each in told]


def test_events_are_found_by_kind_person_camera_and_time(database):
    ada = enrolled(database, "Ada")
    see(database, frame(0, ada), frame(100, ada, camera="yard"))
    tell(database, "door")
    (seen,) = listed(database, person_ids={ada}, camera="yard")
    assert seen.at == pytest.approx(listed(database, person_ids={ada})[0].at + 100)
    assert kinds(listed(database, kind=EventKind.UNKNOWN_SEEN)) == [(EventKind.UNKNOWN_SEEN, None)]
    assert [each.id for each in listed(database, since=seen.at, until=seen.at + 1)] == [seen.id]
    assert [each.camera for each in listed(database, until=seen.at)] == ["door", "door"]


def test_whoever_was_learned_is_told_once_for_all_enrolments_of_one_training(database):
    ada, first, _ = capture(database, "Ada")
    _, second, _ = capture(database, "Ada", person_id=ada)
    learn(database, first, ada)
    with database.write() as session:
        events.enrolled(session, [first, second, "0" * 32], 3)
    (event,) = listed(database)
    assert (event.kind, event.person_id, event.camera, event.head_version) == (EventKind.PERSON_ENROLLED, ada, None, 3)


def test_numbers_are_seen_in_order_whoever_writes_and_none_is_given_twice(database):
    seen: list[list[int]] = []
    done = threading.Event()

    def write() -> None:
        left = 15
        for _ in range(100):
            with suppress(
                DatabaseUnavailable
            ):  # on a slow disk others had their turns for longer than one waits for it
                left -= len(tell(database, "door"))
            if not left:
                return

    def follow() -> None:
        last, numbers = 0, []
        while not done.is_set() or listed(database)[-1].number > last:
            with database.read() as session:
                for each in events.page(session, events.Wanted(), last, 100):
                    numbers.append(each.number)
                    last = each.number
        seen.append(numbers)

    writers = [threading.Thread(target=write) for _ in range(3)]
    follower = threading.Thread(target=follow)
    for thread in (*writers, follower):
        thread.start()
    for thread in writers:
        thread.join()
    done.set()
    follower.join()
    assert seen == [[each.number for each in listed(database)]] and len(seen[0]) == 45
    with database.write() as session:
        session.query(Event).delete()
    assert tell(database, "door")[0].number > seen[0][-1]


def test_the_oldest_go_when_there_are_too_many_and_it_is_noted_who_was_not_told(database):
    with database.write() as session:
        deliveries.enlist(session, "behind")
    told = tell(database, *"abababab")
    with database.write() as session:
        deliveries.claim(session, "behind", "me", None)
        assert deliveries.settle(session, "behind", "me", {"a": told[2].number}, 2, None)
    assert not due(database, 8)
    assert due(database, 3) and prune(database, 3) == 5
    assert [each.id for each in listed(database)] == [each.id for each in told[5:]]
    with database.read() as session:
        (destination,) = deliveries.all_of(session)
        assert destination.dropped == 3  # the b of place 1 and 3, the a of place 4
        assert [each.id for each in deliveries.waiting(session, "behind", 10)] == [each.id for each in told[5:]]


@pytest.mark.parametrize("age_s", [-200_000, 101])
def test_what_is_too_old_goes_and_so_does_what_is_from_a_time_to_come(database, age_s):
    ada = enrolled(database, "Ada")
    see(database, frame(0, ada))
    now = time.time()
    with database.write() as session:
        session.execute(update(Event).values(written_at=now - 10))
        session.execute(update(Visit).values(noted_at=now - 10))
    assert not due(database, 10, keep_s=100)
    with database.write() as session:
        session.execute(update(Event).values(written_at=now - age_s))
        session.execute(update(Visit).values(noted_at=now - age_s))
    assert due(database, 10, keep_s=100) and prune(database, 10, keep_s=100) == 1
    assert listed(database) == [] and not due(database, 10, keep_s=100)
    with database.read() as session:
        assert session.query(Visit).count() == 0


def test_whoever_is_erased_takes_all_events_and_visits_along_told_or_not(database):
    ada, again, grace = (enrolled(database, name) for name in ("Ada", "Ada again", "Grace"))
    see(database, frame(0, ada, grace), frame(600, again, camera="yard"))
    with database.write() as session:
        corrections.merge(session, ada, again, Conditions(Somebody(), 3600))
    with database.write() as session:
        people.erase(session, ada)
    assert kinds(listed(database)) == [(EventKind.PERSON_SEEN, grace)]
    with database.read() as session:
        assert [row.person_id for row in session.query(Visit)] == [grace]


def due(database, most, keep_s=10.0**9):
    with database.read() as session:
        return events.due(session, keep_s, most)


def prune(database, most, keep_s=10.0**9):
    with database.write() as session:
        return events.prune(session, keep_s, most)
