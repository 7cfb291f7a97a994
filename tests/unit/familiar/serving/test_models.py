"""Asking both servables."""

import numpy as np
import pytest

from fakes import FakeBackbone, FakeServing, backbone_meta, head_meta
from familiar.errors import ModelNotFound, ServingUnavailable
from familiar.knowing.head import Head
from familiar.serving.models import Models


@pytest.fixture
def serving() -> FakeServing:
    made = FakeServing()
    made.backbones[1] = FakeBackbone(backbone_meta())
    for version in (1, 2):
        made.heads[version] = (head := Head.empty(32), head_meta(head))
    return made


def test_what_a_version_says_of_itself_is_asked_once(serving):
    models = Models(serving)
    described = models.head(1)
    serving.heads[1] = serving.heads[2]
    assert models.head(1) is described
    assert models.backbone(1).dim == 32


def test_a_version_that_is_not_there_is_asked_again(serving):
    models = Models(serving)
    with pytest.raises(ModelNotFound):
        models.head(3)
    serving.heads[3] = serving.heads[2]
    assert models.head(3).version == 3


def test_chips_are_sent_eight_at_a_time(serving):
    chips = np.random.default_rng(0).integers(0, 255, (19, 96, 96, 3), np.uint8)
    rows = Models(serving).embed(chips, 1)
    assert [asked[2] for asked in serving.asked] == [8, 8, 3]
    assert np.allclose(rows, serving.backbones[1].embed(chips), atol=1e-5)


def test_no_faces_ask_for_the_newest_head_all_the_same(serving):
    answer = Models(serving).identify(np.zeros((0, 0), np.float32))
    assert answer.version == 2 and answer.index.shape == (0, 5)


def test_the_labels_of_a_version_are_fetched_once_however_often_faces_or_none_are_asked_about(serving):
    models = Models(serving)
    for rows in (np.zeros((0, 0), np.float32), np.eye(1, 32, dtype=np.float32)) * 3:
        models.identify(rows)
    models.newest_head()
    assert [outputs for _, outputs in serving.described if "labels" in outputs] == [("labels", "meta_json")]
    serving.heads[3] = serving.heads[2]
    assert models.identify(np.zeros((0, 0), np.float32)).version == 3


def test_a_head_retired_between_two_batches_is_replaced_by_its_successor(serving):
    def retire() -> None:
        serving.heads.pop(2)

    serving.before_identify += [lambda: None, retire]
    rows = np.tile(np.eye(1, 32, dtype=np.float32), (12, 1))
    answer = Models(serving).identify(rows)
    assert answer.version == 1 and len(answer.known) == 12


def test_a_head_asked_for_by_its_version_is_not_replaced_by_another(serving):
    with pytest.raises(ModelNotFound):
        Models(serving).identify(np.eye(1, 32, dtype=np.float32), version=7)


@pytest.mark.parametrize("text", [b"{", b"[]", b"{}", b"\xff"])
def test_a_description_that_cannot_be_read_is_an_error(serving, text):
    class Garbled(FakeServing):
        def _describe(self, model, version):
            return {**super()._describe(model, version), "meta_json": np.array([text], np.object_)}

    models = Models(Garbled(serving.backbones, serving.heads))
    with pytest.raises(ServingUnavailable):
        models.newest_head()
    with pytest.raises(ServingUnavailable):
        models.backbone(1)
