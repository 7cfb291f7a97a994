import numpy as np
import pytest

from familiar.direction import Direction
from familiar.learning.gallery import BLOCKS, Gallery, Row

AXES = np.eye(8, dtype=np.float32)


def row(person, group, at, axis=0):
    return person, group, float(at), AXES[axis % 8]


def blocks_of(gallery, person_id):
    return gallery.block[gallery.person == gallery.person_ids.index(person_id)].tolist()


def test_nobody_enrolled_is_a_gallery():
    gallery = Gallery.from_rows([])
    assert gallery.person_ids == () and len(gallery) == 0 and gallery.dim == 0
    assert gallery.samples_per_person().tolist() == []


def test_a_block_is_a_whole_stretch_of_time_within_one_capture():
    gallery = Gallery.from_rows([row("a", "g", at) for at in range(150)])
    blocks = blocks_of(gallery, "a")
    assert blocks == sorted(blocks)
    assert np.bincount(blocks).tolist() == [150 // BLOCKS] * BLOCKS


def test_frames_are_ordered_by_time_whatever_order_they_come_in():
    rows = [row("a", "g", at, axis=at) for at in range(8)]
    forwards, backwards = Gallery.from_rows(rows), Gallery.from_rows(rows[::-1])
    assert np.array_equal(forwards.embeddings, backwards.embeddings)
    assert forwards.digest() == backwards.digest()


def test_two_captures_never_share_a_block():
    gallery = Gallery.from_rows([row("a", g, at, axis=i) for i, g in enumerate("xyz") for at in range(7)])
    blocks_by_capture = [set(gallery.block[gallery.embeddings[:, i] == 1].tolist()) for i in range(3)]
    assert blocks_by_capture == [{0, 1}, {2, 3}, {4, 5}]


def test_many_captures_are_one_block_each():
    gallery = Gallery.from_rows([row("a", f"g{g}", at) for g in range(9) for at in range(4)])
    assert np.bincount(blocks_of(gallery, "a")).tolist() == [4] * 9


def test_one_sample_is_one_block():
    gallery = Gallery.from_rows([row("a", "g", 0), row("b", "g", 0), row("b", "g", 1)])
    assert blocks_of(gallery, "a") == [0]
    assert blocks_of(gallery, "b") == [0, 1]
    assert gallery.samples_per_person().tolist() == [1, 2]


def test_the_digest_tells_people_and_samples_apart():
    digests = {
        Gallery.from_rows(rows).digest()
        for rows in (
            [row("a", "g", 0), row("b", "g", 1, axis=1)],
            [row("a", "g", 0), row("c", "g", 1, axis=1)],
            [row("a", "g", 0), row("b", "g", 1, axis=2)],
            [row("a", "g", 0), row("a", "g", 1, axis=1), row("b", "g", 2, axis=2)],
        )
    }
    assert len(digests) == 4


def test_ids_and_directions_follow_their_samples_and_change_no_digest():
    rows = [row("b", "g", at, axis=at) for at in range(4)] + [row("a", "g", 9, axis=5)]
    told = [Row(*each, f"s{at}", place) for (at, each), place in zip(enumerate(rows), [*Direction], strict=True)]
    gallery = Gallery.from_rows(reversed(told))
    assert gallery.sample_ids == ("s4", "s0", "s1", "s2", "s3")
    assert [[*Direction][place] for place in gallery.direction] == ["down", "straight", "left", "right", "up"]
    assert gallery.digest() == Gallery.from_rows(rows).digest() == "f886fb0c196fb93c"


def test_what_is_not_told_of_samples_is_not_known():
    told = Gallery.from_rows([row("a", "g", 0), row("a", "g", 1)])
    made = Gallery(told.person_ids, told.embeddings, told.person, told.block)
    for gallery in (told, made):
        assert gallery.sample_ids == ("", "") and gallery.direction.tolist() == [-1, -1]


def test_embeddings_are_scaled_to_length_one():
    gallery = Gallery.from_rows([("a", "g", 0.0, 3 * AXES[1])])
    assert np.array_equal(gallery.embeddings, AXES[1:2])


@pytest.mark.parametrize("bad", [np.zeros(8), np.full(8, np.nan), np.full(8, np.inf)])
def test_an_embedding_that_is_none_is_refused_with_its_person(bad):
    with pytest.raises(ValueError, match="not finite, one of b"):
        Gallery.from_rows([row("a", "g", 0), ("b", "g", 0.0, bad.astype(np.float32))])


def test_embeddings_of_two_backbones_are_refused():
    with pytest.raises(ValueError, match="must be alike"):
        Gallery.from_rows([row("a", "g", 0), ("b", "g", 0.0, np.ones(4, np.float32))])
