"""What somebody says of a face is a locked case: no later head names it so, none that does goes live or comes back."""

import time
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from trainer_world import CROP, Here, World, frames_of, somebody, until

from familiar import learning
from familiar.knowing import Head, Status, normalise
from familiar.learning import candidates
from familiar.records import (
    Origin,
    Verdict,
    feedback,
    learned,
    locked_cases,
    passes,
    quarantine,
    samples,
    trainings,
    versions,
)
from familiar.records.schema import Sample
from familiar.records.training import Stage
from familiar.seeing import Quality
from familiar.servable import BackboneMeta
from familiar_trainer import crash_points

NOBODY = SimpleNamespace(key_id=None, address=None)
GOOD = Quality(60.0, 4.0, 120.0, 0.0, 0.0, 0.0, 1.0).to_dict()


def seen(world: World, vector: np.ndarray, person_id: str | None, *, frames: int = 1, ago_s: float = 60.0) -> str:
    """Have a face come by that is taken for somebody; return the sighting."""
    request = f"r{time.monotonic_ns()}"
    for number in range(frames):
        face = passes.Seen(
            captured_at=time.time() - ago_s + number, camera=request,
            status=Status.KNOWN if person_id else Status.UNKNOWN, person_id=person_id,
            score=0.9, candidates=[(person_id, 0.9)] if person_id else [], head_version=world.live(),
            backbone_version=1, vector=vector, alike=0.9, weight=0.5 + number / 100, request_id=f"{request}-{number}",
            face=0, box=(0.0, 0.0, 9.0, 9.0), quality=GOOD, crop=lambda: CROP,
        )  # fmt: skip
        world.database.retry(lambda session, face=face: passes.keep(session, [face]))
    with world.database.read() as session:
        return feedback.face_of_request(session, f"{request}-{frames - 1}", 0)[0].id


def say(world: World, vector: np.ndarray, named: str | None, verdict: str, person_id: str | None = None) -> str:
    """Say something of a face as the gateway does; the backbone has seen it. Nothing is put on the queue."""
    sighting = seen(world, vector, named)

    def give(session) -> str:
        position = feedback.sightings.crops(session, [sighting])[sighting][0].position
        kept = feedback.keep(session, *feedback.face_of_sighting(session, sighting, position))
        quarantine.see(session, 1, {kept.id: vector})
        said = feedback.give(session, kept, Verdict(verdict), person_id, NOBODY)
        if said.asks_for_training:
            trainings.ask(session)
        return said.feedback.id

    return world.database.retry(give)


def withdraw(world: World, feedback_id: str) -> None:
    def end(session) -> None:
        feedback.withdraw(session, feedback_id, NOBODY)
        trainings.ask(session)

    world.database.retry(end)


def settled(world: World) -> bool:
    with world.database.read() as session:
        return not trainings.any_open(session)


def last_training(world: World):
    with world.database.read() as session:
        return trainings.recent(session, 1)[0]


def conflict(world: World, feedback_id: str):
    with world.database.read() as session:
        return feedback.get(session, feedback_id).conflict


def head_of(world: World) -> Head:
    with world.database.read() as session:
        return Head.from_bytes(versions.live_head(session).weights)


def mistaken(world: World, person_id: str, number: int, toward: int = 40) -> np.ndarray:
    """Return a face on the way from somebody's to a stranger's that is just named as that person."""
    head = head_of(world)
    for share in np.linspace(1, 0, 500):
        face = normalise((1 - share) * somebody(number) + share * somebody(toward))
        answer = head.identify(face[None])
        if answer.known[0] and head.person_ids[answer.index[0, 0]] == person_id:
            return face
    raise AssertionError("nobody is taken for them")


@pytest.fixture
def two(world: World, here: Here) -> tuple[str, str]:
    """Ada, who has the faces 1, and Grace, who has the faces 2; both are live."""
    enrolled = [world.enroll("Ada", somebody(1)), world.enroll("Grace", somebody(2))]
    here.until("both are live", lambda: all(world.ended(each) == "live" for each in enrolled))
    ada, grace = (world.enrollment(each).person_id for each in enrolled)
    return ada, grace


@pytest.mark.parametrize("verdict", ["wrong", "stranger"])
def test_no_later_head_names_a_face_as_who_it_is_not(world: World, here: Here, two, verdict) -> None:
    ada, grace = two
    before, face = world.live(), mistaken(world, ada, 1)
    assert world.named(face) == ada
    said = say(world, face, ada, verdict)
    here.until("it is learned", lambda: settled(world))
    assert world.named(face) is None and conflict(world, said) is None
    assert (world.named(somebody(1)), world.named(somebody(2))) == (ada, grace)
    mary = world.enroll("Mary", somebody(3))
    assert here.until("Mary has ended", lambda: world.ended(mary)) == "live"
    assert world.named(face) is None and world.named(somebody(1)) == ada

    with world.database.write() as session:
        rollback = trainings.ask_rollback(session, before).id
    here.until("the rollback has ended", lambda: settled(world) and last_training(world).stage != "queued")
    with world.database.read() as session:
        ended = trainings.get(session, rollback)
    assert (ended.stage, ended.error_code) == (Stage.FAILED, "locked_case_failed")
    assert said in ended.error_message and world.named(face) is None

    withdraw(world, said)
    here.until("it is as before", lambda: settled(world))
    assert world.named(face) == ada


