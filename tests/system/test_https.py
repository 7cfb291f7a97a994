"""https for other devices: the root by http, everything else by https, and the authority's key in one container."""

import ssl
from collections.abc import Iterator

import httpx
import pytest

import engine
import people
from stack import BASE, MODELSERVER, Stack, free_port, until

HTTPS = "deploy/compose/https.yml"


@pytest.fixture(scope="module")
def door(built: None, compose: tuple[str, ...]) -> Iterator[Stack]:
    """A system of its own behind the proxy."""
    if not engine.modern(compose):
        pytest.skip("https.yml needs Compose 2")
    system = Stack("familiar-https", (BASE, MODELSERVER, HTTPS), compose, {"HTTPS_PORT": str(free_port())})
    try:
        system.compose("build", "proxy")
        system.compose("up", "-d")
        yield system
    finally:
        system.down("-v")


@pytest.fixture(scope="module")
def https(door: Stack) -> Iterator[httpx.Client]:
    """A client that believes the root which the door gave it."""

    def root() -> str | None:
        try:
            return httpx.get(f"{door.url}/certificate/familiar-root.pem").text
        except httpx.HTTPError:
            return None

    context = ssl.create_default_context(cadata=until(root, 120, "the door is open"))
    port = door.compose("port", "proxy", "8443").rpartition(":")[2].strip()
    with httpx.Client(base_url=f"https://127.0.0.1:{port}", verify=context, timeout=30) as client:

        def ready() -> bool:
            try:
                return client.get("/readyz").status_code == 200
            except httpx.HTTPError:
                return False

        until(ready, 180, "ready by https")
        yield client


def test_a_picture_is_answered_by_https(https: httpx.Client) -> None:
    frame = people.frames(people.COLLINS, 1)[0]
    answer = https.post("/v1/recognize", content=frame, headers={"Content-Type": "image/jpeg"})
    assert answer.status_code == 200 and len(answer.json()["faces"]) == 1


def test_by_http_everything_is_led_to_the_same_place_by_https(door: Stack, https: httpx.Client) -> None:
    answer = httpx.post(f"{door.url}/v1/recognize?x=1", content=b"a" * 100_000)
    assert answer.status_code == 308
    assert answer.headers["Location"] == f"{str(https.base_url).rstrip('/')}/v1/recognize?x=1"
    assert "SHA-256" in httpx.get(f"{door.url}/certificate?lang=de").text


def test_a_page_of_another_site_changes_nothing_by_https_either(https: httpx.Client) -> None:
    for origin, status in ((str(https.base_url).rstrip("/"), 400), ("https://evil.example", 403)):
        assert https.post("/v1/enrollments", json={}, headers={"Origin": origin}).status_code == status


def test_the_authoritys_key_is_in_one_container_and_read_by_one_user(door: Stack, https: httpx.Client) -> None:
    assert door.execute("authority", "stat -c %a:%u /authority/authority.pem").strip() == "600:10001"
    for service in ("gateway", "proxy"):
        mounted = [mount["Destination"] for mount in door.inspect(service)["Mounts"]]
        assert "/authority" not in mounted
    assert door.execute("proxy", "stat -c %a /certificates/server.pem").strip() == "600"


def test_the_root_survives_the_containers(door: Stack, https: httpx.Client) -> None:
    before = httpx.get(f"{door.url}/certificate/familiar-root.crt").content
    door.compose("up", "-d", "--force-recreate", "--no-deps", "authority", "proxy")

    def same() -> bool:
        try:
            return httpx.get(f"{door.url}/certificate/familiar-root.crt").content == before
        except httpx.HTTPError:
            return False

    until(same, 60, "the same root is given")

    def answers() -> bool:
        try:
            return https.get("/healthz").status_code == 200
        except httpx.HTTPError:
            return False

    until(answers, 60, "the client that believes it is answered")
