"""The main job, end to end: nobody is known, somebody is enrolled, and is recognised; the others stay unknown."""

from collections.abc import Callable

from system import START_ORDER, System, wait_until

LIVE_S = 60


def enroll_live(system: System, name: str, frames: list[bytes]) -> str:
    """Enrol as the camera client does, in portions; return the enrolment's id once it is live."""
    client = system.client()
    enrollment = client.open_enrollment(name)
    for start in range(0, len(frames), 10):
        client.add_frames(enrollment, frames[start : start + 10])
    client.finish(enrollment)
    wait_until(lambda: client.is_live(enrollment), LIVE_S, f"{name} is live")
    return enrollment


def test_people_are_enrolled_one_after_the_other_while_everybody_else_stays_unknown(
    make_system: Callable[..., System], webcam, collins, hopper
) -> None:
    system = make_system().up()
    client = system.client()
    collins_again, hopper_again = webcam(collins, 99, range(1))[0], webcam(hopper, 98, range(1))[0]
    before = client.recognize(collins_again)
    assert [face["status"] for face in before["faces"]] == ["unknown"]

    enroll_live(system, "Eileen Collins", webcam(collins, 1, range(60)))
    after = client.recognize(collins_again)
    assert after["head_version"] > before["head_version"]
    assert after["faces"][0]["person"]["name"] == "Eileen Collins"
    assert after["faces"][0]["score"] >= after["threshold"]
    assert client.name_of(hopper_again) is None

    enrollment = client.enroll("Grace Hopper", webcam(hopper, 2, range(0, 60, 3)))
    wait_until(lambda: client.is_live(enrollment), LIVE_S, "Grace Hopper is live")
    assert client.name_of(hopper_again) == "Grace Hopper"
    assert client.name_of(collins_again) == "Eileen Collins"

    one, other = (webcam(portrait, day, range(0, 40, 5)) for portrait, day in ((collins, 5), (hopper, 6)))
    grace = client.enrollment(enrollment)["person"]
    mixed = ({"name": "Both", "if_known": "new"}, [*one, *other]), ({"person_id": grace["id"]}, [*other, *one[:2]])
    for who, pictures in mixed:
        asked = client.enroll_in_doubt(pictures, **who)
        assert asked["code"] == "not_alike"
        assert asked["details"]["frames"] and set(asked["details"]["frames"]) <= set(range(8, 16))

    for name in reversed(START_ORDER):
        assert system.stop(name) == 0, system.log(name)
    for name in START_ORDER:
        system.start(name)
    system.wait_ready()
    assert client.name_of(hopper_again) == "Grace Hopper"
    assert client.name_of(collins_again) == "Eileen Collins"


def test_people_enrolled_at_the_same_time_share_a_training(
    make_system: Callable[..., System], webcam, collins, hopper
) -> None:
    system = make_system().up()
    client = system.client()
    opened = [client.open_enrollment(name) for name in ("Eileen Collins", "Grace Hopper")]
    for enrollment, portrait in zip(opened, (collins, hopper), strict=True):
        client.add_frames(enrollment, webcam(portrait, 3, range(0, 120, 4)))
    system.stop("trainer")
    for enrollment in opened:
        client.finish(enrollment)
    jobs = {client.enrollment(enrollment)["job"] for enrollment in opened}
    assert len(jobs) == 1
    system.start("trainer")
    for enrollment in opened:
        wait_until(lambda each=enrollment: client.is_live(each), LIVE_S, "both are live")
    assert len({client.enrollment(enrollment)["head_version"] for enrollment in opened}) == 1
