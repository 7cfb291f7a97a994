"""What is learned from use, round by round: proposed, seen, learned as is set, and let go."""

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from sqlalchemy import select

from fakes import GreyBackbone
from familiar.errors import ServingUnavailable
from familiar.knowing import Head, Status, normalise
from familiar.learning import Cohort
from familiar.records import (
    Database,
    Verdict,
    feedback,
    learned,
    locked_cases,
    passes,
    people,
    quarantine,
    sightings,
    trainings,
    versions,
)
from familiar.records.migrate import migrate
from familiar.records.schema import QuarantinedFace, Sample
from familiar.records.verdict import Standing
from familiar.records.versions import HeadStatus
from familiar.seeing import Quality, encode_jpeg
from familiar.settings import Settings
from familiar_trainer import reembedding
from familiar_trainer.use import Use

DIM = 8
FACE = normalise(np.ones(DIM, np.float32))
NOBODY = SimpleNamespace(key_id=None, address=None)
GOOD = Quality(60.0, 4.0, 120.0, 0.0, 0.0, 0.0, 1.0).to_dict()


@pytest.fixture
def trainer(tmp_path: Path) -> Iterator[Any]:
    database = Database(f"sqlite:///{tmp_path}/familiar.db")
    migrate(database)
    with database.write() as session:
        versions.add_backbone(session, 1, {})
        head = versions.issue(session, "head")
        versions.add_head(
            session, head, training_id=None, backbone_version=1, head=Head.empty(DIM),
            meta={"people": 1, "threshold": 0.6}, status=HeadStatus.PUBLISHED,
        )  # fmt: skip
        versions.go_live(session, head)
    settings = Settings(sightings="on", learn_from_sightings="ask", learn_every_s=0.0, sightings_keep_s=3600.0)
    yield SimpleNamespace(
        database=database, models=GreyBackbone(DIM), settings=settings, cohort=lambda name, dim, metric: Cohort(dim)
    )
    database.close()


@pytest.fixture
def ada(trainer) -> str:
    with trainer.database.write() as session:
        row = people.add(session, "Ada")
        row.enrolled = True
        return row.id


def pass_by(
    trainer,
    ada: str | None,
    grey: int,
    score: float = 0.9,
    ago_s: float = 60.0,
    camera: str | None = None,
    request: str | None = None,
    face: int = 0,
    vector: np.ndarray = FACE,
) -> str:
    """Have somebody come by who is taken for Ada, or is like her; return the sighting."""
    crop, request = encode_jpeg(np.full((32, 32, 3), grey, np.uint8)), request or f"r{grey}"
    seen = passes.Seen(
        captured_at=time.time() - ago_s, camera=camera or f"c{grey}",
        status=Status.KNOWN if score > 0.6 else Status.UNKNOWN,
        person_id=ada if score > 0.6 else None, score=score, candidates=[(ada, score)] if ada else [], head_version=1,
        backbone_version=1, vector=vector, alike=0.9, weight=0.5, request_id=request,
        face=face, box=(0, 0, 9, 9), quality=GOOD, crop=lambda: crop,
    )  # fmt: skip
    trainer.database.retry(lambda session: passes.keep(session, [seen]))
    with trainer.database.write() as session:
        row = feedback.face_of_request(session, request, face)[0]
        row.kept_at -= ago_s
        return row.id


def say(trainer, sighting_id: str, verdict: Verdict = Verdict.RIGHT) -> str:
    def give(session):
        kept = feedback.keep(session, *feedback.face_of_sighting(session, sighting_id, 0))
        return feedback.give(session, kept, verdict, None, NOBODY).feedback.id

    return trainer.database.retry(give)


def faces(trainer) -> list[QuarantinedFace]:
    with trainer.database.read() as session:
        return list(session.scalars(select(QuarantinedFace).order_by(QuarantinedFace.created_at)))


def samples(trainer) -> list[Sample]:
    with trainer.database.read() as session:
        return list(session.scalars(select(Sample)))


def with_settings(trainer, **changed):
    trainer.settings = replace(trainer.settings, **changed)
    return Use(trainer)


def a_round(use: Use) -> None:
    for duty in (use.propose_faces, use.see_faces, use.learn_from_use, use.drop_refused, use.prune_quarantine):
        duty()


@pytest.mark.parametrize(("score", "ago_s", "proposed"), [(0.9, 60, 1), (0.9, 1, 0), (0.58, 60, 1), (0.3, 60, 0)])
def test_faces_of_passes_that_are_over_are_proposed_if_somebody_is_near(trainer, ada, score, ago_s, proposed):
    pass_by(trainer, ada, 100, score, ago_s)
    Use(trainer).propose_faces()
    assert len(faces(trainer)) == proposed