def test_a_face_that_is_somebody_elses_is_learned_of_them(world: World, gate, two) -> None:
    ada, grace = two
    asking = learning_from(world, gate, "ask")
    face = mistaken(world, ada, 1, toward=2)
    say(world, face, ada, "wrong", grace)
    asking.until("it is learned", lambda: settled(world) and _origins(world, grace) == ["confirmed"])
    assert world.named(face) in (None, grace)
    assert (world.named(somebody(1)), world.named(somebody(2))) == (ada, grace)


@pytest.mark.parametrize("verdict", ["wrong", "stranger"])
def test_what_contradicts_a_sample_is_told_with_it_and_not_kept_to_until_one_goes(
    world: World, here: Here, two, verdict
) -> None:
    ada, _ = two
    with world.database.read() as session:
        row = samples.of_person(session, ada)[4]
        vector = samples.of_whom(session, ada, 1)[4]
        theirs = {each.id for each in samples.of_person(session, ada)}
    said = say(world, vector, ada, verdict)
    here.until("it is learned", lambda: settled(world))
    assert last_training(world).stage == Stage.LIVE
    told = conflict(world, said)
    assert told["person"] == ada and told["sample"] in theirs and row.id in theirs
    assert world.named(somebody(1)) == ada
    withdraw(world, said)
    here.until("it is learned", lambda: settled(world))
    assert conflict(world, said) is None


class Careless:
    """Learns without heeding what faces are not."""

    def learn(self, gallery, cohort, far_target, correction, negatives):
        return learning.learn(gallery, cohort, far_target, correction)

    worse_than, admit = staticmethod(learning.worse_than), staticmethod(learning.admit)


def test_a_head_that_fails_a_locked_case_is_rejected_and_says_which(world: World, gate, two) -> None:
    ada, _ = two
    before, face = world.live(), mistaken(world, ada, 1)
    there = Here(world, gate, learner=Careless())
    said = say(world, face, ada, "wrong")
    there.until("the training has ended", lambda: settled(world))
    ended = last_training(world)
    assert (ended.stage, ended.error_code) == (Stage.REJECTED, "locked_case_failed") and said in ended.error_message
    assert world.live() == before
    with world.database.read() as session:
        rejected = versions.head(session, ended.head_version)
        assert rejected.weights is None
    assert rejected.status == "rejected" and rejected.meta["metrics"]["failed_cases"] == [said]


def test_what_is_said_while_a_head_is_learned_is_kept_to_by_that_very_head(world: World, gate, two) -> None:
    ada, _ = two
    face, done = mistaken(world, ada, 1), []

    class Interrupted:
        """Learns, and while it does so, the first time, somebody says of a face who it is not."""

        def learn(self, *given):
            if not done:
                done.append(say(world, face, ada, "wrong"))
            return learning.learn(*given)

        worse_than, admit = staticmethod(learning.worse_than), staticmethod(learning.admit)

    mary = world.enroll("Mary", somebody(3))
    there = Here(world, gate, learner=Interrupted())
    there.until("Mary has ended", lambda: world.ended(mary))
    with world.database.read() as session:
        assert locked_cases.failed_by(session, versions.live_head(session)) == []
    assert world.named(face) is None


def test_a_head_published_before_something_was_said_does_not_go_live(
    world: World, gate, here: Here, two, monkeypatch
) -> None:
    ada, _ = two
    face, published = mistaken(world, ada, 1), []
    put = type(here.trainer.shelf).put

    def put_and_say(shelf, candidate, watch=None) -> None:
        put(shelf, candidate, watch)
        if not published:
            published.append(candidate.version)
            say(world, face, ada, "wrong")

    monkeypatch.setattr(type(here.trainer.shelf), "put", put_and_say)
    mary = world.enroll("Mary", somebody(3))
    here.until("Mary has ended", lambda: world.ended(mary) and settled(world))
    assert world.statuses()[published[0]] == "abandoned"
    assert world.named(face) is None


class Seeing:
    """A backbone that has seen all faces already."""

    def __init__(self, models) -> None:
        self._models = models

    def __getattr__(self, name: str):
        return getattr(self._models, name)

    def backbone(self, version: int):
        return self.meta


def learning_from(world: World, gate, policy: str, every_s: float = 0.0) -> Here:
    settings = replace(world.settings, sightings="on", learn_from_sightings=policy, learn_every_s=every_s)
    models = Seeing(world.models)
    with world.database.read() as session:
        models.meta = BackboneMeta.from_dict(versions.backbones(session)[0].meta)
    return Here(world, gate, settings=settings, models=models)


