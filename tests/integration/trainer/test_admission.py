"""Who is learned where somebody else would pay for it, and that nobody else ever waits for that."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import delete, select, update
from trainer_world import DIM, Here, World, frames_of, somebody

from familiar import learning
from familiar.errors import ServingUnavailable
from familiar.knowing import to_blob
from familiar.learning import Gallery, Learned
from familiar.records import enrollments, samples, trainings, versions
from familiar.records.schema import Embedding, Sample
from familiar.records.training import Stage
from familiar.records.versions import HeadStatus
from familiar.seeing import encode_jpeg
from familiar.servable import BackboneMeta
from familiar_trainer.export.errors import GateFailed
from familiar_trainer.export.gate import Gate
from familiar_trainer.export.servable import Servable
from test_faults import BreakingGate


def person_of(world: World, enrollment_id: str) -> str:
    return world.enrollment(enrollment_id).person_id


def live(world: World, here: Here, *enrollment_ids: str) -> None:
    """Go on until all of these enrolments have ended, and see that they are live."""
    here.until("all have ended", lambda: all(world.ended(one) for one in enrollment_ids))
    assert [world.ended(one) for one in enrollment_ids] == ["live"] * len(enrollment_ids)


def refused(world: World, here: Here, enrollment_id: str) -> tuple[str | None, str | None]:
    """Return the code with which an enrolment failed, and who its person cannot be told from."""
    assert here.until("it has ended", lambda: world.ended(enrollment_id)) == "failed"
    ended = world.enrollment(enrollment_id)
    return ended.error_code, ended.alike_person_id


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
        told = [enrollments.capture(session, one).status for one in ids]
        asked = len(trainings.recent(session))
    assert set(told) == {"live"}
    strict.work()
    Here(world, gate, settings=strict.trainer.settings).work()  # another start, and another trainer
    with world.database.read() as session:
        assert (len(trainings.recent(session)), versions.live_head(session).version) == (asked, head.version)


GOOD = {"Grace": 2, "Mary": 3, "Joan": 4}
"""Whom three good enrolments show."""
BAD = 9


def embeddings_become(blob: bytes) -> Callable[[World, str], None]:
    def change(world: World, enrollment_id: str) -> None:
        of_it = select(Sample.id).where(Sample.enrollment_id == enrollment_id)
        with world.database.write() as session:
            session.execute(update(Embedding).where(Embedding.sample_id.in_(of_it)).values(vector=blob))

    return change


def unseen_crops_become(crop: bytes) -> Callable[[World, str], None]:
    def change(world: World, enrollment_id: str) -> None:
        of_it = Sample.enrollment_id == enrollment_id
        with world.database.write() as session:
            session.execute(delete(Embedding).where(Embedding.sample_id.in_(select(Sample.id).where(of_it))))
            session.execute(update(Sample).where(of_it).values(crop=crop))

    return change


def every_sample_goes(world: World, enrollment_id: str) -> None:
    with world.database.write() as session:
        for sample in session.scalars(select(Sample).where(Sample.enrollment_id == enrollment_id)).all():
            samples.remove(session, sample)


WHITE = encode_jpeg(np.full((224, 224, 3), 255, np.uint8))
SPOILT = {
    "embeddings of zeros": embeddings_become(to_blob(np.zeros(DIM, np.float32))),
    "embeddings that are not finite": embeddings_become(to_blob(np.full(DIM, np.nan, np.float32))),
    "embeddings of another length": embeddings_become(to_blob(np.ones(DIM // 2, np.float32))),
    "crops that cannot be read": unseen_crops_become(b"no picture"),
    "crops cut short": unseen_crops_become(WHITE[:200]),
    "crops that cannot be embedded": unseen_crops_become(WHITE),
    "no samples": every_sample_goes,
}


class ChoosyBackbone:
    """Embeds any picture that is not white; of a batch with a white one none, as a model with a defect might."""

    def backbone(self, version: int) -> BackboneMeta:
        return BackboneMeta("choosy", 150, DIM, "CC0-1.0", "0" * 64)

    def embed(self, chips: np.ndarray, version: int) -> np.ndarray:
        if (chips > 250).all(axis=(1, 2, 3)).any():
            raise ServingUnavailable("an embedding does not have length 1")
        return np.repeat(somebody(30)[None], len(chips), axis=0)


class ChoosyGate:
    """Refuses every head that knows one of these people, or every head; otherwise it is the real one."""

    def __init__(self, gate: Gate) -> None:
        self._gate = gate
        self.refuses: set[str] = set()
        self.refuses_all = False
        self.checked = 0

    def check(self, folder: Path, servable: Servable, *, timeout_s: float = 30.0) -> None:
        self.checked += 1
        if self.refuses_all or self.refuses.intersection(servable.labels):
            raise GateFailed("probe 0 is answered wrongly")
        self._gate.check(folder, servable, timeout_s=timeout_s)


class ChoosyLearner:
    """Cannot compute a head of anybody who is one of these people."""

    def __init__(self) -> None:
        self.refuses: set[str] = set()
        self.admit, self.worse_than = learning.admit, learning.worse_than

    def learn(self, gallery: Gallery, *more: object) -> Learned:
        if self.refuses.intersection(gallery.person_ids):
            raise np.linalg.LinAlgError("a matrix is singular")
        return learning.learn(gallery, *more)


def good_and(world: World, bad: Sequence[Callable[[], str]], first: bool) -> tuple[list[str], list[str]]:
    """Close three good enrolments and some bad ones, before or after them; return the ids of both."""
    before = [close() for close in bad] if first else []
    good = [world.enroll(name, somebody(face)) for name, face in GOOD.items()]
    return good, before or [close() for close in bad]


def all_good(world: World, here: Here, good: Collection[str]) -> None:
    live(world, here, *good)
    for enrollment, face in zip(good, GOOD.values(), strict=True):
        assert world.named(somebody(face)) == person_of(world, enrollment)


@pytest.mark.parametrize("first", [True, False], ids=["before", "after"])
@pytest.mark.parametrize("kind", SPOILT)
def test_an_enrolment_whose_samples_cannot_be_used_fails_alone(
    world: World, gate: Gate, kind: str, first: bool
) -> None:
    there = Here(world, gate, models=ChoosyBackbone())
    there.reconciler.run_once()

    def close() -> str:
        enrollment = world.enroll("Bad", somebody(BAD))
        SPOILT[kind](world, enrollment)
        return enrollment

    good, (bad,) = good_and(world, [close], first)
    all_good(world, there, good)
    assert refused(world, there, bad) == ("no_samples", None)


@pytest.mark.parametrize("first", [True, False], ids=["before", "after"])
@pytest.mark.parametrize("how_many", [1, 2])
def test_enrolments_with_which_the_gate_refuses_a_head_fail_alone(
    world: World, gate: Gate, how_many: int, first: bool
) -> None:
    choosy = ChoosyGate(gate)
    there = Here(world, choosy)

    def close() -> str:
        enrollment = world.enroll(f"Bad {len(choosy.refuses)}", somebody(BAD + len(choosy.refuses)))
        choosy.refuses.add(person_of(world, enrollment))
        return enrollment

    good, bad = good_and(world, [close] * how_many, first)
    all_good(world, there, good)
    for enrollment in bad:
        assert refused(world, there, enrollment) == ("gate_failed", None)
        assert "take new ones" in world.enrollment(enrollment).error_message
        assert world.training_of(enrollment).stage == Stage.LIVE
    assert world.leftovers() == []


def test_an_enrolment_of_which_no_head_can_be_computed_fails_alone(world: World, gate: Gate) -> None:
    choosy = ChoosyLearner()
    there = Here(world, gate, learner=choosy)

    def close() -> str:
        enrollment = world.enroll("Bad", somebody(BAD))
        choosy.refuses.add(person_of(world, enrollment))
        return enrollment

    good, (bad,) = good_and(world, [close], first=True)
    all_good(world, there, good)
    assert refused(world, there, bad) == ("training_failed", None)


def test_a_gate_that_refuses_everything_is_nobody_s_fault_and_all_fail_soon(world: World, gate: Gate) -> None:
    choosy = ChoosyGate(gate)
    there = Here(world, choosy)
    ada = world.enroll("Ada", somebody(1))
    live(world, there, ada)
    head, choosy.refuses_all, before = world.live(), True, choosy.checked
    several = [world.enroll(f"Person {face}", somebody(face)) for face in range(2, 10)]
    for enrollment in several:
        assert refused(world, there, enrollment) == ("gate_failed", None)
    assert choosy.checked - before == 3  # twice with all of them, and once with none
    assert world.live() == head and world.named(somebody(1)) == person_of(world, ada)


def test_when_all_are_to_blame_all_fail_and_the_live_head_stays(world: World, gate: Gate) -> None:
    choosy = ChoosyGate(gate)
    there = Here(world, choosy)
    ada = world.enroll("Ada", somebody(1))
    live(world, there, ada)
    head = world.live()
    bad = [world.enroll(f"Bad {number}", somebody(BAD + number)) for number in range(2)]
    choosy.refuses = {person_of(world, each) for each in bad}
    assert [refused(world, there, each) for each in bad] == [("gate_failed", None)] * 2
    assert world.live() == head


def test_one_that_the_gate_refuses_and_a_double_each_get_their_own_reason(world: World, gate: Gate) -> None:
    choosy = ChoosyGate(gate)
    there = Here(world, choosy)
    ada = world.enroll("Ada", somebody(1))
    live(world, there, ada)
    bad, double, grace = (
        world.enroll(*who) for who in [("Bad", somebody(BAD)), ("Not Ada", somebody(1)), ("Grace", somebody(2))]
    )
    choosy.refuses = {person_of(world, bad)}
    live(world, there, grace)
    assert refused(world, there, bad) == ("gate_failed", None)
    assert refused(world, there, double) == ("too_alike", person_of(world, ada))


@pytest.mark.parametrize("others", [3, 8, 10], ids=["eight and three", "half and half", "more of another"])
def test_two_people_taken_for_one_harm_nobody_who_comes_with_them(world: World, here: Here, others: int) -> None:
    mixed = world.capture("Mixed", somebody(BAD), 8)
    with world.database.write() as session:
        enrollment = enrollments.get(session, mixed)
        for number, vector in enumerate(frames_of(somebody(BAD + 1), others)):
            verdict = enrollments.add_verdict(session, enrollment, f"other-{number}", ())
            samples.add(
                session, enrollment, verdict, crop=WHITE, vector=vector, backbone_version=1, detector="test", quality={}
            )
    world.finish(mixed)
    good = [world.enroll(name, somebody(face)) for name, face in GOOD.items()]
    all_good(world, here, good)
    assert here.until("the mixed one has ended", lambda: world.ended(mixed)) in ("live", "failed")
    assert {world.named(somebody(BAD)), world.named(somebody(BAD + 1))} <= {person_of(world, mixed), None}


def test_an_enrolment_of_a_single_sample_harms_nobody_who_comes_with_it(world: World, here: Here) -> None:
    good, (bad,) = good_and(world, [lambda: world.enroll("One", somebody(BAD), 1)], first=False)
    all_good(world, here, good)
    assert here.until("it has ended", lambda: world.ended(bad)) == "live"
    assert world.named(somebody(BAD)) == person_of(world, bad)
