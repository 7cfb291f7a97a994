"""The pixel budget: only so much is unpacked at once; and the slow lane: only so much goes on that takes long."""

import threading
import time
from contextlib import ExitStack
from types import SimpleNamespace

import pytest

from familiar.errors import Busy, InvalidImage, TooLarge
from familiar.seeing import decoding
from familiar.seeing.decoding import Decoder, PixelBudget, SlowLane
from familiar.seeing.outline import ImageLimits


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
    with decoder.hold(1000), pytest.raises(TooLarge), decoder.frame(collins_jpeg):
        pytest.fail("too large")


def test_small_pictures_never_wait_for_large_ones(collins_jpeg):
    decoder = Decoder(ImageLimits(max_pixels=4 * 512 * 512), wait_s=60)
    entered, done = threading.Event(), threading.Event()

    def hold_all() -> None:
        with decoder.hold(decoder.limits.max_pixels):
            entered.set()
            done.wait(20)

    (large,) = run(hold_all)
    assert entered.wait(20)
    with decoder.frame(collins_jpeg) as frame:
        assert frame.shape == (512, 512, 3)
    done.set()
    large.join(20)


def inside(lane: SlowLane, leave: threading.Event, told: list[str]) -> None:
    try:
        with lane.enter():
            told.append("at work")
            leave.wait(20)
    except Busy:
        told.append("busy")


def until(true) -> None:
    deadline = time.monotonic() + 20
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.001)


def test_few_work_in_the_slow_lane_some_wait_and_the_others_are_sent_away_at_once():
    lane, leave, told = SlowLane(at_work=2, waiting=1, wait_s=60), threading.Event(), []
    working = run(*[lambda: inside(lane, leave, told)] * 2)
    until(lambda: told == ["at work"] * 2)
    (waiting,) = run(lambda: inside(lane, leave, told))
    until(lambda: not lane._places.acquire(blocking=False) or lane._places.release())
    inside(lane, leave, told)
    assert told == ["at work", "at work", "busy"]
    leave.set()
    for thread in [*working, waiting]:
        thread.join(20)
    assert told == ["at work", "at work", "busy", "at work"]


def test_who_waits_too_long_in_the_slow_lane_is_told_to_come_again():
    lane, leave, told = SlowLane(at_work=1, waiting=1, wait_s=0.05), threading.Event(), []
    (working,) = run(lambda: inside(lane, leave, told))
    until(lambda: told == ["at work"])
    inside(lane, leave, told)
    leave.set()
    working.join(20)
    assert told == ["at work", "busy"]


def test_who_is_in_the_slow_lane_may_enter_it_again_and_leaves_it_at_the_end():
    lane, told = SlowLane(at_work=1, waiting=0), []
    for _ in range(2):
        with lane.enter(), lane.enter():
            run(lambda: inside(lane, threading.Event(), told))[0].join(20)
    assert told == ["busy", "busy"]


def test_a_fault_in_the_slow_lane_frees_the_place():
    lane = SlowLane(at_work=1, waiting=0)
    for _ in range(3):
        with pytest.raises(ValueError, match="fault"), lane.enter():
            raise ValueError("fault")


@pytest.mark.parametrize("threads,at_work,free", [(1, 1, 0), (2, 1, 1), (4, 1, 2), (8, 2, 2), (64, 16, 2)])
def test_beside_the_slow_lane_some_threads_stay_free(threads, at_work, free):
    lane = SlowLane.beside(threads)
    taken = 0
    while lane._places.acquire(blocking=False):
        taken += 1
    assert taken == threads - free
    assert [lane._work.acquire(blocking=False) for _ in range(at_work + 1)] == [True] * at_work + [False]


@pytest.mark.parametrize(
    ("slow", "others", "rests"), [(True, True, [0.3, 2.0]), (True, False, []), (False, True, []), (False, False, [])]
)
def test_an_upload_rests_between_its_frames_while_others_are_looked_at(
    monkeypatch: pytest.MonkeyPatch, slow: bool, others: bool, rests: list[float]
):
    now, rested = [0.0], []
    monkeypatch.setattr(decoding, "time", SimpleNamespace(monotonic=lambda: now[0], sleep=rested.append))
    decoder = Decoder(ImageLimits(20_000_000, 40_000_000), SlowLane(1, 0))
    with ExitStack() as held:
        if slow:
            held.enter_context(decoder.lane.enter())
        if others:
            held.enter_context(decoder.hold(1_000))
        for took in decoder.in_turns([0.25, 50.0]):
            now[0] += took + 0.05
    assert rested == pytest.approx(rests)
