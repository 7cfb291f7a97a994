"""POST /v1/recognize with several frames of one person: one answer, by the evidence of all of them."""

import base64
from dataclasses import replace

import cv2
import numpy as np
import pytest
from gateway_world import THRESHOLD, World, files

from fakes import FakeBackbone, backbone_meta, head_meta
from familiar.errors import ServingUnavailable
from familiar.knowing.head import Head
from familiar.seeing.image import Frame, encode_jpeg
from familiar.serving.models import HeadAnswer
from familiar_gateway.recognizing.burst import least_scores

BLANK = encode_jpeg(np.full((200, 200, 3), 127, np.uint8))
LABELS = ("a" * 32, "b" * 32)


def recognize(world: World, pictures: list[bytes]) -> dict:
    answer = world.client.post("/v1/recognize", data={"image": files(pictures)})
    assert answer.status_code == 200, answer.text
    return answer.json


def says(*rows: tuple[dict[int, float], bool]) -> dict[str, np.ndarray]:
    """Return what a head answers for frames, each given as ({position: score}, known)."""
    index, score = np.full((len(rows), 5), -1, np.int32), np.full((len(rows), 5), -1.0, np.float32)
    for row, (candidates, _) in enumerate(rows):
        index[row, : len(candidates)] = list(candidates)
        score[row, : len(candidates)] = list(candidates.values())
    return {"index": index, "score": score, "known": np.array([known for _, known in rows])}


def answered(*rows: tuple[dict[int, float], bool], calibrated: bool) -> HeadAnswer:
    head = Head(LABELS, np.eye(2, 32, dtype=np.float32), np.full(2, 0.8, np.float32))
    meta = replace(head_meta(head, threshold=0.8), metrics={"calibrated": calibrated})
    return HeadAnswer(1, LABELS, meta, **says(*rows))


def uncalibrated(world: World, thresholds: list[float]) -> None:
    """Put the head in service again, with thresholds that its metadata do not state."""
    head, meta = world.serving.heads[max(world.serving.heads)]
    version = world.publish(Head(head.person_ids, head.prototypes, np.array(thresholds, np.float32)))
    world.serving.heads[version] = (world.serving.heads[version][0], replace(meta, metrics={"calibrated": False}))


@pytest.fixture
def both(world: World, collins_frames: list[bytes], hopper_frames: list[bytes]) -> World:
    """A world that knows Eileen Collins and Grace Hopper."""
    world.enroll("Eileen Collins", collins_frames[:10])
    world.enroll("Grace Hopper", hopper_frames[:10])
    return world


@pytest.mark.parametrize("way", ["form", "json"])
def test_several_frames_are_answered_as_one_face_by_one_head(both, collins_frames, way):
    both.serving.asked.clear()
    if way == "form":
        answer = recognize(both, collins_frames[10:13])
    else:
        texts = [base64.b64encode(data).decode() for data in collins_frames[10:13]]
        answer = both.client.post("/v1/recognize", json={"images": texts}).json
    head = max(both.serving.heads)
    assert both.serving.asked == [("backbone", 1, 3), ("head", head, 3)]
    (face,) = answer["faces"]
    assert face["status"] == "known" and face["person"]["name"] == "Eileen Collins"
    assert [each["person"]["name"] for each in face["candidates"]] == ["Eileen Collins", "Grace Hopper"]
    scores = [frame["score"] for frame in answer["frames"]]
    assert [frame["index"] for frame in answer["frames"]] == [0, 1, 2]
    assert min(scores) <= face["score"] == face["candidates"][0]["score"] <= max(scores)
    assert answer["head_version"] == head and answer["threshold"] == THRESHOLD


def test_the_faces_found_are_those_of_the_frame_that_the_face_is_shown_from(world, collins, hopper):
    alone, both = encode_jpeg(collins), encode_jpeg(np.hstack([collins, hopper[:512]]))
    blurred = encode_jpeg(cv2.GaussianBlur(collins, (0, 0), 5))
    for frames in ([both, blurred], [blurred, both]):
        answer = recognize(world, frames)
        assert (len(answer["faces"]), answer["faces_found"]) == (1, 2)
    assert recognize(world, [alone, blurred])["faces_found"] == 1
    assert recognize(world, [BLANK, BLANK])["faces_found"] == 0


def test_a_single_picture_is_answered_as_ever(both, collins_frames):
    assert set(recognize(both, collins_frames[10:11])) == {
        "request_id", "head_version", "backbone_version", "threshold", "faces", "faces_found", "timings_ms"
    }  # fmt: skip


