"""A face is looked at together with its mirror image only where that may change what is said of it."""

from dataclasses import replace

import numpy as np
import pytest
from gateway_world import THRESHOLD, World, files

from fakes import FakeMirroringBackbone, backbone_meta
from familiar.errors import ServingUnavailable
from familiar.knowing import Head, normalise
from familiar.seeing.image import Frame, encode_jpeg

MARGIN = 0.1
LEAN = 0.15


@pytest.fixture
def backbone(world: World) -> FakeMirroringBackbone:
    """A backbone that can glance, in place of the one of the world."""
    made = FakeMirroringBackbone(replace(backbone_meta(), mirrored=True, glance_margin=MARGIN), lean=LEAN)
    world.serving.backbones[1] = made
    return made


def recognize(world: World, *pictures: bytes) -> dict:
    """Ask who is on a picture, or on several together, and count anew what Serving is asked."""
    world.serving.asked.clear()
    world.serving.glances.clear()
    if len(pictures) == 1:
        answer = world.client.post("/v1/recognize", data=pictures[0], content_type="image/jpeg")
    else:
        answer = world.client.post("/v1/recognize", data={"image": files(list(pictures))})
    assert answer.status_code == 200, answer.text
    return answer.json


def close_looks(world: World) -> list[int]:
    """Return of how many faces whole embeddings were asked, by call."""
    return [count for model, _, count in world.serving.asked if model == "backbone"]


@pytest.fixture
def two_faces(collins: Frame, hopper: Frame) -> bytes:
    """Eileen Collins beside Grace Hopper."""
    picture = np.zeros((340, 640, 3), np.uint8)
    picture[:300, 20:320], picture[:320, 320:] = collins[:300, 60:360], hopper[100:420, 90:410]
    return encode_jpeg(picture)


class Somebody:
    """Somebody enrolled, and heads to which their face scores whatever a test needs."""

    def __init__(self, world: World, backbone: FakeMirroringBackbone, frames: list[bytes]) -> None:
        self._world = world
        self.id = world.enroll("Eileen Collins", frames[:10])["person"]["id"]
        self.picture = frames[11]
        recognize(world, self.picture)
        chips = np.stack(world.serving.shown[:1])
        self.face = backbone.embed(chips)[0]
        glance = backbone.glance(chips)[0]
        self.astray = normalise(glance - (glance @ self.face) * self.face)

    def scoring(self, score: float) -> Head:
        """Return a head to which a close look at the face scores ``score``, and a glance as wrongly as can be."""
        aside = np.sqrt(1 - score**2)
        return Head((self.id,), (score * self.face + aside * self.astray)[None], np.full(1, THRESHOLD, np.float32))


@pytest.fixture
def somebody(world: World, backbone: FakeMirroringBackbone, collins_frames: list[bytes]) -> Somebody:
    return Somebody(world, backbone, collins_frames)


def test_who_is_clearly_known_or_unknown_is_only_glanced_at(world, somebody, hopper_frames):
    assert recognize(world, somebody.picture)["faces"][0]["status"] == "known"
    assert (world.serving.glances, close_looks(world)) == ([1], [])
    assert recognize(world, hopper_frames[12])["faces"][0]["status"] == "unknown"
    assert (world.serving.glances, close_looks(world)) == ([1], [])


def test_wherever_the_threshold_lies_the_decision_is_that_of_the_close_look(world, somebody):
    looks = []
    for score in np.arange(THRESHOLD - 0.25, THRESHOLD + 0.249, 0.01):
        head = somebody.scoring(score)
        world.publish(head)
        (face,) = recognize(world, somebody.picture)["faces"]
        named = bool(head.identify(somebody.face[None]).known[0])
        assert (face["status"] == "known") == named, score
        looks.append(len(world.serving.glances))
        if named and looks[-1] == 2:
            assert face["score"] == pytest.approx(score, abs=1e-3)
    assert set(looks) == {1, 2} and looks[0] == looks[-1] == 1


def test_a_glance_alone_would_have_been_wrong(world, somebody, backbone):
    """The counterpart of the test before: were nothing looked at twice, it would fail."""
    head = somebody.scoring(THRESHOLD - 0.02)
    assert head.identify(backbone.glance(np.stack(world.serving.shown[:1]))).known[0]
    assert not head.identify(somebody.face[None]).known[0]


