"""The pixel budget: only so much is unpacked at once."""

import threading
import time

import pytest

from familiar.errors import Busy, InvalidImage, TooLarge
from familiar.seeing.decoding import Decoder, PixelBudget
from familiar.seeing.image import ImageLimits


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