def test_the_face_is_shown_from_the_frame_that_counts_most(both, collins: Frame):
    good = collins[:300, 60:360]
    small = np.full_like(good, 127)
    small[100:200, 100:200] = good[::3, ::3]
    answer = recognize(both, [encode_jpeg(small), encode_jpeg(good)])
    assert answer["best_frame"] == 1
    alone = recognize(both, [encode_jpeg(good)])["faces"][0]
    assert {name: answer["faces"][0][name] for name in ("box", "landmarks", "quality")} == {
        name: alone[name] for name in ("box", "landmarks", "quality")
    }


def test_bad_frames_are_listed_with_their_reasons_and_do_not_count(both, collins_frames, collins: Frame):
    dark = encode_jpeg((collins[:300, 60:360] * 0.06).astype(np.uint8))
    both.serving.asked.clear()
    answer = recognize(both, [BLANK, dark, *collins_frames[10:12]])
    assert [frame["status"] for frame in answer["frames"]] == ["rejected", "rejected", "known", "known"]
    assert answer["frames"][0]["reasons"] == ["no_face"] and "too_dark" in answer["frames"][1]["reasons"]
    assert [count for _, _, count in both.serving.asked] == [2, 2]
    assert answer["faces"][0]["status"] == "known"
    assert answer["faces"][0]["score"] == recognize(both, collins_frames[10:12])["faces"][0]["score"]


def test_a_good_frame_is_shown_rather_than_a_bad_one_that_is_larger(both, collins: Frame):
    face = collins[:300, 60:360]
    small = np.full_like(face, 127)
    small[100:200, 100:200] = face[::3, ::3]
    answer = recognize(both, [encode_jpeg((face * 0.06).astype(np.uint8)), encode_jpeg(small)])
    assert [frame["status"] == "rejected" for frame in answer["frames"]] == [True, False]
    assert answer["best_frame"] == 1 and answer["faces"][0]["reasons"] == []


def test_without_a_good_frame_the_best_bad_one_is_shown_and_nobody_asked(both, collins: Frame):
    dark = encode_jpeg((collins[:300, 60:360] * 0.06).astype(np.uint8))
    both.serving.asked.clear()
    answer = recognize(both, [BLANK, dark])
    (face,) = answer["faces"]
    assert face["status"] == "rejected" and face["person"] is None and "too_dark" in face["reasons"]
    assert answer["best_frame"] == 1 and both.serving.asked == []


def test_without_any_face_the_answer_has_none(both):
    answer = recognize(both, [BLANK, BLANK])
    assert answer["faces"] == [] and answer["best_frame"] is None
    assert [frame["reasons"] for frame in answer["frames"]] == [["no_face"], ["no_face"]]


def test_only_the_largest_face_of_each_frame_counts(both, collins: Frame, collins_frames):
    face = collins[:300, 60:360]
    beside = np.full((300, 150, 3), 127, np.uint8)
    beside[100:250] = face[::2, ::2]
    crowd = encode_jpeg(np.hstack([face, beside]))
    assert len(recognize(both, [crowd])["faces"]) == 2
    answer = recognize(both, [crowd, collins_frames[10]])
    assert len(answer["faces"]) == 1 and len(answer["frames"]) == 2


def test_frames_that_disagree_name_nobody(both, collins_frames, hopper_frames):
    both.serving.spoil = says(({0: 0.9, 1: 0.1}, True), ({1: 0.9, 0: 0.1}, True))
    answer = recognize(both, [collins_frames[10], collins_frames[10]])
    assert [frame["status"] for frame in answer["frames"]] == ["known", "known"]
    assert answer["faces"][0]["status"] == "unknown" and answer["faces"][0]["person"] is None


def test_one_lucky_frame_among_several_names_nobody(both, collins_frames):
    both.serving.spoil = says(({0: 0.76, 1: 0.1}, True), ({0: 0.6, 1: 0.1}, False), ({0: 0.6, 1: 0.1}, False))
    assert recognize(both, collins_frames[10:13])["faces"][0]["status"] == "unknown"


def test_a_frame_below_the_threshold_is_made_up_for_by_better_ones(both, collins_frames):
    both.serving.spoil = says(({0: 0.9, 1: 0.1}, True), ({0: 0.74, 1: 0.1}, False), ({0: 0.9, 1: 0.1}, True))
    answer = recognize(both, collins_frames[10:13])
    assert [frame["status"] for frame in answer["frames"]] == ["known", "unknown", "known"]
    assert answer["faces"][0]["status"] == "known"