def _origins(world: World, person_id: str) -> list[str]:
    with world.database.read() as session:
        rows = samples.of_person(session, person_id)
    return sorted(row.origin for row in rows if row.origin != "human")


def _choice(face: candidates.Candidate, good: str) -> candidates.Choice:
    return candidates.Choice(face, None if face.id == good else candidates.Why.POOR, 1.0)


@pytest.mark.parametrize(("policy", "learnt"), [("off", []), ("ask", ["confirmed"] * 2)])
def test_what_was_confirmed_is_learned_with_one_training_where_that_is_wanted(
    world: World, gate, two, policy, learnt
) -> None:
    ada, _ = two
    there = learning_from(world, gate, policy)
    before = last_training(world).id
    for number in range(2):
        say(world, frames_of(somebody(1), 5, seed=90 + number)[number], ada, "right")
    there.work()
    if learnt:
        there.until("it is learned", lambda: settled(world) and last_training(world).id != before)
    assert _origins(world, ada) == learnt
    assert (last_training(world).id != before) == bool(learnt)
    assert world.named(somebody(1)) == ada


def test_not_more_often_than_is_set(world: World, gate, two) -> None:
    ada, _ = two
    there = learning_from(world, gate, "ask", every_s=3600.0)
    say(world, frames_of(somebody(1), 5, seed=91)[0], ada, "right")
    there.until("it is learned", lambda: settled(world) and _origins(world, ada) == ["confirmed"])
    say(world, frames_of(somebody(1), 5, seed=92)[1], ada, "right")
    there.work()
    assert _origins(world, ada) == ["confirmed"] and settled(world)


def wait_in_quarantine(world: World, vector: np.ndarray, person_id: str, frames: int = 5) -> str:
    """Have a face come by and be proposed; the backbone has seen it."""
    seen(world, vector, person_id, frames=frames)
    with world.database.write() as session:
        assert quarantine.propose(session, 0.0, -1.0, 10, lambda _: 1.0) == 1
        (face,) = quarantine.unseen(session, 1, 10)
        quarantine.see(session, 1, {face: vector})
    return face


def test_what_the_policy_takes_is_marked_learned_with_one_training_and_taken_back(
    world: World, gate, two, monkeypatch
) -> None:
    ada, grace = two
    there = learning_from(world, gate, "auto")
    good = wait_in_quarantine(world, frames_of(somebody(1), 1, seed=71, spread=0.006)[0], ada)
    wait_in_quarantine(world, mistaken(world, grace, 2), grace)
    monkeypatch.setattr(candidates.Judge, "choose", lambda _, faces: [_choice(each, good) for each in faces])
    there.until("it is learned", lambda: settled(world) and _origins(world, ada) == ["automatic"])
    assert _origins(world, grace) == []
    assert world.named(somebody(1)) == ada

    def back(session):
        return learned.take_back(session, learned.Wanted(origin=Origin.AUTOMATIC), NOBODY)[0]

    assert world.database.retry(back) == 1
    there.until("it is unlearned", lambda: settled(world))
    there.work()
    assert _origins(world, ada) == [] and settled(world)


def test_an_attackers_face_is_taken_by_no_policy(world: World, gate, two) -> None:
    ada, _ = two
    there = learning_from(world, gate, "auto")
    for number in range(3):
        wait_in_quarantine(world, mistaken(world, ada, 1, toward=40 + number), ada, frames=20)
    for _ in range(3):
        there.work()
    assert _origins(world, ada) == [] and settled(world)


def test_what_a_training_refuses_is_dropped_and_not_taken_again(world: World, gate, two) -> None:
    ada, _ = two
    there = learning_from(world, gate, "auto")
    face = wait_in_quarantine(world, somebody(2), ada)  # Grace's, planted for Ada
    with world.database.write() as session:
        assert learned.learn(session, {face: ada}, Origin.AUTOMATIC) == 1
        enrollment = session.get_one(
            Sample, session.query(Sample.id).filter_by(origin="automatic").scalar()
        ).enrollment_id
        from familiar.records.schema import Enrollment

        row = session.get_one(Enrollment, enrollment)
        row.status, row.error_code = "failed", "head_worse"
    there.until("it is dropped", lambda: _origins(world, ada) == [])
    there.work()
    assert _origins(world, ada) == []


def test_a_trainer_that_dies_when_it_has_taken_faces_leaves_nothing_half_done(world: World, two) -> None:
    ada, _ = two
    say(world, frames_of(somebody(1), 5, seed=93)[0], ada, "right")
    wanted = {"SIGHTINGS": "on", "LEARN_FROM_SIGHTINGS": "ask", "LEARN_EVERY_S": "0"}
    dying = world.start_trainer(**wanted, **{crash_points.ENV: crash_points.TAKEN})
    assert dying.wait() == -9
    assert _origins(world, ada) == ["confirmed"]
    world.start_trainer(**wanted)
    until("it is learned", lambda: settled(world))
    assert _origins(world, ada) == ["confirmed"] and world.named(somebody(1)) == ada
