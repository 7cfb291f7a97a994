"""One composed system: brought up, asked, broken and taken down by the tests."""

import json
import os
import signal
import socket
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import httpx

import engine

BASE = "docker-compose.yml"
MODELSERVER = "deploy/compose/modelserver.yml"
"""TensorFlow Serving's image cannot be had everywhere; ours takes its place with the same command line and checks."""

SERVICES = ("redis", "serving", "trainer", "gateway")
T = TypeVar("T")


def until(probe: Callable[[], T | None], within_s: float, what: str) -> T:
    """Return the first answer of ``probe`` that is not None or False; fail after ``within_s``."""
    deadline = time.monotonic() + within_s
    while True:
        answer = probe()
        if answer is not None and answer is not False:
            return answer
        if time.monotonic() > deadline:
            raise AssertionError(f"{what}: not within {within_s} s")
        time.sleep(0.1)


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Stack:
    """A project of Compose with the files it is made of."""

    def __init__(self, project: str, files: Sequence[str], compose: Sequence[str], env: Mapping[str, str]) -> None:
        self.project = project
        self.port = free_port()
        self.first_start_s = 0.0
        self.url = f"http://127.0.0.1:{self.port}"
        self._env = {"GATEWAY_PORT": str(self.port), "ACCESS": "open", **env}
        self.environment = {
            **self._env,
            "COMPOSE": " ".join(compose),
            "COMPOSE_FILE": os.pathsep.join(files),
            "COMPOSE_PROJECT_NAME": project,
        }
        """What a user would set to mean this system."""
        self._compose = (*compose, "-p", project, *(part for file in files for part in ("-f", file)))
        self._http = httpx.Client(base_url=self.url, timeout=30)

    @contextmanager
    def settings(self, more: Mapping[str, str]) -> Iterator[None]:
        """Have further settings while the block runs."""
        before = self._env
        self._env = {**before, **more}
        try:
            yield
        finally:
            self._env = before

    def compose(self, *arguments: str, check: bool = True) -> str:
        """Run a command of Compose on this project."""
        return engine.run(*self._compose, *arguments, env=self._env, check=check)

    def up(self, *arguments: str) -> None:
        """Start everything, and wait until it says that it is ready."""
        self.compose("up", "-d", *arguments)
        self.wait_ready()

    def down(self, *arguments: str) -> None:
        """Remove the containers; with ``-v`` the volumes as well."""
        self.compose("down", "--remove-orphans", "-t", "10", *arguments, check=False)

    def container(self, service: str) -> str:
        """Return the id of the service's (first) container."""
        return self.compose("ps", "-q", service).split()[0]

    def inspect(self, service: str) -> dict[str, Any]:
        """Return what the engine knows of the service's container."""
        found: list[dict[str, Any]] = json.loads(engine.docker("inspect", self.container(service)))
        return found[0]

    def _last_check(self, service: str) -> str:
        return str(self.inspect(service)["State"]["Health"]["Log"][-1]["End"])

    def execute(self, service: str, script: str) -> str:
        """Run a line of bash in the service's container."""
        return engine.docker("exec", self.container(service), "bash", "-c", script)

    def camera(self, media: Path, *arguments: str) -> list[dict[str, Any]]:
        """Run the camera's container with the pictures of ``media``; return the JSON lines it wrote."""
        env = {**self._env, "CAMERA_MEDIA": str(media)}
        output = engine.run(*self._compose, "run", "--rm", "-T", "camera", *arguments, "--json", env=env)
        return [json.loads(line) for line in output.splitlines() if line.startswith("{")]

    def get(self, path: str) -> httpx.Response:
        """Ask the published port."""
        return self._http.get(path)

    def post(self, path: str, **body: Any) -> httpx.Response:
        """Send something to the published port."""
        return self._http.post(path, **body)

    def delete(self, path: str) -> httpx.Response:
        """Delete something through the published port."""
        return self._http.delete(path)

    def recognize(self, jpeg: bytes) -> dict[str, Any]:
        """Return the answer for a picture, which must be one."""
        response = self.post("/v1/recognize", content=jpeg, headers={"Content-Type": "image/jpeg"})
        assert response.status_code == 200, response.text
        answer: dict[str, Any] = response.json()
        return answer

    def names(self, jpeg: bytes) -> list[str | None]:
        """Return who is on a picture, None for an unknown face."""
        return [(face["person"] or {}).get("name") for face in self.recognize(jpeg)["faces"]]

    def ready(self) -> bool:
        """Tell whether all parts answer."""
        try:
            return self.get("/readyz").status_code == 200
        except httpx.HTTPError:
            return False

    def wait_ready(self, within_s: float = 180) -> float:
        """Wait until all parts answer; return how long that took, in seconds."""
        start = time.monotonic()
        until(self.ready, within_s, f"{self.project} ready")
        return time.monotonic() - start

    def kill(self, service: str) -> None:
        """``kill -9`` from outside, as the kernel would do it; the engine's own kill counts as stopped by hand."""
        os.kill(self.inspect(service)["State"]["Pid"], signal.SIGKILL)

    @contextmanager
    def paused(self, service: str) -> Iterator[None]:
        """Freeze every process of a container, between two of its health checks.

        A container that is frozen while a check is starting in it cannot be thawed: the engine waits for the check.
        """
        container, last = self.container(service), self._last_check(service)
        until(lambda: self._last_check(service) != last, 60, f"another health check of {service}")
        engine.docker("pause", container)
        try:
            yield
        finally:
            engine.docker("unpause", container)

    @contextmanager
    def unplugged(self, service: str, network: str = "inner") -> Iterator[None]:
        """Take a container off its network."""
        container, name = self.container(service), f"{self.project}_{network}"
        engine.docker("network", "disconnect", name, container)
        try:
            yield
        finally:
            engine.docker("network", "connect", "--alias", service, name, container)
