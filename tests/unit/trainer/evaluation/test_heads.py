import numpy as np
import pytest

import crowd
from familiar.learning.cohort import Cohort
from familiar_trainer.evaluation.heads import ClassMeans, Learner, Lesson, NearestNeighbour, Product, Softmax
from familiar_trainer.evaluation.identification import identify
from familiar_trainer.evaluation.sight import Sights
from familiar_trainer.evaluation.split import Split

PEOPLE, LEARN, ASK, STRANGERS = 8, 6, 5, 2000
HEADS = (Product(), ClassMeans(), NearestNeighbour(), Softmax())


@pytest.fixture(scope="module")
def sights() -> Sights:
    """Simulated people: first those enrolled with all their pictures, then strangers with one each."""
    centres = crowd.centres(PEOPLE, 0)
    rows = [crowd.faces(centre, LEARN + ASK, i) for i, centre in enumerate(centres)]
    rows.append(crowd.STRANGERS.strangers(STRANGERS, 77))
    embeddings = np.concatenate(rows)
    return Sights("simulated", embeddings, np.ones(len(embeddings), np.int32), (None,) * len(embeddings))


@pytest.fixture(scope="module")
def parts() -> Split:
    places = np.arange(PEOPLE * (LEARN + ASK)).reshape(PEOPLE, -1)
    return Split(
        tuple(f"p{i}" for i in range(PEOPLE)),
        places[:, :LEARN].ravel(),
        np.repeat(np.arange(PEOPLE), LEARN),
        places[:, LEARN:].ravel(),
        np.repeat(np.arange(PEOPLE), ASK),
        np.arange(places.size, places.size + STRANGERS),
    )


@pytest.mark.parametrize("learner", HEADS, ids=lambda learner: learner.name)
def test_every_head_knows_simulated_people(learner: Learner, sights: Sights, parts: Split) -> None:
    found = identify(sights, learner, [parts], crowd.STRANGERS)
    assert found.rank_1.mean > 0.95
    assert found.auroc.mean > 0.95
    assert found.dir_at_far_1.mean >= found.dir_at_far_01.mean


@pytest.mark.parametrize("learner", HEADS, ids=lambda learner: learner.name)
def test_a_picture_without_a_face_is_nobody(learner: Learner, sights: Sights, parts: Split) -> None:
    lesson = Lesson(parts.people, sights.embeddings[parts.learn], parts.learn_person, crowd.STRANGERS)
    answers = learner.fit(lesson, 0.01)(np.zeros((3, crowd.DIM), np.float32))
    assert answers.index.tolist() == [-1, -1, -1]
    assert np.isneginf(answers.score).all()
    assert answers.named is None or not answers.named.any()


def test_the_product_reports_what_its_own_thresholds_do(sights: Sights, parts: Split) -> None:
    found = identify(sights, Product(), [parts, parts], crowd.STRANGERS)
    assert [row.target for row in found.calibrated] == [0.01, 0.001, 0.0001]
    assert found.calibrated[0].fpir.mean == pytest.approx(0.01, abs=0.008)
    assert found.calibrated[0].fpir.mean >= found.calibrated[1].fpir.mean
    assert found.calibrated[0].fnir.mean <= found.calibrated[1].fnir.mean
    assert len(found.known) == 2 * PEOPLE * ASK


def test_nothing_is_promised_where_strangers_are_not_known(sights: Sights, parts: Split) -> None:
    assert identify(sights, Product(), [parts], Cohort(crowd.DIM)).calibrated == ()
