from pathlib import Path

import numpy as np
import pytest

from familiar.knowing.embedding import normalise
from familiar.knowing.head import Head
from familiar.servable import CANDIDATES, EMBEDDING, INDEX, KNOWN, PREDICT_SIGNATURE, SCORE, HeadMeta
from familiar.wire.warmup import WARMUP_FILE
from familiar_trainer.export.gate import Gate
from familiar_trainer.export.head_export import judge
from familiar_trainer.export.savedmodel import write
from familiar_trainer.tf_runtime import Session

GRAPH_VERSION_OF_2_19 = 2129


@pytest.fixture
def answer(make_servable, tmp_path: Path):
    """Export a head, load it as a model server does, and ask it."""

    def ask(head: Head, embeddings: np.ndarray) -> dict[str, np.ndarray]:
        write(make_servable(head), tmp_path)
        session = Session(tmp_path)
        try:
            return session.run(PREDICT_SIGNATURE, {EMBEDDING: embeddings})
        finally:
            session.close()

    return ask


def faces(head: Head, count: int = 40) -> np.ndarray:
    """Embeddings between the people of ``head`` and strangers, not normalised."""
    rng = np.random.default_rng(5)
    noise = normalise(rng.standard_normal((count, head.dim)).astype(np.float32))
    if not head.person_ids:
        return noise * 3
    somebody = head.prototypes[rng.integers(0, len(head.person_ids), count)]
    return ((somebody * rng.uniform(0, 1.5, (count, 1)) + noise) * rng.uniform(0.1, 9, (count, 1))).astype(np.float32)


@pytest.mark.parametrize("people", [0, 1, 4, 5, 6, 300])
def test_the_graph_answers_as_the_reference(people: int, answer, make_head) -> None:
    head = make_head(people)
    embeddings = faces(head)
    outputs, wanted = answer(head, embeddings), head.identify(embeddings)
    assert outputs[INDEX].dtype == np.int32
    assert outputs[INDEX].shape == (len(embeddings), CANDIDATES)
    np.testing.assert_array_equal(outputs[INDEX], wanted.index)
    np.testing.assert_allclose(outputs[SCORE], wanted.score, atol=1e-5)
    np.testing.assert_array_equal(outputs[KNOWN], wanted.known)
    if people:
        assert wanted.known.any()
        assert not wanted.known.all()


def test_each_person_has_a_threshold_of_their_own(answer) -> None:
    head = Head(("strict", "lax"), np.eye(2, 8, dtype=np.float32), np.array([0.9, 0.5], np.float32))
    between = np.zeros((2, 8), np.float32)
    between[0, [0, 2]] = between[1, [1, 2]] = 0.8, 0.6
    outputs = answer(head, between)
    assert outputs[INDEX][:, 0].tolist() == [0, 1]
    assert outputs[KNOWN].tolist() == [False, True]


@pytest.mark.parametrize("threshold", [0.6, -1.0])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, np.finfo(np.float32).max, 0.0])
def test_what_is_no_embedding_is_nobody(value: float, threshold: float, answer, make_head) -> None:
    head = make_head(7, threshold=threshold)
    embeddings = np.full((2, head.dim), value, np.float32)
    embeddings[1] = head.prototypes[3]
    outputs = answer(head, embeddings)
    assert outputs[KNOWN].tolist() == [False, True]
    assert outputs[INDEX][0].tolist() == [-1] * CANDIDATES
    assert outputs[SCORE][0].tolist() == [-1.0] * CANDIDATES
    assert outputs[INDEX][1, 0] == 3


def test_a_single_nan_among_good_values_is_nobody(answer, make_head) -> None:
    head = make_head(7)
    embedding = head.prototypes[:1].copy()
    embedding[0, 17] = np.nan
    assert not answer(head, embedding)[KNOWN].any()


def test_people_who_look_exactly_alike_still_pass_the_gate(gate: Gate, make_head, make_servable, tmp_path) -> None:
    head = make_head(3)
    twins = Head(("a", "b", "c"), np.repeat(head.prototypes[:1], 3, axis=0), head.thresholds)
    servable = make_servable(twins)
    write(servable, tmp_path)
    gate.check(tmp_path, servable)


@pytest.mark.parametrize("people", [0, 1, 300])
def test_heads_of_any_size_pass_the_gate(people: int, gate: Gate, make_head, make_servable, tmp_path) -> None:
    servable = make_servable(make_head(people))
    write(servable, tmp_path)
    gate.check(tmp_path, servable)


def test_describe_gives_back_people_and_metadata(gate: Gate, servable, pristine: Path) -> None:
    labels, meta_json = gate.describe(pristine)
    assert labels == tuple(f"person-{index}" for index in range(7))
    assert HeadMeta.from_json(meta_json).people == 7


def test_the_export_holds_no_variables_and_carries_its_warmup(pristine: Path) -> None:
    session = Session(pristine)
    session.close()
    assert not any("Variable" in operation or "VarHandle" in operation for operation in session.operations)
    assert (pristine / WARMUP_FILE).stat().st_size > 0


def _outputs(head: Head, embeddings: np.ndarray) -> dict[str, np.ndarray]:
    wanted = head.identify(embeddings)
    return {INDEX: wanted.index.copy(), SCORE: wanted.score.copy(), KNOWN: wanted.known.copy()}


def test_an_export_can_be_read_by_the_serving_of_the_compose_file(pristine: Path) -> None:
    from tensorflow.core.protobuf.saved_model_pb2 import SavedModel

    graph = SavedModel.FromString((pristine / "saved_model.pb").read_bytes()).meta_graphs[0].graph_def
    assert graph.versions.min_consumer <= GRAPH_VERSION_OF_2_19
    assert not graph.versions.bad_consumers


def test_the_judge_accepts_the_reference_itself(make_head) -> None:
    head = make_head(7)
    assert judge(head, faces(head))(_outputs(head, faces(head))) is None


@pytest.mark.parametrize("change", ["score", "nan", "index", "known", "order", "twice", "padding"])
def test_the_judge_notices_every_kind_of_wrong_answer(change: str, make_head) -> None:
    head = make_head(4 if change == "padding" else 7)
    embeddings = faces(head)
    outputs = _outputs(head, embeddings)
    match change:
        case "score":
            outputs[SCORE][3, 1] += 1e-3
        case "nan":
            outputs[SCORE][0, 0] = np.nan
        case "index":
            outputs[INDEX][0, 0] = (outputs[INDEX][0, 0] + 1) % 7
        case "known":
            outputs[KNOWN][0] ^= True
        case "order":
            outputs[INDEX] = outputs[INDEX][:, ::-1]
        case "twice":
            outputs[INDEX][0, 1] = outputs[INDEX][0, 0]
        case "padding":
            outputs[INDEX][0, 4] = 0
    assert judge(head, embeddings)(outputs) is not None
