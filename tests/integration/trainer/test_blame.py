"""An enrolment of which no head comes fails alone, and those that share its training are learned."""

from collections.abc import Callable, Collection, Sequence
from pathlib import Path

import numpy as np
import pytest
from endings import live, person_of, refused
from sqlalchemy import delete, select, update
from trainer_world import DIM, Here, World, frames_of, somebody

from familiar import learning
from familiar.errors import ServingUnavailable
from familiar.knowing import to_blob
from familiar.learning import Gallery, Learned
from familiar.records import enrollments, samples
from familiar.records.schema import Embedding, Sample
from familiar.records.training import Stage
from familiar.seeing import encode_jpeg
from familiar.servable import BackboneMeta
from familiar_trainer.export.errors import GateFailed
from familiar_trainer.export.gate import Gate
from familiar_trainer.export.servable import Servable

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

    def describe(self, folder: Path) -> tuple[tuple[str, ...], str]:
        return self._gate.describe(folder)


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
