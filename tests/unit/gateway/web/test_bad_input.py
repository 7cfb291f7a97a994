"""Whatever is sent, the answer is a refusal with a code and a sentence, and nothing has changed."""

import io
from collections.abc import Iterator

import pytest
from gateway_world import World, create_world
from sqlalchemy import func, select

from bad_input.cases import all_cases
from bad_input.request import Case, Zeros
from familiar.records.schema import Base
from familiar.seeing.observation import Observer

CASES = all_cases()
TABLES = Base.metadata.tables.items()
ROWS = select(*(select(func.count()).select_from(table).scalar_subquery().label(name) for name, table in TABLES))
"""How many there are in each table, asked at once: thousands of cases do, and each does twice."""


class Stream(io.RawIOBase):
    """A body that is made while it is read."""

    def __init__(self, body: Zeros) -> None:
        self._parts = body.parts()
        self._left = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:
        if not self._left:
            self._left = next(self._parts, b"")
        count = min(len(buffer), len(self._left))
        buffer[:count] = self._left[:count]
        self._left = self._left[count:]
        return count


@pytest.fixture(scope="module")
def standing(
    tmp_path_factory: pytest.TempPathFactory, observer: Observer, collins_frames: list[bytes]
) -> Iterator[World]:
    """One world for all cases: they must not change it."""
    made = create_world(tmp_path_factory.mktemp("bad-input"), observer)
    yield made
    made.database.close()


@pytest.fixture(scope="module")
def names(standing: World, collins_frames: list[bytes]) -> dict[str, str]:
    """The ids that the paths of the cases refer to."""
    closed = standing.enroll("Eileen Collins", collins_frames[:6])
    person = closed["person"]["id"]
    sample = standing.client.get(f"/v1/people/{person}/samples").json["samples"][0]["id"]
    opened = standing.client.post("/v1/enrollments", json={"name": "Grace Hopper"}).json["id"]
    return {"enrollment": opened, "closed": str(closed["id"]), "person": person, "sample": sample}


def count_rows(world: World) -> dict[str, int]:
    with world.database.read() as session:
        return dict(session.execute(ROWS).mappings().one())


def test_there_are_enough_cases():
    assert len(CASES) >= 300


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_bad_input_is_refused_with_a_code_and_a_sentence(standing: World, names: dict[str, str], case: Case):
    before = count_rows(standing)
    path = case.path
    for name, value in names.items():
        path = path.replace("{" + name + "}", value)
    kwargs: dict[str, object] = {"data": case.body}
    if isinstance(case.body, Zeros):
        environ: dict[str, object] = {"wsgi.input": io.BufferedReader(Stream(case.body))}
        # A server passes on a body without a length only if it knows where that ends.
        environ |= {"wsgi.input_terminated": True} if case.body.chunked else {"CONTENT_LENGTH": str(case.body.length)}
        kwargs = {"environ_overrides": environ}
    answer = standing.client.open(path, method=case.method, headers=dict(case.headers), **kwargs)
    assert answer.status_code in case.statuses, (answer.status_code, answer.text[:500])
    error = answer.json["error"]
    assert set(error) == {"code", "message", "retryable", "request_id", "details"}
    assert not case.codes or error["code"] in case.codes, error
    assert len(error["message"]) > 10 and error["retryable"] is False
    assert error["request_id"] == answer.headers["X-Request-Id"]
    assert len(answer.text) < 2_000 and "Traceback" not in answer.text
    assert count_rows(standing) == before
