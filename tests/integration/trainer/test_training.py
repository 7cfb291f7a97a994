from trainer_world import Here, World, somebody


def test_an_enrolment_ends_live_and_the_person_is_named(world: World, here: Here) -> None:
    enrollment = world.enroll("Ada", somebody(1))
    assert here.until("the enrolment has ended", lambda: world.ended(enrollment)) == "live"
    ended = world.enrollment(enrollment)
    assert ended.head_version == world.live()
    assert world.named(somebody(1)) == ended.person_id
    assert world.named(somebody(2)) is None
    assert world.leftovers() == []
