"""Coaching: what to do next."""

from familiar_gateway.enrolling.coaching import Advice, coach, spread


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
