"""Running: cases by number, several at a time, each judged; what is wrong is told with what makes it again."""

import random
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from fuzz.asking import KINDS, Answer, Ask, Wrong
from fuzz.target import Target, Watch

# One request: UPLOAD_TIME_S, one picture more, and its turn in the slow lane.
MOST_S = 100.0
# Above what it has at rest: one picture of MAX_IMAGE_PIXELS at 11 bytes a pixel, half as many pixels in small ones, two
# readers of films with VIDEO_MEMORY_BYTES each, and what Python and eight threads need for bodies and forms.
MOST_BYTES = 40_000_000 * 11 + 20_000_000 * 11 + 2 * 450_000_000 + 300_000_000
_ERROR_FIELDS = {"code", "message", "retryable", "request_id", "details"}


@dataclass(frozen=True)
class Case:
    """One walk of requests; the same every time."""

    kind: str
    seed: int
    number: int

    def __str__(self) -> str:
        return f"{self.kind}-{self.seed}-{self.number}"

    @classmethod
    def named(cls, text: str) -> "Case":
        """Return the case of a name as it is told."""
        kind, seed, number = text.split("-")
        return cls(kind, int(seed), int(number))


@dataclass
class Report:
    """What came of a run."""

    cases: Counter[str] = field(default_factory=Counter)
    statuses: dict[str, Counter[int]] = field(default_factory=dict)
    slowest: dict[str, tuple[float, str]] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)

    def add(self, case: Case, ask: Ask, answer: Answer, seconds: float) -> None:
        """Judge an answer."""
        self.statuses.setdefault(case.kind, Counter())[answer.status] += 1
        self.slowest[case.kind] = max(self.slowest.get(case.kind, (0.0, "")), (seconds, str(case)))
        wrong = fault_of(case.kind, ask, answer)
        if wrong is None and seconds > MOST_S:
            wrong = f"took {seconds:.0f} s"
        if wrong is not None:
            self.faults.append(f"{case}: {ask.method} {ask.path}: {wrong}")


def fault_of(kind: str, ask: Ask, answer: Answer) -> str | None:
    """Return what is wrong with an answer, None if nothing is."""
    if answer.status == 0:
        return None if kind == "framing" else "no answer"
    if answer.status < 400:
        return None
    if answer.status >= 500 and answer.status != 503:
        return f"status {answer.status}: {answer.body[:300]!r}"
    error = answer.value.get("error") if isinstance(answer.value, dict) else None
    if ask.method != "HEAD" and (not isinstance(error, dict) or set(error) != _ERROR_FIELDS):
        return f"status {answer.status} without our body: {answer.body[:300]!r}"
    if answer.status == 503 and not (error and error["retryable"] and "Retry-After" in answer.headers):
        return f"a 503 that does not say when to come again: {answer.body[:300]!r}"
    return None


def walk(case: Case, target: Target, report: Report) -> None:
    """Ask what a case asks."""
    steps = KINDS[case.kind](random.Random(str(case)), target.names)

    def answer(ask: Ask) -> Answer:
        start = time.monotonic()
        given = target.answer(ask)
        report.add(case, ask, given, time.monotonic() - start)
        return given

    try:
        asked = next(steps)
        while True:
            if isinstance(asked, Ask):
                asked = steps.send(answer(asked))
            else:
                with ThreadPoolExecutor(len(asked)) as clients:
                    asked = steps.send(list(clients.map(answer, asked)))
    except StopIteration:
        report.cases[case.kind] += 1
    except Wrong as wrong:
        report.faults.append(f"{case}: {wrong}")


def run(
    target: Target, kinds: Sequence[str], seed: int, *, seconds: float = 1e9, cases: int = 10**9, threads: int = 4
) -> tuple[Report, Watch]:
    """Run cases of each kind in turn, until the time is over or so many of each have run."""
    report = Report()
    guard, numbers = threading.Lock(), _cases(kinds, seed, cases)
    deadline = time.monotonic() + seconds

    def work() -> None:
        while time.monotonic() < deadline:
            with guard:
                case = next(numbers, None)
            if case is None:
                return
            walk(case, target, report)

    with Watch(target).watching() as watch, ThreadPoolExecutor(threads) as pool:
        for done in [pool.submit(work) for _ in range(threads)]:
            done.result()
    report.faults += watch.wrong
    if watch.most_bytes - watch.at_rest_bytes > MOST_BYTES:
        report.faults.append(f"it took {(watch.most_bytes - watch.at_rest_bytes) / 1e6:.0f} MB more than at rest")
    if target.process.poll() is not None:
        report.faults.append(f"the gateway ended with status {target.process.poll()}")
    report.faults += _told(target.log())
    return report, watch


def _cases(kinds: Sequence[str], seed: int, most: int) -> Iterator[Case]:
    for number in range(most):
        for kind in kinds:
            yield Case(kind, seed, number)


def _told(log: str) -> list[str]:
    """Return what the log says of defects, once each."""
    lines = Counter(line[:160] for line in log.splitlines() if "defect" in line or line.startswith("Traceback"))
    return [f"the log says {count} times: {line}" for line, count in lines.items()]