def test_where_nothing_is_to_be_learned_nothing_is_proposed_nor_learned(trainer, ada):
    use = with_settings(trainer, learn_from_sightings="off")
    say(trainer, pass_by(trainer, ada, 100))
    pass_by(trainer, ada, 150)
    a_round(use)
    assert len(faces(trainer)) == 1 and samples(trainer) == []


def test_what_was_confirmed_is_learned_as_the_backbone_saw_it_with_one_training(trainer, ada):
    use = Use(trainer)
    for grey in (60, 120, 180):
        say(trainer, pass_by(trainer, ada, grey))
    a_round(use)
    assert [row.origin for row in samples(trainer)] == ["confirmed"] * 3
    a_round(use)
    with trainer.database.read() as session:
        assert len(trainings.recent(session)) == 1
        assert len(learned.given(session, 1)) == 3


def test_a_training_that_is_open_is_waited_for(trainer, ada):
    say(trainer, pass_by(trainer, ada, 100))
    with trainer.database.write() as session:
        trainings.ask(session)
    Use(trainer).learn_from_use()
    assert samples(trainer) == []


def test_where_the_backbone_is_away_faces_wait_to_be_seen(trainer, ada):
    pass_by(trainer, ada, 100)
    use = Use(trainer)
    use.propose_faces()
    trainer.models.away = True
    with pytest.raises(ServingUnavailable):
        use.see_faces()
    trainer.models.away = False
    use.see_faces()
    assert [row.backbone_version for row in faces(trainer)] == [1]


def test_a_face_that_cannot_be_seen_is_let_go_and_a_locked_case_stays_for_a_backbone_that_can(trainer, ada):
    pass_by(trainer, ada, 0)
    said = say(trainer, pass_by(trainer, ada, 1), Verdict.WRONG)
    Use(trainer).propose_faces()
    Use(trainer).see_faces()
    reembedding.embed_spoken_of(trainer.database, trainer.models, 1)
    with trainer.database.read() as session:
        assert locked_cases.in_force(session, 1) == []
    assert sorted(row.standing for row in faces(trainer)) == [Standing.OUT, Standing.WAITING]
    assert said


def test_a_locked_case_is_seen_anew_by_every_backbone(trainer, ada):
    said = say(trainer, pass_by(trainer, ada, 100), Verdict.WRONG)
    for version in (1, 2, 1):
        reembedding.embed_spoken_of(trainer.database, trainer.models, version)
        with trainer.database.read() as session:
            assert [case.id for case in locked_cases.in_force(session, version)] == [said]
            assert locked_cases.in_force(session, 3 - version) == []


def test_a_sighting_of_the_person_again_is_not_asked_about(trainer, ada):
    use = Use(trainer)
    say(trainer, pass_by(trainer, ada, 100))
    a_round(use)
    pass_by(trainer, ada, 101)
    Use(trainer).propose_faces()
    use.see_faces()
    with trainer.database.read() as session:
        assert quarantine.waiting(session) == 0


def test_of_strangers_who_are_not_known_nothing_is_taken_without_asking(trainer, ada):
    use = with_settings(trainer, learn_from_sightings="auto")
    for grey in (60, 120, 180, 240):
        pass_by(trainer, ada, grey)
    a_round(use)
    assert samples(trainer) == []
    with trainer.database.read() as session:
        assert quarantine.waiting(session) == 4


@pytest.mark.parametrize(
    ("other", "disagreeing"),
    [
        ({}, 1),
        ({"ago_s": 68.0}, 1),
        ({"ago_s": 75.0}, 0),
        ({"camera": "back door"}, 0),
        ({"vector": -FACE}, 0),
        ({"request": "r100", "face": 1}, 0),
    ],
    ids=["at once", "shortly before", "long before", "elsewhere", "not alike", "beside"],
)
def test_frames_that_named_the_face_as_somebody_else_meanwhile_disagree(trainer, ada, other, disagreeing):
    with trainer.database.write() as session:
        bea = people.add(session, "Bea").id
    pass_by(trainer, ada, 100, camera="door")
    pass_by(trainer, bea, 150, **{"camera": "door", **other})
    Use(trainer).propose_faces()
    assert {face.named_id: face.disagreeing for face in faces(trainer)} == {ada: disagreeing, bea: disagreeing}


def test_what_nobody_speaks_of_is_let_go_when_it_is_old(trainer, ada):
    kept = say(trainer, pass_by(trainer, ada, 60), Verdict.WRONG)
    pass_by(trainer, ada, 120)
    use = Use(trainer)
    use.propose_faces()
    with_settings(trainer, sightings_keep_s=-1.0).prune_quarantine()
    assert len(faces(trainer)) == 1 and kept
    with trainer.database.read() as session:
        assert sightings.count(session) == 2
