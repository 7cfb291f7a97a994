"""A destination is told of each camera's events in order, by one at a time, and from where it was left."""

import pytest

from familiar.records import Database, deliveries, events
from familiar.records.schema import Ahead, Destination
from telling import tell


@pytest.fixture
def home(database: Database) -> Database:
    """A database with a destination that is ours."""
    with database.write() as session:
        assert deliveries.claim(session, "home", "me", None) is None
    return database


def waiting(database, limit=100, but=(), name="home"):
    with database.read() as session:
        return [each.number for each in deliveries.waiting(session, name, limit, but)]


def settle(database, reached, delivered=0, problem=None, owner="me"):
    with database.write() as session:
        return deliveries.settle(session, "home", owner, reached, delivered, problem)


def test_a_new_destination_is_told_of_what_happens_from_now_on(database):
    tell(database, "door")
    with database.write() as session:
        deliveries.claim(session, "home", "me", None)
    assert waiting(database) == []
    (event,) = tell(database, "door")
    assert waiting(database) == [event.number]
    assert waiting(database, name="unheard-of") == []


def test_what_was_told_is_told_no_more_and_nothing_is_left_over(home):
    told = [each.number for each in tell(home, "door", None, "yard", "door")]
    assert settle(home, {"door": told[3], "": told[1], "yard": told[2]}, 4)
    assert waiting(home) == []
    with home.read() as session:
        found = session.get(Destination, "home")
        assert (found.number, found.delivered, found.problem) == (told[3], 4, None)
        assert session.query(Ahead).count() == 0


def test_one_camera_that_is_held_up_holds_up_no_other_and_loses_nothing(home):
    told = [each.number for each in tell(home, "door", "yard", "door", "yard")]
    assert settle(home, {"yard": told[3]}, 2, "500")
    assert waiting(home) == [told[0], told[2]] and waiting(home, but={"door"}) == []
    more = [each.number for each in tell(home, "yard", "door", None)]
    assert waiting(home) == [told[0], told[2], *more] and waiting(home, but={"door", ""}) == [more[0]]
    assert settle(home, {"yard": more[0], "": more[2], "door": told[0]}, 3)
    assert waiting(home) == [told[2], more[1]]
    assert settle(home, {"door": more[1]}, 2)
    assert waiting(home) == []
    with home.read() as session:
        found = session.get(Destination, "home")
        assert (found.number, found.delivered) == (more[2], 7)
        assert session.query(Ahead).count() == 0
        assert deliveries.backlog(session, found) == 0


def test_the_backlog_counts_what_is_waiting(home):
    told = [each.number for each in tell(home, *"abab")]
    settle(home, {"b": told[1]}, 1)
    with home.read() as session:
        assert deliveries.backlog(session, session.get(Destination, "home")) == 3


def test_places_go_on_though_events_between_were_erased(home):
    told = [each.number for each in tell(home, *"aba")]
    with home.write() as session:
        session.query(events.Event).filter_by(number=told[1]).delete()
    assert waiting(home) == [told[0], told[2]]
    assert settle(home, {"a": told[2]})
    assert waiting(home) == [] and tell(home, "b")[0].number in waiting(home)


def test_one_at_a_time_delivers_and_another_takes_over_when_it_is_silent(home):
    def claim(silent):
        with home.write() as session:
            return deliveries.claim(session, "home", "other", silent)

    def alive():
        with home.write() as session:
            return deliveries.renew(session, "home", "me")

    sign = claim(None)
    assert sign is not None and sign[0] == "me"
    assert alive()
    later = claim(sign)
    assert later is not None and later != sign  # it has stirred
    assert claim(later) is None
    assert not alive() and not settle(home, {"": 99})
    with home.write() as session:
        deliveries.release(session, "home", "me")  # is not its own any more
    assert claim(None) is None
    with home.write() as session:
        deliveries.release(session, "home", "other")
        assert deliveries.claim(session, "home", "me", None) is None


def test_a_destination_that_nobody_delivers_to_any_more_is_forgotten(home):
    (event,) = tell(home, "door")
    with home.write() as session:
        deliveries.retain(session, "home", {"t": event.id})
        session.add(Ahead(destination="home", camera="door", number=event.number))
        deliveries.drop_unused(session, 3600)
        assert session.get(Destination, "home") is not None
        session.get(Destination, "home").touched_at -= 3601
        session.flush()
        deliveries.drop_unused(session, 3600)
        assert deliveries.all_of(session) == [] and session.query(Ahead).count() == 0
        assert deliveries.retained(session, "home") == []


def test_what_a_destination_keeps_showing_is_known_until_it_is_cleared(home):
    first, second = tell(home, "door", "yard")
    with home.write() as session:
        deliveries.retain(session, "home", {"one": first.id, "two": second.id})
    with home.write() as session:
        deliveries.retain(session, "home", {"one": second.id})
        assert deliveries.outlived(session, "home") == []
        session.query(events.Event).filter_by(id=second.id).delete()
        assert deliveries.outlived(session, "home") == deliveries.retained(session, "home") == ["one", "two"]
        deliveries.cleared(session, "home", ["one"])
        assert deliveries.retained(session, "home") == ["two"]
