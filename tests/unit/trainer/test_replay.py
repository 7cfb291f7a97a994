"""What another head, or another threshold, would have said of past sightings."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import crowd
from familiar.errors import DatabaseUnavailable
from familiar.knowing import Head, Status, normalise
from familiar.learning import cohort, promise
from familiar.records import (
    Database,
    Verdict,
    corrections,
    feedback,
    passes,
    people,
    replays,
    sightings,
    versions,
)
from familiar.records.migrate import migrate
from familiar.records.versions import HeadStatus
from familiar.servable import BackboneMeta
from familiar_trainer import replay

DIM = 128
NOBODY = SimpleNamespace(key_id=None, address=None)
META = BackboneMeta(crowd.BACKBONE, 150, DIM, "CC0-1.0", "0" * 64, metric=crowd.METRIC)


class Installation:
    """A database with two people whom a head knows, and sightings of them and of others."""

    def __init__(self, folder: Path) -> None:
        self.database = Database(f"sqlite:///{folder}/familiar.db")
        migrate(self.database)
        faces = crowd.STRANGERS.strangers(40, seed=5)
        self.ada, self.bob = faces[0], faces[1]
        self.strangers = faces[2:]
        with self.database.write() as session:
            self.ids = [people.add(session, name).id for name in ("Ada", "Bob")]
            versions.add_backbone(session, 1, META.to_dict())
        self.head = self.publish(self.ids, [self.ada, self.bob], 0.99)
        self.trainer: Any = SimpleNamespace(
            database=self.database, models=SimpleNamespace(backbone=lambda _: META), cohort=cohort.load
        )

    def publish(self, ids: list[str], rows: list[np.ndarray], threshold: float) -> int:
        with self.database.write() as session:
            version = versions.issue(session, "head")
            head = Head(tuple(ids), np.stack(rows), np.full(len(ids), threshold, np.float32))
            versions.add_head(session, version, training_id=None, backbone_version=1, head=head, meta={},
                              status=HeadStatus.PUBLISHED)  # fmt: skip
            versions.go_live(session, version)
            return version

    def see(
        self, vector: np.ndarray, named: str | None, at: float, backbone_version: int = 1,
        candidates: Sequence[tuple[str, float]] = (),
    ) -> str:  # fmt: skip
        with self.database.write() as session:
            passes.keep(session, [passes.Seen(
                captured_at=at, camera=None, person_id=named, status=Status.KNOWN if named else Status.UNKNOWN,
                score=0.9, candidates=candidates, head_version=self.head, backbone_version=backbone_version,
                vector=vector,
                alike=2.0, weight=0.5, request_id=str(at), face=0, box=(0, 0, 1, 1), quality={}, crop=lambda: b"crop",
            )])  # fmt: skip
            (row,) = sightings.page(session, sightings.Wanted(since=at, until=at + 0.1), 1)
            return row.id

    def ask(self, **asked: Any) -> replays.Replay:
        """Ask for a replay, have it answered, and return it."""
        values = {"head_version": self.head, "threshold": None, "target": None, "since": None, "until": None, **asked}
        replay_id = self.database.retry(lambda session: replays.ask(session, values).id)
        replay.run(self.trainer, replay_id)
        return self.told(replay_id)

    def told(self, replay_id: str) -> replays.Replay:
        with self.database.read() as session:
            return replays.get(session, replay_id)


@pytest.fixture
def there(tmp_path: Path) -> Iterator[Installation]:
    made = Installation(tmp_path)
    yield made
    made.database.close()


def test_whom_the_head_named_before_somebody_said_otherwise_is_the_one_they_were_merged_into(
    there: Installation,
) -> None:
    ada, bob = there.ids
    with there.database.write() as session:
        for each in there.ids:
            people.get(session, each).enrolled = True
    at = there.see(there.bob, bob, 1, candidates=[(bob, 0.9)])
    with there.database.write() as session:
        kept = feedback.keep(session, *feedback.face_of_sighting(session, at, 0))
        feedback.give(session, kept, Verdict.WRONG, None, NOBODY)
        corrections.merge(session, ada, bob, corrections.Terms(NOBODY, 1000.0))
    told = there.ask()
    assert told.stage == replays.ReplayStage.DONE and told.answer is not None
    assert [(each["person"], each["before"]) for each in told.answer["people"]] == [(ada, 1)]


def test_the_table_says_who_would_be_named_instead_of_whom(there: Installation) -> None:
    ada, bob = there.ids
    for at in range(5):
        there.see(there.ada, ada, at)
    wrong = there.see(there.ada, bob, 10)
    there.see(there.bob, bob, 11)
    missed = there.see(there.bob, None, 12)
    told = there.ask().answer
    assert told is not None
    assert (told["sightings"], told["changed"], told["not_comparable"]) == (8, 2, 0)
    assert {each["person"]: each for each in told["people"]} == {
        ada: {"person": ada, "before": 5, "after": 6, "lost": 0, "gained": 1},
        bob: {"person": bob, "before": 2, "after": 2, "lost": 1, "gained": 1},
    }
    changes = {(each["from"], each["to"]): each["examples"] for each in told["changes"]}
    assert changes == {(bob, ada): [wrong], (None, bob): [missed]}


def test_a_head_that_does_not_know_somebody_names_them_no_more(there: Installation) -> None:
    ada, bob = there.ids
    there.see(there.ada, ada, 1)
    there.see(there.bob, bob, 2)
    alone = there.publish([bob], [there.bob], 0.99)
    told = there.ask(head_version=alone).answer
    assert told is not None and [(each["from"], each["to"]) for each in told["changes"]] == [(ada, None)]


def test_another_threshold_names_more_or_fewer(there: Installation) -> None:
    ada, _ = there.ids
    for at in range(10):
        there.see(normalise(there.ada + 0.002 * at * there.strangers[at]), ada, at)
    counts = []
    for threshold in (0.5, 0.9995, 1.0):
        told = there.ask(threshold=threshold).answer
        assert told is not None and told["threshold"] == pytest.approx(threshold, abs=1e-5)
        counts.append(sum(each["after"] for each in told["people"]))
    assert counts[0] == 10 >= counts[1] >= counts[2] < 10


def test_a_target_gives_the_threshold_that_lets_so_many_strangers_through(there: Installation) -> None:
    for at, stranger in enumerate(there.strangers):
        there.see(stranger, None, at)
    strict, lax = (there.ask(target=target).answer for target in (1e-4, 0.3))
    assert strict is not None and lax is not None
    assert strict["threshold"] < 1 and lax["threshold"] < strict["threshold"]
    assert strict["changed"] == 0 < lax["changed"]
    drawn = crowd.STRANGERS.strangers(20_000, seed=77)
    prototypes = np.stack([there.ada, there.bob])
    named = (drawn @ prototypes.T).max(axis=1) >= promise.threshold_at(crowd.STRANGERS, prototypes, 0.01)
    assert 0.003 < named.mean() < 0.02


def test_only_sightings_of_that_time_and_of_that_backbone_are_asked_about(there: Installation) -> None:
    for at in range(6):
        there.see(there.ada, None, at)
    there.see(there.ada, None, 4.5, backbone_version=2)
    told = there.ask(since=3.0, until=5.0).answer
    assert told is not None and (told["sightings"], told["not_comparable"], told["changed"]) == (2, 1, 2)


def test_whom_somebody_named_was_named_by_no_head(there: Installation) -> None:
    ada, _ = there.ids
    there.see(there.ada, None, 1)
    there.database.retry(lambda session: sightings.name(session, sightings.Wanted(unknown=True), ada, "e" * 32))
    told = there.ask().answer
    assert told is not None and [(each["from"], each["to"]) for each in told["changes"]] == [(None, ada)]


@pytest.mark.parametrize("why, code", [("weights", "no_weights"), ("cohort", "no_cohort"), ("defect", "internal")])
def test_what_cannot_be_answered_fails_with_a_reason(
    there: Installation, monkeypatch: pytest.MonkeyPatch, why: str, code: str
) -> None:
    there.see(there.ada, None, 1)
    if why == "weights":
        with there.database.write() as session:
            versions.head(session, there.head).weights = None
    elif why == "cohort":
        there.trainer.cohort = lambda *_: cohort.Cohort(DIM)
    else:
        monkeypatch.setattr(Head, "from_bytes", lambda _: 1 / 0)
    row = there.ask(target=0.01)
    assert (row.stage, row.error_code, row.answer) == ("failed", code, None)


def test_one_that_could_not_be_read_stays_open_and_one_that_is_done_stays_as_it_is(
    there: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    there.see(there.ada, None, 1)
    with monkeypatch.context() as away:
        away.setattr(sightings, "decided", lambda *_: (_ for _ in ()).throw(DatabaseUnavailable("away")))
        with pytest.raises(DatabaseUnavailable):
            there.ask()
    with there.database.read() as session:
        (waiting,) = replays.open_ones(session)
    assert replay.run(there.trainer, waiting) == "done"
    before = there.told(waiting).answer
    there.see(there.bob, None, 2)
    assert replay.run(there.trainer, waiting) == "done already" and there.told(waiting).answer == before


def test_who_is_deleted_is_in_no_answer(there: Installation) -> None:
    ada, bob = there.ids
    there.see(there.ada, bob, 1)
    row = there.ask()
    with there.database.write() as session:
        told = dict(row.answer or {})
        open_one = replays.ask(session, row.asked).id
        people.erase(session, ada)
        replays.answer(session, open_one, told)
    with there.database.read() as session:
        assert [each.id for each in replays.recent(session, 9)] == [open_one]
        answer = replays.get(session, open_one).answer
    assert answer is not None and ada not in str(answer) and [each["person"] for each in answer["people"]] == [bob]
