"""What happens to people when something breaks: each container killed, frozen, unplugged; volumes full.

Each fault is done to a system in use. Whatever is answered meanwhile, nobody gets a wrong name, an error is a 503 that
says to try again, an enrolment under way ends live, and everything works again without a hand. What happened in each
case is printed as a table and kept in out/faults.md.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import pytest

import engine
import enrolling
import people
from stack import SERVICES, Stack, until
from traffic import Outcome, Traffic

TABLE = Path(__file__).parents[2] / "out" / "faults.md"
HOLD_S = 8.0
"""How long a container stays frozen or unplugged."""

_HEADER = "| fault | answers meanwhile | slowest answer | ready again after | enrolment |\n|---|---|---|---|---|\n"
_rows: list[str] = []

Fault = Callable[[Stack], AbstractContextManager[None]]


@pytest.fixture(scope="module", autouse=True)
def table() -> Iterator[None]:
    """Print and keep what happened in each case."""
    yield
    if _rows:
        TABLE.parent.mkdir(exist_ok=True)
        TABLE.write_text(_HEADER + "".join(_rows))
        print("\n" + TABLE.read_text())


def _record(fault: str, outcome: Outcome, ready_after_s: float, enrolment: str) -> None:
    _rows.append(f"| {fault} | {outcome} | {outcome.slowest_s:.1f} s | {ready_after_s:.1f} s | {enrolment} |\n")


def _killed(service: str) -> Fault:
    def fault(stack: Stack) -> AbstractContextManager[None]:
        before = stack.inspect(service)["RestartCount"]
        stack.kill(service)
        until(lambda: stack.inspect(service)["RestartCount"] > before, 60, f"{service} started again by the engine")
        return nullcontext()

    return fault


def _paused(service: str) -> Fault:
    return lambda stack: stack.paused(service)


def _unplugged(service: str) -> Fault:
    return lambda stack: stack.unplugged(service)


FAULTS: dict[str, tuple[Fault, float]] = {
    **{f"kill -9 of {service}": (_killed(service), 0.0) for service in SERVICES},
    **{f"{service} frozen for {HOLD_S:.0f} s": (_paused(service), HOLD_S) for service in ("serving", "redis")},
    **{f"{service} off the network for {HOLD_S:.0f} s": (_unplugged(service), HOLD_S) for service in SERVICES},
}


@pytest.mark.parametrize("name", FAULTS)
def test_nobody_is_misnamed_and_nothing_lost_when(name: str, ready: Stack, collins: str) -> None:
    fault, hold_s = FAULTS[name]
    seed = list(FAULTS).index(name)
    shots = people.frames(people.COLLINS, 24, seed=200 + seed)
    # One enrolment stands finished, and its training under way, when the fault strikes.
    under_way = enrolling.capture(ready, {"person_id": collins}, shots[:12])
    with Traffic(ready.url, seed=300) as traffic:
        with fault(ready):
            time.sleep(hold_s)
        ready_after_s = ready.wait_ready(120)
        # Another one is captured right after it.
        after = enrolling.capture(ready, {"person_id": collins}, shots[12:])
        ends = [enrolling.ended(ready, each) for each in (under_way, after)]
        answered = sum(traffic.outcome.answers.values())
        until(lambda: sum(traffic.outcome.answers.values()) > answered + 4, 60, "more answers")
    _record(name, traffic.outcome, ready_after_s, " and ".join(ends))
    assert traffic.outcome.wrong == []
    assert ends == ["live", "live"]
    assert ready.names(people.frames(people.COLLINS, 1, seed=9)[0]) == [people.COLLINS]


@pytest.fixture(scope="module")
def small(
    compose: tuple[str, ...], files: tuple[str, ...], built: None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stack]:
    """A system whose volumes can be filled: 96 MB for the models, 48 MB for the database."""
    sizes, project = {"models": 96, "state": 48}, "familiar-small"
    override = tmp_path_factory.mktemp("small") / "volumes.yml"
    override.write_text(
        "volumes:\n" + "".join(f"  {name}: {{external: true, name: {project}_{name}}}\n" for name in sizes)
    )
    stack = Stack(project, (*files, str(override)), compose, {})
    keeper = ""
    try:
        for name, size in sizes.items():
            options = ("type=tmpfs", "device=tmpfs", f"o=size={size}m,uid=10001,gid=10001")
            engine.docker("volume", "create", *(part for each in options for part in ("-o", each)), f"{project}_{name}")
        # A volume in memory is gone when no container uses it, as between the first job and the services.
        mounts = [part for name in sizes for part in ("-v", f"{project}_{name}:/{name}")]
        keeper = engine.docker("run", "-d", *mounts, "--entrypoint", "sleep", "redis:7-bookworm", "infinity").strip()
        stack.up()
        yield stack
    finally:
        if keeper:
            engine.docker("rm", "-f", keeper)
        stack.down("-v")
        engine.docker("volume", "rm", "-f", *(f"{project}_{name}" for name in sizes))


@pytest.mark.parametrize(("volume", "service"), [("models", "trainer"), ("state", "gateway")])
def test_a_full_volume_costs_nothing_but_time(volume: str, service: str, small: Stack) -> None:
    small.wait_ready()
    who = small.get("/v1/people").json()["people"]
    if not who:
        opened = enrolling.capture(small, {"name": people.COLLINS}, people.frames(people.COLLINS, 14, seed=1))
        assert enrolling.ended(small, opened) == "live"
        who = small.get("/v1/people").json()["people"]
    person = who[0]["id"]
    fill = f"cat /dev/zero > /{volume}/.fill 2>/dev/null; true"
    with Traffic(small.url, seed=301) as traffic:
        small.execute(service, fill)
        refused = small.post("/v1/enrollments", json={"person_id": person})
        if volume == "state":
            assert refused.status_code == 503, refused.text
            assert refused.json()["error"]["retryable"] is True
            enrolment = None
        else:
            enrolment = refused.json()["id"]
            for frame in people.frames(people.COLLINS, 14, seed=40):
                small.post(f"/v1/enrollments/{enrolment}/frames", content=frame, headers={"Content-Type": "image/jpeg"})
            small.post(f"/v1/enrollments/{enrolment}/finish", json={"if_known": "add"})
        time.sleep(HOLD_S)
        assert small.execute(service, f"df --output=avail /{volume} | tail -1").strip() == "0"
        if enrolment is not None:
            assert small.get(f"/v1/enrollments/{enrolment}").json()["status"] not in ("live", "failed")
        small.execute(service, f"rm /{volume}/.fill")
        ready_after_s = small.wait_ready(60)
        if enrolment is None:
            enrolment = enrolling.capture(small, {"person_id": person}, people.frames(people.COLLINS, 14, seed=41))
        end = enrolling.ended(small, enrolment)
    _record(f"{volume} volume full for {HOLD_S:.0f} s", traffic.outcome, ready_after_s, end)
    assert traffic.outcome.wrong == []
    assert end == "live"
    assert small.names(people.frames(people.COLLINS, 1, seed=9)[0]) == [people.COLLINS]
