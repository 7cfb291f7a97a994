"""A thousand bad requests at the running system: 4xx with code and sentence, memory flat, nothing changed."""

from concurrent.futures import ThreadPoolExecutor

from sqlalchemy import func, select

from bad_input.cases import all_cases
from bad_input.firing import fire, refusal
from bad_input.request import Case
from familiar.records.schema import Enrollment, Person, Sample
from processes import family, resident_bytes
from system import System

# Bodies of 101 MB and pictures of 40 megapixels are among the cases; one of them kept anywhere would show.
MOST_GROWTH_BYTES = 60_000_000


def test_bad_requests_are_refused_while_memory_stays_flat_and_nothing_changes(
    system: System, collins_id: str, webcam, collins, capsys
) -> None:
    client = system.client()
    samples = client.call("GET", f"/v1/people/{collins_id}/samples")["samples"]
    names = {
        "person": collins_id,
        "sample": samples[0]["id"],
        "closed": samples[0]["enrollment"],
        "enrollment": client.open_enrollment("Somebody who never comes"),
    }
    cases = all_cases()

    def wrong(case: Case) -> str | None:
        return refusal(case, *fire("127.0.0.1", system.ports["gateway"], case, names))

    def flood() -> list[str]:
        with ThreadPoolExecutor(6) as pool:
            return [each for each in pool.map(wrong, cases) if each is not None]

    before = rows(system)
    assert flood() == []
    held = memory_bytes(system)
    assert flood() == []
    grown = memory_bytes(system) - held
    with capsys.disabled():
        print(f"\nbad input: {2 * len(cases)} requests refused, memory {held / 1e6:.0f} MB {grown / 1e6:+.0f} MB")
    assert len(cases) >= 300
    assert grown < MOST_GROWTH_BYTES
    assert rows(system) == before
    assert client.name_of(webcam(collins, 70, range(1))[0]) == "Eileen Collins"
    assert "Traceback" not in system.log("gateway")


def memory_bytes(system: System) -> int:
    """Return what the gateway's processes have in memory."""
    return resident_bytes(family(system.pid("gateway")))


def rows(system: System) -> list[int]:
    """Return how many people, enrolments and samples there are."""
    with system.database().read() as session:
        return [session.scalar(select(func.count()).select_from(table)) or 0 for table in (Person, Enrollment, Sample)]
