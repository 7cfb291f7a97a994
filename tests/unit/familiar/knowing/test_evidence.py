import numpy as np
import pytest
from numpy.typing import NDArray

import crowd
from familiar.knowing import evidence
from familiar.knowing.embedding import normalise
from familiar.knowing.head import Head

THRESHOLD = 0.9
ROWS = np.random.default_rng(0).standard_normal((7, 16)).astype(np.float32)
HEAD = Head(tuple("abcdefg"), normalise(ROWS), np.full(7, THRESHOLD, np.float32))


def says(*rows: dict[int, float]) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """Return the head's answer for frames given as {position: score}."""
    index, score = np.full((len(rows), 5), -1, np.int32), np.full((len(rows), 5), -1.0, np.float32)
    for i, row in enumerate(rows):
        best_first = sorted(row.items(), key=lambda item: -item[1])
        index[i, : len(row)] = [position for position, _ in best_first]
        score[i, : len(row)] = [value for _, value in best_first]
    return index, score


def combined(*rows: dict[int, float], weight: list[float] | None = None) -> evidence.Evidence:
    thresholds = np.full(9, THRESHOLD, np.float32)
    weights = np.array(weight or [1.0] * len(rows), np.float32)
    return evidence.combine(*says(*rows), weights, thresholds)


def test_one_frame_says_what_the_head_says_of_it() -> None:
    rows = np.random.default_rng(1).standard_normal((50, 16)).astype(np.float32)
    rows[::2] = HEAD.prototypes[np.arange(25) % 7] + 0.05 * rows[::2]
    alone = HEAD.identify(rows)
    assert alone.known.any()
    assert not alone.known.all()
    for i in range(len(rows)):
        one = evidence.combine(alone.index[i : i + 1], alone.score[i : i + 1], np.ones(1, np.float32), HEAD.thresholds)
        assert one.index.tolist() == alone.index[i].tolist()
        assert one.score == pytest.approx(alone.score[i])
        assert one.known == alone.known[i]


def test_good_frames_make_up_for_a_bad_one() -> None:
    found = combined({3: 0.96, 1: 0.7}, {3: 0.86, 1: 0.7}, {3: 0.95, 1: 0.6})
    assert found.known
    assert found.index[0] == 3
    assert found.score[0] == pytest.approx(0.9233, abs=1e-4)


def test_copies_of_a_frame_add_nothing() -> None:
    assert not combined(*[{0: 0.89, 1: 0.5}] * 5).known
    assert combined(*[{0: 0.91, 1: 0.5}] * 5).known


def test_one_lucky_frame_does_not_name_a_stranger() -> None:
    assert not combined({0: 0.91, 1: 0.5}, {0: 0.80, 1: 0.5}, {0: 0.82, 1: 0.5}).known


def test_nobody_is_named_whom_no_frame_alone_would_name() -> None:
    strangers = crowd.STRANGERS
    people = strangers.strangers(30, 1)
    head = Head(tuple(f"p{i}" for i in range(30)), people, np.full(30, 0.85, np.float32))
    rng = np.random.default_rng(2)
    named = 0
    for face in strangers.strangers(1500, 3):
        alone = head.identify(normalise(face + 0.02 * rng.standard_normal((3, 128)).astype(np.float32)))
        together = evidence.combine(alone.index, alone.score, np.ones(3, np.float32), head.thresholds)
        assert not together.known or alone.known.any()
        named += together.known
    assert named > 5  # else nothing was tested


def test_frames_of_two_people_are_nobody() -> None:
    assert not combined({0: 0.99, 1: 0.9}, {1: 0.99, 0: 0.9}).known


def test_a_heavier_frame_counts_more() -> None:
    rows = {0: 0.95, 1: 0.5}, {0: 0.80, 1: 0.5}
    assert combined(*rows, weight=[9, 1]).known
    assert not combined(*rows, weight=[1, 9]).known


def test_a_frame_without_an_embedding_says_nothing() -> None:
    assert combined({0: 0.95}, {}).known
    assert combined({}, {}) == evidence.NOTHING
    assert not evidence.NOTHING.known


def test_somebody_missing_among_the_candidates_of_a_frame_counts_as_its_last_one() -> None:
    found = combined({0: 0.9, 1: 0.8, 2: 0.7, 3: 0.6, 4: 0.5}, {0: 0.9, 5: 0.8, 6: 0.7, 7: 0.6, 8: 0.4})
    scores = dict(zip(found.index.tolist(), found.score.tolist(), strict=True))
    assert scores[0] == pytest.approx(0.9)
    assert scores[5] == pytest.approx((0.5 + 0.8) / 2)
    assert scores[1] == pytest.approx((0.8 + 0.4) / 2)


def test_shapes_that_do_not_fit_are_refused() -> None:
    index, score = says({0: 0.9})
    with pytest.raises(ValueError, match="fit together"):
        evidence.combine(index, score, np.ones(2, np.float32), np.zeros(1, np.float32))
