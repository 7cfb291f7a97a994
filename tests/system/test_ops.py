"""What operators look at: the queue, the measurements, and a board all of whose questions have an answer."""

import json
from collections.abc import Iterator

import httpx
import pytest

import engine
import people
from stack import Stack, free_port, until

PROMETHEUS_IMAGE = "prom/prometheus:v3.5.0"
STANDIN = "tests/system/images/prometheus/Dockerfile"


def _prometheus_image() -> str:
    try:
        engine.docker("pull", "-q", PROMETHEUS_IMAGE)
    except AssertionError:
        engine.docker("build", "-q", "-t", "familiar-test-prometheus", "-f", STANDIN, ".")
        return "familiar-test-prometheus"
    return PROMETHEUS_IMAGE


@pytest.fixture(scope="module")
def ops(stack: Stack, collins: str) -> Iterator[dict[str, str]]:
    """The addresses of the operators' pages, beside the running system."""
    ports = {"prometheus": free_port(), "rq-dashboard": free_port()}
    settings = {
        "PROMETHEUS_PORT": str(ports["prometheus"]),
        "RQ_DASHBOARD_PORT": str(ports["rq-dashboard"]),
        "PROMETHEUS_IMAGE": _prometheus_image(),
    }
    stack.wait_ready()
    with stack.settings(settings):
        stack.compose("--profile", "ops", "build", "rq-dashboard")
        stack.compose("--profile", "ops", "up", "-d", "--no-deps", *ports)
        yield {service: f"http://127.0.0.1:{port}" for service, port in ports.items()}
        stack.compose("--profile", "ops", "rm", "-s", "-f", *ports)


def test_the_queue_can_be_looked_at_but_not_touched(ops: dict[str, str], ready: Stack) -> None:
    url = ops["rq-dashboard"]
    until(lambda: _status(f"{url}/0/data/queues.json") == 200, 60, "rq-dashboard answers")
    queues = httpx.get(f"{url}/0/data/queues.json").json()["queues"]
    assert "training" in [queue["name"] for queue in queues]
    assert httpx.post(f"{url}/queue/training/compact").status_code == 500
    assert httpx.post(f"{url}/job/any/delete").json() == {"status": "DISABLED"}


def test_every_question_of_the_board_has_an_answer(ops: dict[str, str], ready: Stack, collins: str) -> None:
    def ask(question: str) -> list[dict[str, object]]:
        try:
            answer = httpx.get(f"{ops['prometheus']}/api/v1/query", params={"query": question}).json()
        except httpx.HTTPError:
            return []
        assert answer["status"] == "success", f"{question}: {answer}"
        found: list[dict[str, object]] = answer["data"]["result"]
        return found

    for job in ("gateway", "serving"):
        until(lambda job=job: ask(f'up{{job="{job}"}} == 1'), 90, f"Prometheus reads {job}")
    enrolment = ready.post("/v1/enrollments", json={"person_id": collins}).json()["id"]
    board = json.loads((engine.ROOT / "deploy/grafana/boards/familiar.json").read_text())
    for question in [target["expr"] for panel in board["panels"] for target in panel["targets"]]:
        # Rates need two readings with something happening between.
        def answered(question: str = question) -> bool:
            frame = people.frames(people.COLLINS, 1)[0]
            ready.recognize(frame)
            ready.post(f"/v1/enrollments/{enrolment}/frames", content=frame, headers={"Content-Type": "image/jpeg"})
            return bool(ask(question))

        until(answered, 60, question)
    rules = httpx.get(f"{ops['prometheus']}/api/v1/rules").json()["data"]["groups"]
    assert len(rules[0]["rules"]) >= 5
    assert not any(rule.get("lastError") for rule in rules[0]["rules"])


def _status(url: str) -> int | None:
    try:
        return httpx.get(url).status_code
    except httpx.HTTPError:
        return None
