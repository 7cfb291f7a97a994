"""How large the images are and how long each container takes to be of use: the table of docs/operations.md."""

import time
from datetime import datetime
from pathlib import Path

import httpx

import engine
from stack import Stack, until

TABLE = Path(__file__).parents[2] / "out" / "sizes.md"
BASES = {"redis": "redis:7-bookworm"}
PYTHON = "python:3.11-slim-bookworm"


def test_sizes_and_start_times(ready: Stack, collins: str) -> None:
    rows = ["| container | image | above its base | of use after a start |\n|---|---|---|---|\n"]
    for service, image in (
        ("gateway", "familiar-gateway"),
        ("trainer", "familiar-trainer"),
        ("serving", "familiar-modelserver"),
        ("camera", "familiar-camera"),
    ):
        size, base = _size(f"{image}:latest"), _size(PYTHON)
        after = "" if service == "camera" else f"{_start_s(ready, service):.1f} s"
        rows.append(f"| {service} | {size / 1e6:.0f} MB | {(size - base) / 1e6:.0f} MB | {after} |\n")
    rows.append(f"| redis | {_size('redis:7-bookworm') / 1e6:.0f} MB | | {_start_s(ready, 'redis'):.1f} s |\n")
    start = time.monotonic()
    ready.down()
    ready.up()
    again_s = time.monotonic() - start
    rows.append(f"| all, from nothing to `/readyz` | | | {ready.first_start_s:.0f} s |\n")
    rows.append(f"| all, `down` and `up` again | | | {again_s:.0f} s |\n")
    TABLE.parent.mkdir(exist_ok=True)
    TABLE.write_text("".join(rows))
    print("\n" + TABLE.read_text())
    assert len(rows) == 8


def _size(image: str) -> int:
    return int(engine.docker("image", "inspect", "-f", "{{.Size}}", image))


def _start_s(stack: Stack, service: str) -> float:
    """Restart a container; return the time from its start until its part answers, by the engine's and our clock."""
    part = {"gateway": "gateway", "trainer": "trainer", "serving": "head", "redis": "queue"}[service]
    engine.docker("restart", "-t", "20", stack.container(service))
    started = stack.inspect(service)["State"]["StartedAt"]
    until(lambda: _answers(stack, part), 120, f"{service} of use")
    ended = time.time()
    stack.wait_ready()
    return ended - datetime.fromisoformat(started[:26].rstrip("Z") + "+00:00").timestamp()


def _answers(stack: Stack, part: str) -> bool:
    try:
        if part == "gateway":
            return stack.get("/healthz").status_code == 200
        return any(each["name"] == part and each["ok"] for each in stack.get("/readyz").json()["parts"])
    except httpx.HTTPError:
        return False
