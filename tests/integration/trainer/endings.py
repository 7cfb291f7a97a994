"""What became of enrolments, for the tests of the trainer."""

from trainer_world import Here, World


def person_of(world: World, enrollment_id: str) -> str:
    return world.enrollment(enrollment_id).person_id


def live(world: World, here: Here, *enrollment_ids: str) -> None:
    """Go on until all of these enrolments have ended, and see that they are live."""
    here.until("all have ended", lambda: all(world.ended(one) for one in enrollment_ids))
    assert [world.ended(one) for one in enrollment_ids] == ["live"] * len(enrollment_ids)


def refused(world: World, here: Here, enrollment_id: str) -> tuple[str | None, str | None]:
    """Return the code with which an enrolment failed, and who its person cannot be told from."""
    assert here.until("it has ended", lambda: world.ended(enrollment_id)) == "failed"
    ended = world.enrollment(enrollment_id)
    return ended.error_code, ended.alike_person_id
