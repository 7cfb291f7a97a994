"""``kill -9`` of any process at any point of an enrolment, and a flushed Redis: the enrolment ends live."""

import time
from collections.abc import Callable

import httpx
import pytest
from redis import Redis
from sqlalchemy import func, select

from client import Client
from familiar.records.schema import Sample
from selection import usually
from system import System, wait_until

FRAMES = 24
PORTION = 3
STEPS = FRAMES // PORTION + 2  # opening, each portion, finishing


class Enrolling:
    """An enrolment whose every step may fail and is then simply done again, as the camera client does."""

    def __init__(self, system: System, name: str, frames: list[bytes]) -> None:
        self._system = system
        self._name = name
        self._frames = frames
        self._id = ""

    def step(self, number: int) -> None:
        """Do a step as often as it takes."""
        wait_until(lambda: self._try(number), 90, f"step {number} of enrolling {self._name} got through")

    def _try(self, number: int) -> bool:
        client = self._system.client(timeout_s=10)
        try:
            if number == 0:
                self._id = client.open_enrollment(self._name, key=f"key of {self._name}")
            elif number < STEPS - 1:
                start = (number - 1) * PORTION
                client.add_frames(self._id, self._frames[start : start + PORTION])
            else:
                client.finish(self._id)
        except httpx.HTTPError:
            return False
        except AssertionError as refused:
            if ": 503 " in str(refused):
                return False
            raise
        return True

    def wait_live(self) -> dict:
        """Wait for the end."""
        client = self._system.client()
        wait_until(lambda: is_live(client, self._id), 120, f"{self._name} is live")
        return client.enrollment(self._id)


@pytest.mark.parametrize("victim", usually(["trainer", "redis"], ["gateway", "trainer", "modelserver", "redis"]))
def test_an_enrolment_survives_the_death_of_a_process_after_every_step(
    victim: str, make_system: Callable[..., System], webcam, collins, hopper
) -> None:
    """The process is killed after each step in turn while the next is under way, and started again."""
    system = make_system().up()
    first = Enrolling(system, "Eileen Collins", webcam(collins, 1, range(0, FRAMES * 3, 3)))
    for number in range(STEPS):
        first.step(number)
        system.kill(victim)
        system.start(victim)
        if victim == "redis":
            wait_until(lambda: flush(system), 20, "Redis is back")
    state = first.wait_live()
    system.wait_ready()
    assert_no_duplicates(system, state)
    client = system.client()
    assert client.name_of(webcam(collins, 90, range(1))[0]) == "Eileen Collins"
    assert client.name_of(webcam(hopper, 90, range(1))[0]) is None


@pytest.mark.parametrize("delay_s", usually([0.3], [0.0, 0.15, 0.3, 0.5, 0.8, 1.2]))
@pytest.mark.parametrize("victim", ["trainer", "modelserver", "gateway"])
def test_an_enrolment_survives_a_death_at_any_moment_of_its_training(
    victim: str, delay_s: float, system: System, collins_id: str, webcam, collins
) -> None:
    """The moments are spread over the two seconds from finishing to live; where exactly they fall is chance."""
    client = system.client()
    frames = webcam(collins, int(delay_s * 10), range(0, FRAMES * 3, 3))
    enrollment = client.enroll("Eileen Collins", frames, person_id=collins_id)
    time.sleep(delay_s)  # not waiting for anything: the moment of the crash is what is varied
    if victim == "trainer":
        flush(system)
    system.kill(victim)
    system.start(victim)
    wait_until(lambda: is_live(client, enrollment), 120, "the enrolment is live")
    system.wait_ready()
    assert_no_duplicates(system, client.enrollment(enrollment))
    assert client.name_of(webcam(collins, 90, range(1))[0]) == "Eileen Collins"


def is_live(client: Client, enrollment: str) -> bool:
    """Whether an enrolment is live; a gateway that is away or without its parts cannot tell yet."""
    try:
        return client.is_live(enrollment)
    except httpx.HTTPError:
        return False
    except AssertionError as refused:
        if ": 503 " in str(refused):
            return False
        raise


def flush(system: System) -> bool:
    try:
        return bool(Redis.from_url(system.env["REDIS_URL"], socket_timeout=2).flushall())
    except Exception:
        return False


def assert_no_duplicates(system: System, state: dict) -> None:
    """No frame has two samples, and the counts in the answer are those in the database."""
    with system.database().read() as session:
        query = select(func.count(), func.count(Sample.position.distinct())).where(Sample.enrollment_id == state["id"])
        rows, positions = session.execute(query).one()
    assert rows == positions == state["accepted"]
