import numpy as np
import pytest

from familiar.knowing import embedding
from familiar.knowing.decision import Status, decide
from familiar.knowing.head import Head


def unit(*rows: list[float]) -> np.ndarray:
    return embedding.normalise(np.array(rows, np.float32))


@pytest.fixture
def head() -> Head:
    return Head(("ada", "bob"), unit([1, 0, 0], [0, 1, 0]), np.array([0.9, 0.5], np.float32))


def test_the_best_candidate_is_known_only_above_its_own_threshold(head: Head) -> None:
    answer = head.identify(unit([1, 0.1, 0], [1, 0.9, 0], [0.5, 1, 0.2], [0, 0, 1]))
    assert answer.index[:, 0].tolist() == [0, 0, 1, 0]
    assert answer.known.tolist() == [True, False, True, False]


def test_candidates_are_padded_where_there_are_few_people(head: Head) -> None:
    answer = head.identify(unit([1, 0, 0]))
    assert answer.index[0].tolist() == [0, 1, -1, -1, -1]
    assert answer.score[0, 2:].tolist() == [-1, -1, -1]


def test_an_empty_head_knows_nobody() -> None:
    answer = Head.empty(3).identify(unit([1, 0, 0]))
    assert not answer.known.any()
    assert (answer.index == -1).all()


@pytest.mark.parametrize("value", [np.nan, np.inf, 0.0])
def test_an_embedding_that_is_not_one_is_never_known(head: Head, value: float) -> None:
    answer = head.identify(np.full((1, 3), value, np.float32))
    assert not answer.known[0]


def test_weights_survive_being_written_and_read(head: Head) -> None:
    again = Head.from_bytes(head.to_bytes())
    assert again.person_ids == head.person_ids
    assert (again.prototypes == head.prototypes).all()
    assert (again.thresholds == head.thresholds).all()
    assert Head.from_bytes(Head.empty(7).to_bytes()).dim == 7


@pytest.mark.parametrize("data", [b"", b"rubbish", b"PK\x03\x04"])
def test_bytes_that_are_no_weights_are_refused(data: bytes) -> None:
    with pytest.raises(ValueError):
        Head.from_bytes(data)


def test_a_head_with_weights_that_do_not_fit_together_cannot_be_made() -> None:
    with pytest.raises(ValueError, match="prototypes"):
        Head(("ada",), unit([1, 0], [0, 1]), np.zeros(1, np.float32))
    with pytest.raises(ValueError, match="thresholds"):
        Head(("ada",), unit([1, 0]), np.zeros(2, np.float32))
    with pytest.raises(ValueError, match="finite"):
        Head(("ada",), np.array([[np.nan, 1]], np.float32), np.zeros(1, np.float32))


LABELS = ["ada", "bob", "eve"]


def test_a_known_face_gets_a_name_and_its_candidates() -> None:
    decision = decide([1, 0, -1], [0.97, 0.4, -1], True, LABELS, {"ada": "ada", "bob": "bob"})
    assert (decision.status, decision.person_id) == (Status.KNOWN, "bob")
    assert [c.person_id for c in decision.candidates] == ["bob", "ada"]


def test_somebody_deleted_is_neither_named_nor_shown_nor_replaced_by_the_next() -> None:
    decision = decide([1, 0, -1], [0.97, 0.96, -1], True, LABELS, {"ada": "ada"})
    assert (decision.status, decision.person_id) == (Status.UNKNOWN, None)
    assert [c.person_id for c in decision.candidates] == ["ada"]


def test_two_labels_of_one_person_are_one_candidate_and_both_name_them() -> None:
    merged = {"ada": "ada", "bob": "ada", "eve": "eve"}
    decision = decide([1, 0, 2], [0.97, 0.9, 0.8], True, LABELS, merged)
    assert (decision.status, decision.person_id, decision.score) == (Status.KNOWN, "ada", 0.97)
    assert [(c.person_id, c.score) for c in decision.candidates] == [("ada", 0.97), ("eve", 0.8)]


def test_an_unknown_face_has_candidates_but_no_name() -> None:
    decision = decide([0, 1], [0.5, 0.4], False, LABELS, {"ada": "ada", "bob": "bob"})
    assert (decision.status, decision.person_id, decision.score) == (Status.UNKNOWN, None, 0.5)


def test_an_index_outside_the_labels_names_nobody() -> None:
    assert decide([7], [0.99], True, LABELS, {label: label for label in LABELS}).status is Status.UNKNOWN


def test_rows_of_length_zero_or_infinity_become_zeros() -> None:
    rows = embedding.normalise(np.array([[3, 4], [0, 0], [np.inf, 1], [np.nan, 1]], np.float32))
    assert np.allclose(rows, [[0.6, 0.8], [0, 0], [0, 0], [0, 0]])


def test_near_copies_are_told_by_cosine() -> None:
    rows = unit([1, 0], [0, 1])
    assert embedding.is_near_copy(unit([1, 0.01])[0], rows, 0.99)
    assert not embedding.is_near_copy(unit([1, 1])[0], rows, 0.99)
    assert not embedding.is_near_copy(unit([1, 0])[0], np.zeros((0, 0), np.float32), 0.99)


def test_an_embedding_survives_the_database_form() -> None:
    row = unit([0.3, -0.2, 0.9])[0]
    assert (embedding.from_blob(embedding.to_blob(row)) == row).all()
