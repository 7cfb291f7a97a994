"""The parts of the gateway that need no request: the pixel budget, coaching, and asking both servables."""

import threading
import time

import numpy as np
import pytest
from gateway_fakes import FakeBackbone, FakeServing, backbone_meta, head_meta

from familiar.errors import InvalidImage, ModelNotFound, ServingUnavailable, TooLarge
from familiar.head import Head
from familiar.image import ImageLimits
from familiar.serving.models import Models
from familiar_gateway.coaching import Advice, coach, spread
from familiar_gateway.decoding import Decoder, PixelBudget
from familiar_gateway.errors import Busy


def run(*work) -> list[threading.Thread]:
    threads = [threading.Thread(target=each, daemon=True) for each in work]
    for thread in threads:
        thread.start()
    return threads


def test_only_so_many_pixels_are_unpacked_at_once():
    budget, inside, most = PixelBudget(100, wait_s=20), [], []
    guard = threading.Lock()

    def work(pixels: int) -> None:
        with budget.hold(pixels):
            with guard:
                inside.append(pixels)
                most.append(sum(inside))
            time.sleep(0.002)
            with guard:
                inside.remove(pixels)

    threads = run(*[lambda pixels=pixels: work(pixels) for pixels in [10, 60, 30, 90, 50] * 8])
    for thread in threads:
        thread.join(20)
        assert not thread.is_alive()
    assert max(most) <= 100 and len(most) == 40


def test_a_picture_larger_than_the_budget_gets_all_of_it():
    with PixelBudget(100, wait_s=1).hold(500):
        pass


def test_who_waits_too_long_is_told_to_come_again():
    budget = PixelBudget(100, wait_s=0.05)
    with budget.hold(100), pytest.raises(Busy), budget.hold(1):
        pytest.fail("there was no room")
    with budget.hold(100):  # the place is free again
        pass


def test_a_large_picture_is_not_overtaken_for_ever_by_small_ones():
    budget, order = PixelBudget(100, wait_s=20), []
    first = budget.hold(50)
    first.__enter__()

    def hold(pixels: int) -> None:
        with budget.hold(pixels):
            order.append(pixels)

    (large,) = run(lambda: hold(100))
    while budget._turn.acquire(blocking=False):  # until the large one stands first in the row
        budget._turn.release()
        time.sleep(0.001)
    (small,) = run(lambda: hold(10))
    first.__exit__(None, None, None)
    large.join(20)
    small.join(20)
    assert order == [100, 10]


def test_the_budget_is_given_back_when_a_picture_turns_out_to_be_broken(collins_jpeg):
    decoder = Decoder(ImageLimits(max_pixels=512 * 512), wait_s=0.05)
    for _ in range(3):
        with pytest.raises(InvalidImage), decoder.frame(collins_jpeg[: len(collins_jpeg) // 2]):
            pytest.fail("half a picture")
    with decoder.frame(collins_jpeg) as frame:
        assert frame.shape == (512, 512, 3)


def test_a_picture_too_large_never_waits_for_room(collins_jpeg):
    decoder = Decoder(ImageLimits(max_pixels=1000), wait_s=60)
    with decoder.budget.hold(1000), pytest.raises(TooLarge), decoder.frame(collins_jpeg):
        pytest.fail("too large")


def test_coaching_leads_round_and_ends():
    poses: list[tuple[float, float]] = []
    looks = {Advice.LOOK_STRAIGHT: (0, -5), Advice.TURN_LEFT: (25, -5), Advice.TURN_RIGHT: (-25, -5),
             Advice.LOOK_UP: (0, 12), Advice.LOOK_DOWN: (0, -22), Advice.KEEP_MOVING: (5, -5)}  # fmt: skip
    given = []
    for usable in range(60):
        advice = coach(spread(poses), usable, 50, ()).advice
        given.append(advice)
        if advice is Advice.FINISH:
            break
        poses.append(looks[advice])
    assert list(dict.fromkeys(given)) == [*looks, Advice.FINISH]
    assert given.index(Advice.FINISH) == 50


def test_coaching_names_what_is_wrong_with_the_last_frame_first():
    poses = spread([])
    assert coach(poses, 0, 50, ("too_dark",)).advice is Advice.MORE_LIGHT
    assert coach(poses, 0, 50, ("cut_off", "too_dark")).advice is Advice.MOVE_INTO_VIEW
    assert coach(poses, 0, 50, ("near_copy",)).advice is Advice.LOOK_STRAIGHT
    assert coach(poses, 50, 50, ("too_dark",)).advice is Advice.FINISH


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
