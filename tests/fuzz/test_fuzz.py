"""A short part of ``make fuzz``, and what it has found before."""

import random
from collections.abc import Iterator

import pytest

from fuzz import costly
from fuzz.asking import FORM, KINDS, Answer, Ask, form
from fuzz.running import Case, Report, fault_of, run, walk
from fuzz.target import Target, started

SEED = 10
KEPT = ["archives-1-19", "archives-1-39"]
"""Cases that were wrong once."""
ERROR = b'{"error": {"code": "busy", "message": "m", "retryable": true, "request_id": "1", "details": {}}}'
NAMES = dict.fromkeys(("enrollment", "closed", "person", "sample"), "0" * 32)


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    """One gateway for all."""
    with started(tmp_path_factory.mktemp("fuzz")) as running:
        yield running


def test_whatever_is_sent_is_answered_and_so_are_others_meanwhile(target: Target) -> None:
    report, watch = run(target, list(KINDS), SEED, cases=12)
    assert report.faults == []
    assert all(report.cases[kind] == 12 for kind in KINDS)
    assert watch.alive_s and watch.recognised_s


@pytest.mark.parametrize("name", KEPT)
def test_what_was_wrong_once_is_wrong_no_more(target: Target, name: str) -> None:
    report = Report()
    walk(Case.named(name), target, report)
    assert report.faults == [] and report.cases


def test_what_costs_most_is_answered_in_each_way_it_may_come(target: Target) -> None:
    for name, make in {**costly.REFUSED, **costly.READ}.items():
        data = make()
        alone = target.answer(Ask("POST", "/v1/recognize", {"Content-Type": "image/png"}, data))
        assert alone.status in ((200,) if name in costly.READ else (400, 413)), (name, alone.body)
        enrolled = Ask("POST", "/v1/enroll", FORM, form((b"name", None, b"Ada"), (b"frames", b"a", data)))
        assert target.answer(enrolled).status in (400, 409, 413), name
    assert "defect" not in target.log()


def asks(case: Case) -> list[Ask | tuple[Ask, ...]]:
    """Return what a case asks where every answer is the same."""
    steps, answer = KINDS[case.kind](random.Random(str(case)), NAMES), Answer(404, {}, b"{}")
    made = [next(steps)]
    while True:
        try:
            made.append(steps.send([answer] * len(made[-1]) if isinstance(made[-1], tuple) else answer))
        except StopIteration:
            return made


@pytest.mark.parametrize("kind", KINDS)
def test_a_case_is_the_same_every_time_and_no_other(kind: str) -> None:
    told = [asks(Case(kind, SEED, number)) for number in (0, 1, 0)]
    assert told[0] == told[2] != told[1]
    assert Case.named(str(Case(kind, 3, 4))) == Case(kind, 3, 4)


@pytest.mark.parametrize(
    "answer,wrong",
    [
        (Answer(200, {}, b"{}"), None),
        (Answer(404, {}, ERROR), None),
        (Answer(503, {"Retry-After": "1"}, ERROR), None),
        (Answer(0, {}, b""), "no answer"),
        (Answer(500, {}, ERROR), "status 500"),
        (Answer(501, {}, ERROR), "status 501"),
        (Answer(400, {}, b"<html>"), "without our body"),
        (Answer(400, {}, b"[]"), "without our body"),
        (Answer(503, {}, ERROR), "when to come again"),
        (Answer(503, {"Retry-After": "1"}, ERROR.replace(b"true", b"false")), "when to come again"),
    ],
)
def test_what_is_wrong_with_an_answer_is_seen(answer: Answer, wrong: str | None) -> None:
    said = fault_of("pictures", Ask("POST", "/v1/recognize"), answer)
    assert said is None if wrong is None else wrong in str(said)