def test_somebody_who_is_much_like_the_next_person_is_looked_at_twice(world, somebody):
    head = somebody.scoring(0.95)
    twin = Head(
        (somebody.id, "f" * 32), np.repeat(head.prototypes, 2, axis=0) * [[1], [0.97]], np.repeat(head.thresholds, 2)
    )
    world.publish(twin)
    assert recognize(world, somebody.picture)["faces"][0]["person"]["id"] == somebody.id
    assert world.serving.glances == [1, 1]


def test_only_the_doubtful_faces_of_a_picture_are_looked_at_twice(world, somebody, two_faces):
    world.publish(somebody.scoring(THRESHOLD + 0.01))
    assert len(recognize(world, two_faces)["faces"]) == 2
    assert world.serving.glances == [2, 1]


def test_a_head_that_comes_between_the_looks_judges_all_of_them_anew(world, somebody):
    world.publish(somebody.scoring(THRESHOLD + 0.01))
    nobody = Head((somebody.id,), -somebody.face[None], np.full(1, THRESHOLD, np.float32))
    world.serving.before_identify += [lambda: None, lambda: world.publish(nobody)]
    answer = recognize(world, somebody.picture)
    assert answer["faces"][0]["status"] == "unknown" and answer["head_version"] == max(world.serving.heads)


def test_a_glance_that_was_sure_to_one_head_is_not_to_the_next(world, somebody, two_faces):
    """One face is doubtful to the first head, the other to the second, which comes between the looks."""
    world.publish(Head.empty(backbone_meta().dim))
    recognize(world, two_faces)
    faces = world.serving.backbones[1].embed(np.stack(world.serving.shown))
    limits = np.full(1, THRESHOLD, np.float32)
    heads = [Head((somebody.id,), face[None] * np.float32(THRESHOLD + 0.01), limits) for face in faces]
    world.publish(heads[0])
    world.serving.before_identify += [lambda: None, lambda: world.publish(heads[1])]
    recognize(world, two_faces)
    assert world.serving.glances == [2, 1, 1]


def test_a_head_with_thresholds_that_it_does_not_state_is_always_asked_about_close_looks(world, somebody):
    world.publish(somebody.scoring(0.99))
    version = max(world.serving.heads)
    head, meta = world.serving.heads[version]
    world.serving.heads[version] = (head, replace(meta, metrics={"calibrated": False}))
    recognize(world, somebody.picture)
    assert world.serving.glances == [1, 1]


def test_nobody_to_be_known_is_sure_at_a_glance(world, backbone, collins_frames):
    assert recognize(world, collins_frames[0])["faces"][0]["status"] == "unknown"
    assert world.serving.glances == [1]


def test_frames_that_are_asked_about_together_are_closely_looked_at(world, somebody, collins_frames):
    recognize(world, *collins_frames[:3])
    assert (world.serving.glances, close_looks(world)) == ([], [3])


def test_samples_are_closely_looked_at(world, backbone, collins_frames):
    world.enroll("Eileen Collins", collins_frames[:10])
    assert world.serving.glances == [] and sum(close_looks(world)) >= 8


def test_a_backbone_without_glances_is_never_asked_for_one(world, collins_frames):
    recognize(world, collins_frames[0])
    assert (world.serving.glances, close_looks(world)) == ([], [1])


def test_a_backbone_that_promises_glances_and_has_none_names_nobody(world, collins_frames):
    backbone = world.serving.backbones[1]
    world.enroll("Eileen Collins", collins_frames[:10])
    world.serving.backbones[2] = replace(backbone, meta=replace(backbone.meta, mirrored=True, glance_margin=MARGIN))
    world.train()
    answer = world.client.post("/v1/recognize", data=collins_frames[0], content_type="image/jpeg")
    assert answer.status_code >= 400 and "faces" not in answer.json


def test_a_fault_at_the_second_look_is_an_error_and_no_name(world, somebody):
    world.publish(somebody.scoring(THRESHOLD + 0.01))

    def fail() -> None:
        world.serving.faults["backbone"] = ServingUnavailable("away")

    world.serving.before_identify.append(fail)
    answer = world.client.post("/v1/recognize", data=somebody.picture, content_type="image/jpeg")
    assert answer.status_code == 503 and "faces" not in answer.json
