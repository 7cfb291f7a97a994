"""Each request waits in the lane of its kind, so that nobody who looks waits behind pictures."""

import pytest
from openapi_judge import DOCUMENT
from sqlalchemy.pool import QueuePool

from familiar.settings import Settings
from familiar_gateway import front, server, services

ID = "0" * 32


@pytest.fixture
def lane_of(world):
    lanes = front.Lanes(world.client.application, world.services)
    return lambda method, path: lanes.of(method, path)[0]


def operations():
    for template, item in DOCUMENT["paths"].items():
        path = template.replace("{version}", "1").replace("{", "").replace("}", "")
        for word in ("enrollment_id", "person_id", "sample_id", "job_id"):
            path = path.replace(word, ID)
        for method in item:
            if method != "parameters":
                yield method.upper(), path, item[method]


def takes_pictures(operation) -> bool:
    return bool({"multipart/form-data", "image/jpeg"} & set(operation.get("requestBody", {}).get("content", {})))


def test_what_takes_pictures_by_the_document_waits_in_lanes_of_its_own(lane_of):
    lanes = lane_of("POST", "/v1/recognize"), lane_of("POST", "/v1/enroll")
    found = {(method, path) for method, path, its in operations() if lane_of(method, path) in lanes}
    assert found == {(method, path) for method, path, its in operations() if takes_pictures(its)}
    assert len(found) == 7


def test_who_is_to_be_recognised_does_not_wait_for_whole_films(lane_of):
    assert lane_of("POST", "/v1/recognize") is lane_of("POST", f"/v1/enrollments/{ID}/frames")
    assert lane_of("POST", "/v1/recognize") is not lane_of("POST", "/v1/enroll")
    assert lane_of("POST", f"/v1/photos/{ID}/pictures") is lane_of("POST", "/v1/enroll")


def test_a_sign_of_life_waits_for_nobody(lane_of):
    alive = lane_of("GET", "/healthz")
    assert alive is lane_of("HEAD", "/healthz")
    assert [path for method, path, _ in operations() if lane_of(method, path) is alive] == ["/healthz"]


def test_looking_changing_streams_and_parts_have_lanes_of_their_own(lane_of):
    looking, changing = lane_of("GET", "/v1/people"), lane_of("DELETE", f"/v1/people/{ID}")
    parts, streams = lane_of("GET", "/readyz"), lane_of("GET", f"/v1/enrollments/{ID}/events")
    assert len({looking, changing, parts, streams, lane_of("GET", "/healthz"), lane_of("POST", "/v1/enroll")}) == 6
    assert lane_of("GET", "/metrics") is parts
    for path in ("/", "/docs", "/docs/api.js", "/openapi.json", "/v1/jobs", f"/v1/enrollments/{ID}", "/nowhere", "*"):
        assert lane_of("GET", path) is looking, path
    for method, path in (("POST", f"/v1/enrollments/{ID}/finish"), ("POST", "/nowhere"), ("BREW", "/docs"),
                         ("PUT", "/v1/recognize"), ("POST", "/healthz"), ("POST", "/v1/recognize/")):  # fmt: skip
        assert lane_of(method, path) is changing, (method, path)


def test_only_as_much_is_read_as_a_route_takes(make_world):
    world = make_world(max_image_bytes=3_000_000, max_body_bytes=50_000_000)
    lanes = front.Lanes(world.client.application, world.services)
    assert lanes.of("POST", "/v1/enroll")[1] == lanes.of("POST", f"/v1/enrollments/{ID}/frames")[1] == 50_000_000
    for path in ("/v1/detect", "/v1/verify"):
        assert lanes.of("POST", path) == lanes.of("POST", "/v1/recognize")
    assert lanes.of("POST", "/v1/recognize")[1] == 4_600_000  # 3 MB in base64, in lines, and what stands around it
    for method, path in (("POST", "/v1/enrollments"), ("DELETE", f"/v1/people/{ID}"), ("GET", "/v1/jobs"),
                         ("PUT", "/v1/enroll"), ("POST", "/nowhere")):  # fmt: skip
        assert lanes.of(method, path)[1] == 1_000_000
    for method, path in (("GET", "/healthz"), ("GET", "/docs"), ("POST", "/v1/session"), ("OPTIONS", "/v1/enroll"),
                         ("OPTIONS", "/nowhere")):  # fmt: skip
        assert lanes.of(method, path)[1] == 65_536  # nobody has to show a key there


def test_threads_are_as_many_as_asked_for_or_fit_the_cores(make_world, monkeypatch):
    assert make_world(threads=7).services.settings.threads == 7
    for cores, threads in ((1, 4), (2, 4), (3, 6), (8, 16), (64, 16)):
        monkeypatch.setattr("os.sched_getaffinity", lambda _pid, n=cores: set(range(n)))
        assert make_world().services.settings.threads == threads


@pytest.mark.parametrize("threads", [1, 4, 16, 256])
def test_each_thread_has_a_connection_to_the_database(make_world, monkeypatch, threads: int):
    pytest.importorskip("psycopg", reason="the driver of PostgreSQL is not installed here")
    started: list[int] = []
    monkeypatch.setattr(server, "Lane", lambda threads, **_: started.append(threads))
    world = make_world(threads=threads)
    front.before(world.client.application, world.services)
    settings = Settings(threads=threads, database_url="postgresql+psycopg://nobody@localhost/none")
    pool = services.build(settings).database.engine.pool
    its = world.services.threads
    aside = its.noting + its.remembering + its.recording
    assert isinstance(pool, QueuePool)
    assert pool.size() + pool._max_overflow == sum(started) + aside > threads + aside