def test_whom_the_head_names_in_no_frame_is_not_named_whatever_the_scores(both, collins_frames):
    both.serving.spoil = says(({0: 0.99}, False), ({0: 0.99}, False))
    assert recognize(both, collins_frames[10:12])["faces"][0]["status"] == "unknown"


@pytest.mark.parametrize("last", [{}, {1: 0.99}])
def test_a_frame_known_as_nobody_helps_to_name_nobody(both, collins_frames, last):
    both.serving.spoil = says(({}, True), (last, not last))
    assert recognize(both, collins_frames[10:12])["faces"][0]["status"] == "unknown"


def test_thresholds_that_nobody_states_are_never_undercut(both, collins_frames):
    uncalibrated(both, [0.95, 0.1])
    # The mean is above the threshold that the metadata state, and no frame contradicts it; this person's own is higher.
    both.serving.spoil = says(({0: 0.96, 1: 0.1}, True), ({0: 0.7, 1: 0.1}, False))
    assert recognize(both, collins_frames[10:12])["faces"][0]["status"] == "unknown"
    both.serving.spoil = says(({0: 0.96, 1: 0.1}, True), ({0: 0.97, 1: 0.1}, True))
    assert recognize(both, collins_frames[10:12])["faces"][0]["status"] == "known"


def test_the_threshold_of_a_calibrated_head_holds_for_all_whom_it_names():
    said = answered(({0: 0.9, 1: 0.2}, True), ({0: 0.7, 1: 0.2}, False), calibrated=True)
    assert least_scores(said).tolist() == [pytest.approx(0.8), np.inf]


@pytest.mark.parametrize("calibrated", [True, False])
def test_otherwise_the_least_score_that_was_enough_holds(calibrated):
    contradicting = answered(({0: 0.9, 1: 0.2}, True), ({0: 0.85, 1: 0.2}, False), calibrated=calibrated)
    assert least_scores(contradicting).tolist() == [pytest.approx(0.9), np.inf]


def test_with_nobody_enrolled_a_burst_is_unknown(world, collins_frames):
    (face,) = recognize(world, collins_frames[:2])["faces"]
    assert (face["status"], face["score"], face["candidates"]) == ("unknown", None, [])


def test_somebody_deleted_is_neither_named_nor_shown(both, collins_frames):
    person = recognize(both, collins_frames[10:12])["faces"][0]["person"]
    both.client.delete(f"/v1/people/{person['id']}")
    answer = recognize(both, collins_frames[10:12])
    assert answer["faces"][0]["status"] == "unknown" and person["id"] not in str(answer)
    assert {frame["status"] for frame in answer["frames"]} == {"unknown"}


def test_ten_frames_are_answered_by_one_head_though_another_comes_between(world, collins_frames):
    world.serving.before_identify += [lambda: None, lambda: world.publish(Head.empty(32))]
    answer = recognize(world, collins_frames[:10])
    assert answer["head_version"] == 1 and len(answer["frames"]) == 10
    assert [asked for asked in world.serving.asked if asked[0] == "head"] == [("head", 1, 8), ("head", 1, 2)]


def test_all_frames_are_seen_again_when_the_backbone_was_replaced(world, collins_frames):
    recognize(world, collins_frames[:2])
    world.serving.backbones[2] = FakeBackbone(backbone_meta("newer", 112, 48), seed=7)
    world.publish(Head.empty(48), backbone_version=2)
    assert recognize(world, collins_frames[:3])["backbone_version"] == 2
    assert ("backbone", 2, 3) in world.serving.asked


@pytest.mark.parametrize("model", ["backbone", "head"])
def test_serving_away_is_a_503_and_names_nobody(both, collins_frames, model):
    both.serving.faults[model] = ServingUnavailable("away")
    answer = both.client.post("/v1/recognize", data={"image": files(collins_frames[10:12])})
    assert answer.status_code == 503 and "Eileen" not in answer.text


def test_a_refusal_says_which_picture_it_is_about(world, collins_frames):
    pictures = [collins_frames[0], collins_frames[1][:500], collins_frames[2]]
    answer = world.client.post("/v1/recognize", data={"image": files(pictures)})
    assert answer.status_code == 400 and answer.json["error"]["details"] == {"index": 1}


def test_more_than_ten_frames_are_refused_with_a_sentence(world, collins_frames):
    answer = world.client.post("/v1/recognize", data={"image": files(collins_frames[:11])})
    assert answer.status_code == 400
    assert answer.json["error"]["message"] == "'image' takes 1 to 10 pictures at once, got 11"
