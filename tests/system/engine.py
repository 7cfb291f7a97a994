"""The container engine of the system tests, and the Compose that goes with it."""

import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
TOOLS = Path(os.environ.get("FAMILIAR_DOCKER_TOOLS", ROOT.parent / "shared" / "tools"))
"""Optional helpers of a machine without an engine: `start-dockerd` and `local-base-images`."""

BASE_IMAGES = ("debian:bookworm-slim", "python:3.11-slim-bookworm", "redis:7-bookworm")

# The same builder for both kinds of Compose, so that one profits from what the other has built.
_BUILDKIT = {"DOCKER_BUILDKIT": "1", "COMPOSE_DOCKER_CLI_BUILD": "1"}


class NoEngine(Exception):
    """Containers cannot be run here; the message says why."""


def run(*command: str, env: Mapping[str, str] | None = None, check: bool = True, timeout_s: float = 900) -> str:
    """Run a command and return what it wrote to standard output; what it wrote to standard error is in the failure."""
    environment = {**_BUILDKIT, **os.environ, **(env or {}), "PATH": f"/usr/bin:{os.environ['PATH']}"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=timeout_s)
    if check and done.returncode:
        raise AssertionError(
            f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout[-3000:]}{done.stderr[-3000:]}"
        )
    return done.stdout


def docker(*arguments: str, check: bool = True) -> str:
    """Run a command of docker."""
    return run("docker", *arguments, check=check, timeout_s=300)


def composes() -> list[tuple[str, ...]]:
    """Return the commands of every Compose that is installed here; COMPOSE names one, "docker compose" say."""
    if chosen := os.environ.get("COMPOSE"):
        return [tuple(chosen.split())]
    found = [("docker", "compose"), ("docker-compose",)]
    return [command for command in found if _answers(*command, "version")]


@cache
def modern(compose: tuple[str, ...]) -> bool:
    """Tell whether this is Compose 2, which can take a port away again, as replicas.yml wants it."""
    return not run(*compose, "version").startswith("docker-compose version 1.")


@contextmanager
def started() -> Iterator[None]:
    """Have an engine while the block runs: the one that answers, or one started by the helpers and stopped after.

    Raises:
        NoEngine: there is none and none can be started.
    """
    starter = TOOLS / "start-dockerd"
    ours = False
    if not _answers("docker", "info"):
        if os.geteuid() != 0 or not starter.is_file():
            raise NoEngine("no container engine answers, and this test may not start one (root and its helper needed)")
        run(str(starter))
        ours = True
    try:
        if not composes():
            raise NoEngine("neither `docker compose` nor `docker-compose` is installed")
        images = TOOLS / "local-base-images"
        if images.is_file() and os.geteuid() == 0:
            run(str(images), "--pull-first", *BASE_IMAGES)
        yield
    finally:
        if ours:
            run(str(starter), "stop")


def _answers(*command: str) -> bool:
    if shutil.which(command[0], path=f"/usr/bin:{os.environ['PATH']}") is None:
        return False
    try:
        run(*command, timeout_s=30)
    except (AssertionError, subprocess.TimeoutExpired):
        return False
    return True
