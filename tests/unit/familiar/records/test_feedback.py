"""What somebody says of a face is kept once and can be taken back, and nothing of it outlives whom it is about."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from dying import dies_anywhere, dump
from opinions import AUTHOR, all_samples, cases, faces, learn, person, say, see, sighting, whose, withdraw
from seen import DIM, face, keep, seen
from sqlalchemy import func, select

from familiar.errors import Conflict, InvalidInput, NotFound
from familiar.knowing import to_blob
from familiar.records import Feedback as Row
from familiar.records import (
    Origin,
    Terms,
    Verdict,
    corrections,
    feedback,
    learned,
    letting_go,
    passes,
    people,
    quarantine,
    samples,
    sightings,
    trainings,
)
from familiar.records.schema import Embedding, Enrollment, QuarantinedFace, Sample, SightedFace


def test_what_is_right_becomes_a_sample_of_the_one_who_was_named(database, ada):
    said = say(database, sighting(database, person=ada, crop=b"the crop"), "right")
    assert said.changed and not said.asks_for_training
    assert cases(database) == []
    assert learn(database) == 1
    (row,) = all_samples(database)
    assert (row.person_id, row.origin, row.learned_on) == (ada, "confirmed", int(time.time() // 86_400))
    assert learn(database) == 0


def test_what_is_wrong_is_locked_for_the_one_and_learned_of_the_other(database, ada, bob):
    at = sighting(database, person=ada)
    said = say(database, at, "wrong", bob)
    assert said.asks_for_training
    see(database)
    assert cases(database) == [(said.feedback.id, ada)]
    assert whose(database, at) == bob
    learn(database)
    assert [row.person_id for row in all_samples(database)] == [bob]


def test_a_stranger_is_locked_for_everybody_and_learned_of_nobody(database, ada):
    at = sighting(database, person=ada)
    said = say(database, at, "stranger")
    see(database)
    assert cases(database) == [(said.feedback.id, None)] and learn(database) == 0
    assert whose(database, at) is None


def test_of_a_face_that_was_taken_for_nobody_it_is_said_whose_it_is(database, ada):
    at = sighting(database, 1)
    with pytest.raises(Conflict) as caught:
        say(database, at, "right")
    assert caught.value.code == "nobody_named"
    say(database, at, "right", ada)
    see(database)
    assert cases(database) == [] and learn(database) == 1
    other = sighting(database, 2, ago_s=100)
    say(database, other, "stranger")
    see(database)
    assert [who for _, who in cases(database)] == [None]


@pytest.mark.parametrize(
    ("verdict", "who"), [("right", "bob"), ("wrong", "ada"), ("stranger", "bob"), ("stranger", "ada")]
)
def test_verdict_and_person_must_not_contradict_each_other(database, ada, bob, verdict, who):
    at = sighting(database, person=ada)
    with pytest.raises(InvalidInput):
        say(database, at, verdict, {"ada": ada, "bob": bob}[who])
    with database.read() as session:
        assert feedback.count(session) == 0


@pytest.mark.parametrize("verdict", ["right", "wrong", "stranger"])
def test_the_same_said_twice_is_said_once(database, ada, verdict):
    at = sighting(database, person=ada)
    first, second = say(database, at, verdict), say(database, at, verdict)
    assert first.changed and not second.changed and not second.asks_for_training
    assert first.feedback.id == second.feedback.id
    with database.read() as session:
        assert feedback.count(session) == 1


def test_a_changed_mind_replaces_and_both_are_on_record(database, ada, bob):
    at = sighting(database, person=ada)
    first = say(database, at, "right").feedback.id
    learn(database)
    second = say(database, at, "wrong", bob)
    assert second.unlearned and all_samples(database) == []
    see(database)
    assert cases(database) == [(second.feedback.id, ada)]
    with database.read() as session:
        rows = feedback.newest(session, 10)
    assert [(row.id, row.replaced, row.ended_at is None) for row in rows] == [
        (second.feedback.id, False, True),
        (first, True, False),
    ]
    third = say(database, at, "right")
    assert cases(database) == [] and third.changed
    learn(database)
    assert [row.person_id for row in all_samples(database)] == [ada]


def test_what_is_withdrawn_is_as_if_it_had_never_been_said(database, ada, bob):
    at = sighting(database, person=ada)
    said = say(database, at, "wrong", bob)
    learn(database)
    back = withdraw(database, said.feedback.id)
    assert back.unlearned and back.asks_for_training
    assert all_samples(database) == [] and cases(database) == [] and faces(database) == []
    assert whose(database, at) == ada
    again = withdraw(database, said.feedback.id)
    assert not again.changed and not again.asks_for_training


def test_a_replaced_one_that_is_withdrawn_goes_back_to_before_the_first(database, ada, bob):
    at = sighting(database, person=ada)
    say(database, at, "wrong", bob)
    withdraw(database, say(database, at, "stranger").feedback.id)
    assert whose(database, at) == ada
    unknown = sighting(database, 2, ago_s=100)
    withdraw(database, say(database, unknown, "right", bob).feedback.id)
    assert whose(database, unknown) is None


def test_what_was_said_survives_the_pruning_of_its_sighting(database, ada):
    at = sighting(database, person=ada, crop=b"kept")
    said = say(database, at, "wrong")
    see(database)
    with database.write() as session:
        sightings.remove(session, [at], "pruned")
        assert quarantine.prune(session, 0.0) == 0
    assert cases(database) == [(said.feedback.id, ada)]
    assert withdraw(database, said.feedback.id).changed
    assert faces(database) == []


def test_a_sighting_that_is_deleted_takes_its_face_along_unless_something_was_said_of_it(database, ada):
    at = sighting(database, person=ada)
    with database.write() as session:
        row = sightings.get(session, at)
        quarantine.take_in(session, *reversed(feedback.face_of_sighting(session, row.id, 0)), ada, proposed=True)
        letting_go.forget_sightings(session, [at])
    assert faces(database) == []
    say(database, at, "wrong")
    with database.write() as session:
        letting_go.forget_sightings(session, [at])
    assert len(faces(database)) == 1


def test_of_a_sample_that_is_deleted_no_copy_is_left(database, ada):
    say(database, sighting(database, person=ada, crop=b"THE CROP"), "right")
    learn(database)
    with database.write() as session:
        samples.remove(session, session.scalars(select(Sample)).one())
    assert remains(database, "THE CROP") == [] and learn(database) == 0
    with database.read() as session:
        assert feedback.newest(session, 1)[0].ended_at is not None


def test_a_sample_that_was_put_right_since_stays_when_what_was_said_is_withdrawn(database, ada, bob):
    said = say(database, sighting(database, person=ada), "right").feedback.id
    learn(database)
    with database.write() as session:
        (row,) = session.scalars(select(Sample))
        corrections.move(session, ada, [row.id], bob, Terms(AUTHOR, 1000.0))
    assert not withdraw(database, said).unlearned
    assert [row.person_id for row in all_samples(database)] == [bob]


def test_every_face_of_a_pass_is_found_by_its_request_also_where_better_crops_took_its_place(database, ada, bob):
    keep(database, *(seen(1, ago_s=9 - at, person=ada, request=f"q{at}", weight=0.1 + at / 20) for at in range(8)))
    keep(database, seen(2, person=bob, request="q7", of_face=1))
    with database.read() as session:
        found = [feedback.face_of_request(session, f"q{at}", 0) for at in range(8)]
        beside, _ = feedback.face_of_request(session, "q7", 1)
    assert {row.id for row, _ in found} == {found[0][0].id} and beside.person_id == bob
    assert [crop.request_id for _, crop in found] == ["q7"] * 5 + ["q5", "q6", "q7"]


def test_of_a_long_pass_the_newest_faces_are_found(database, ada, monkeypatch):
    monkeypatch.setattr(passes, "MOST_FACES", 4)
    for at in range(9):
        keep(database, seen(1, ago_s=9 - at, person=ada, request=f"q{at}", weight=0.9 - at / 20))
    with database.read() as session:
        assert session.scalar(select(func.count()).select_from(SightedFace)) == 4
        for at in (0, 1, 2, 5, 6, 7, 8):  # the first three are the best crops
            assert feedback.face_of_request(session, f"q{at}", 0)[0].person_id == ada
        for at in (3, 4):
            with pytest.raises(NotFound):
                feedback.face_of_request(session, f"q{at}", 0)
    with database.write() as session:
        people.erase(session, ada)
    with database.read() as session:
        assert session.scalar(select(func.count()).select_from(SightedFace)) == 0


def test_nothing_can_be_said_of_what_is_not_kept(database, ada):
    with pytest.raises(NotFound) as caught:
        say(database, "0" * 32, "right")
    assert caught.value.code == "sighting_not_found"
    with database.read() as session, pytest.raises(NotFound) as caught:
        feedback.face_of_request(session, "no such request", 0)
    assert caught.value.code == "sighting_not_found"
    at = sighting(database, person=ada)
    with database.write() as session:
        people.erase(session, ada)
    with pytest.raises(NotFound):
        say(database, at, "wrong")


def test_somebody_who_is_not_there_or_not_enrolled_yet_is_nobodys_face(database, ada):
    at = sighting(database, person=ada)
    with pytest.raises(NotFound):
        say(database, at, "wrong", "1" * 32)
    with database.write() as session:
        begun = people.add(session, "Carl").id
    with pytest.raises(Conflict):
        say(database, at, "wrong", begun)


def remains(database, *needles):
    """Return which of these are left in the rows."""
    with database.read() as session:
        told = [str(vars(row)) for table in (Row, QuarantinedFace, Sample, Embedding, Enrollment)
                for row in session.scalars(select(table).execution_options(populate_existing=True))]  # fmt: skip
        told += [str(row.crop) for row in session.scalars(select(QuarantinedFace))]
    return [needle for needle in needles if any(needle in each for each in told)]


@pytest.mark.parametrize("learnt", [False, True])
@pytest.mark.parametrize("verdict", ["right", "wrong", "with", "stranger"])
@pytest.mark.parametrize("who", ["named", "other"])
def test_whoever_is_deleted_takes_along_what_was_said_of_them(database, ada, bob, verdict, who, learnt):
    at = sighting(database, person=ada, crop=b"THE CROP")
    say(database, at, verdict.replace("with", "wrong"), bob if verdict == "with" else None)
    see(database)
    if learnt:
        learn(database)
    with database.write() as session:
        people.erase(session, ada if who == "named" else bob)
    gone = ada if who == "named" else bob
    assert remains(database, gone) == []
    theirs = {"right": "named", "wrong": "named", "with": "other"}.get(verdict)
    assert (remains(database, "THE CROP") == []) == (who == theirs)
    # What is left of a face that is somebody else's still holds.
    assert len(cases(database)) == {
        ("wrong", "other"): 1, ("with", "other"): 0, ("stranger", "named"): 1, ("stranger", "other"): 1,
    }.get((verdict, who), 0)  # fmt: skip


def test_of_a_replaced_opinion_nothing_is_left_of_whoever_is_deleted_either(database, ada, bob):
    at = sighting(database, person=ada)
    say(database, at, "wrong", bob)
    say(database, at, "stranger")
    with database.write() as session:
        people.erase(session, bob)
    assert remains(database, bob) == []


def test_a_merge_carries_what_was_said_along_and_its_undoing_brings_it_back(database, ada, bob):
    carl = person(database, "Carl")
    at = sighting(database, person=ada)
    said = say(database, at, "wrong", bob).feedback.id
    see(database)
    terms = Terms(AUTHOR, 1000.0)
    with database.write() as session:
        merge = corrections.merge(session, carl, ada, terms).id
        corrections.merge(session, carl, bob, terms)
    assert cases(database) == [(said, carl)]
    with database.read() as session:
        assert list(learned.confirmed(session).values()) == [carl]
        assert [row.id for row in feedback.newest(session, 10, person_id=carl)] == [said]
    with database.write() as session:
        people.erase(session, carl)
    assert remains(database, ada, bob, carl) == []
    assert merge


def test_two_gateways_that_say_the_same_at_once_say_it_once(database, ada):
    at = sighting(database, person=ada)
    with database.read() as session:
        assert feedback.count(session) == 0
    with ThreadPoolExecutor(6) as pool:
        said = list(pool.map(lambda _: say(database, at, "wrong"), range(6)))
    assert sum(each.changed for each in said) == 1
    assert len({each.feedback.id for each in said}) == 1 and len(faces(database)) == 1


def test_the_moment_moves_with_what_is_said_and_withdrawn(database, ada):
    def moment():
        with database.read() as session:
            return feedback.changes(session)

    before = moment()
    said = say(database, sighting(database, person=ada), "wrong").feedback.id
    given = moment()
    withdraw(database, said)
    assert len({before, given, moment()}) == 3


def test_a_vector_is_learned_as_it_was_seen(database, ada):
    say(database, sighting(database, person=ada), "right")
    see(database, 7)
    learn(database)
    with database.read() as session:
        assert session.scalars(select(Embedding.vector)).one() == to_blob(face(7))
        assert len(samples.of_whom(session, ada, 1)) == 1 and DIM == 16


@pytest.mark.parametrize("what", ["right", "wrong", "stranger", "replaced", "withdrawn", "learned", "taken_back"])
def test_whatever_moment_the_process_dies_at_all_of_it_is_done_or_nothing(database, ada, bob, what):
    at = sighting(database, person=ada)
    said = None
    if what in ("replaced", "withdrawn", "learned", "taken_back"):
        said = say(database, at, "right").feedback.id
    if what in ("replaced", "withdrawn", "taken_back"):
        learn(database)

    def change(session):
        if what == "learned":
            learned.learn(session, learned.confirmed(session), Origin.CONFIRMED)
        elif what == "taken_back":
            learned.take_back(session, learned.Wanted(), AUTHOR)
        elif what == "withdrawn":
            feedback.withdraw(session, said, AUTHOR)
        else:
            kept = feedback.keep(session, *feedback.face_of_sighting(session, at, 0))
            verdict = Verdict("wrong" if what == "replaced" else what)
            feedback.give(session, kept, verdict, bob if what == "replaced" else None, AUTHOR)
        trainings.ask(session)

    before = dump(database)
    assert dies_anywhere(database, change) > 5
    after = dump(database)
    changed = {name for name in after if after[name] != before[name]}
    assert changed >= ({"samples", "quarantine"} if what in ("learned", "taken_back") else {"feedback"})
