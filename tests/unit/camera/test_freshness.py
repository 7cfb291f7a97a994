"""Which pictures are of this moment, and which have waited on the way."""

import pytest

from familiar_camera.feeds import FeedLost
from familiar_camera.freshness import MOST_LATE_S, Freshness
from familiar_camera.lateness import Lateness

A_FEW, MANY = 4, 20


def connected(queues: bool = True) -> Freshness:
    made = Freshness()
    made.begin(queues, 0.0)
    return made


def freshness(of: Freshness, arrivals: list[tuple[float, float]], late_s: float | None = None) -> list[bool]:
    return [of.is_fresh(before, after, late_s) for before, after in arrivals]


def steady(pictures: int, every_s: float = 0.04) -> list[tuple[float, float]]:
    return [(every_s * number, every_s * number + every_s) for number in range(pictures)]


# ---- by the pace at which they come ----------------------------------------------------------------------


def test_what_was_kept_for_us_before_we_came_is_old() -> None:
    burst = [(0.001 * number, 0.001 * number + 0.0005) for number in range(20)]
    paced = [(0.02 + 0.04 * number, 0.06 + 0.04 * number) for number in range(4)]
    assert freshness(connected(), [*burst, *paced]) == [False] * 22 + [True, True]
    assert all(freshness(connected(queues=False), burst))


def test_after_a_silence_a_camera_whose_pace_is_known_is_connected_to_anew() -> None:
    made = connected()
    assert freshness(made, steady(MANY))[-1]
    with pytest.raises(FeedLost, match="it was silent for 3 s"):
        made.is_fresh(0.8, 3.8, None)
    made.begin(True, 4.0)
    assert freshness(made, [(4.0 + begin, 4.0 + end) for begin, end in steady(5)])[-1]


def test_a_hiccup_of_the_machine_makes_no_old_picture_a_new_one() -> None:
    made = connected()
    freshness(made, steady(A_FEW))
    stalled = [(0.16, 3.16)]  # three seconds, in which 90 pictures may gather
    burst = [(3.16 + 0.001 * number, 3.1605 + 0.001 * number) for number in range(30)]
    hiccup = [(3.19, 3.29)]
    assert not any(freshness(made, [*stalled, *burst, *hiccup, *[(a + 0.1, b + 0.1) for a, b in burst]]))
    rest = [(3.4 + 0.001 * number, 3.4005 + 0.001 * number) for number in range(40)]
    assert freshness(made, rest)[-1], "as many as can have gathered have come"


def test_a_camera_that_gathered_nothing_in_a_gap_is_believed_after_some_pictures() -> None:
    made = connected()
    freshness(made, steady(A_FEW))
    again = [(3.16 + 0.04 * number, 3.2 + 0.04 * number) for number in range(5)]
    assert freshness(made, [(0.16, 3.16), *again]) == [False, False, False, True, True, True]


def test_a_slow_camera_is_known_for_one_after_some_frames() -> None:
    assert freshness(connected(), steady(12, every_s=2.0))[-4:] == [True] * 4


def test_a_camera_that_becomes_slow_is_connected_to_anew_some_times_only() -> None:
    made, now, lost = connected(), 1.0, 0
    freshness(made, steady(MANY))
    for _ in range(30):
        try:
            fresh = made.is_fresh(now, now + 1.5, None)
        except FeedLost:
            made.begin(True, now + 1.5)
            lost += 1
        now += 1.5
    assert 0 < lost <= 5 and fresh


def test_a_connection_faster_than_its_camera_is_not_doubted_for_ever() -> None:
    arrivals = [(0.01 * number, 0.01 * number + 0.0001) for number in range(1000)]
    assert freshness(connected(), arrivals)[-1]


# ---- by how late they are --------------------------------------------------------------------------------


@pytest.mark.parametrize("queues", [True, False])
def test_a_picture_that_comes_late_is_old_at_whatever_pace(queues: bool) -> None:
    made = connected(queues)
    assert freshness(made, steady(MANY), late_s=0.0)[-1]
    assert not made.is_fresh(0.8, 3.8, 3.0)
    assert not any(freshness(made, [(3.8, 4.3), (4.3, 4.8)], late_s=MOST_LATE_S + 0.1))
    assert made.is_fresh(4.8, 4.9, MOST_LATE_S - 0.1), "no sooner and no later"


def test_pictures_that_go_on_coming_late_are_fetched_by_a_new_connection() -> None:
    made = connected()
    freshness(made, steady(MANY), late_s=0.0)
    with pytest.raises(FeedLost, match="its pictures come 7 s late"):
        freshness(made, [(0.8 + 0.5 * number, 1.3 + 0.5 * number) for number in range(10)], late_s=7.0)


def late_after(made: Freshness, began: float, good_s: int) -> None:
    """Connect, and have pictures come in time for so many seconds, and late from then on."""
    made.begin(False, began)
    for second in range(good_s + 10):
        made.is_fresh(began + second, began + second + 1, 0.0 if second < good_s else 2.0)


def test_a_clock_that_is_wrong_again_and_again_is_not_believed_until_it_is_right() -> None:
    made = connected(queues=False)
    for number in range(10):
        with pytest.raises(FeedLost):
            late_after(made, 100.0 * number, 5)
    late_after(made, 1500.0, 5)
    assert made.is_fresh(1520.0, 1521.0, 99.0)
    made.begin(False, 2000.0)
    assert all(made.is_fresh(2000.0 + second, 2001.0 + second, 0.0) for second in range(40))
    assert not made.is_fresh(2041.0, 2042.0, 99.0)


def test_what_comes_late_now_and_then_is_no_wrong_clock() -> None:
    made = connected(queues=False)
    for number in range(30):
        with pytest.raises(FeedLost):
            late_after(made, 1000.0 * number, 200)


def test_lateness_is_what_is_more_than_the_least() -> None:
    lateness = Lateness()
    assert [lateness.of(took_s, 0.0) for took_s in (5.0, 4.0, 4.5, 3.0, 6.0)] == [0.0, 0.0, 0.5, 0.0, 3.0]


@pytest.mark.parametrize("drift", [-0.0005, 0.0005])
def test_clocks_that_do_not_go_quite_alike_make_nothing_late(drift: float) -> None:
    lateness = Lateness()
    assert max(lateness.of(2.0 + drift * second, float(second)) for second in range(24 * 3600)) < 0.01
    assert lateness.of(2.0 + drift * 24 * 3600 + 2.0, 24 * 3600.0) > MOST_LATE_S
