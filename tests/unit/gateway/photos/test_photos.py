"""Photo jobs over the API: begun, sent pictures, put right, and taken home."""

import csv
import io
import stat
import zipfile
from pathlib import PurePosixPath

import pytest
from gateway_world import World

from familiar.errors import ServingUnavailable
from familiar.records import PhotoStage, photo_faces, photos
from familiar.records.person import new_id


def begin(world: World, **body: object) -> str:
    answer = world.client.post("/v1/photos", json=body or {"upload": "holidays"})
    assert answer.status_code == 201 and answer.headers["Location"].endswith(answer.json["id"])
    return answer.json["id"]


def send(world: World, job_id: str, path: str, data: bytes):
    return world.client.post(
        f"/v1/photos/{job_id}/pictures", query_string={"path": path}, data=data, content_type="image/jpeg"
    )


def group(world: World, job_id: str, files: str) -> str:
    """Make one stranger of all faces whose file begins so, as the sorter does; return the id."""
    stranger_id = new_id()
    with world.database.write() as session:
        for row, paths in photo_faces.faces(session, job_id)[0]:
            if paths[0].startswith(files):
                session.merge(row).stranger_id = stranger_id
    return stranger_id


@pytest.fixture
def job(world, collins_frames, hopper_frames) -> str:
    """Eight pictures of Eileen Collins and two of Grace Hopper, in a folder each."""
    job_id = begin(world)
    for at, data in enumerate(collins_frames[:8]):
        assert send(world, job_id, f"c/{at}.jpg", data).json == {"path": f"c/{at}.jpg", "code": None}
    for at, data in enumerate(hopper_frames[:2]):
        send(world, job_id, f"h/{at}.jpg", data)
    return job_id


def test_what_is_sent_is_looked_at_once_and_what_is_broken_is_told(world, job, collins_frames):
    assert send(world, job, "again.jpg", collins_frames[0]).json["code"] is None
    assert send(world, job, "broken.jpg", b"nothing").json["code"] == "invalid_image"
    shown = world.client.get(f"/v1/photos/{job}").json
    counts = ("status", "progress", "files", "broken", "photos", "faces", "people", "strangers")
    assert [shown[name] for name in counts] == ["receiving", None, 12, 1, 10, 10, 0, 0]
    assert world.client.get(f"/v1/photos/{job}/files").json["files"] == [
        {"path": "broken.jpg", "code": "invalid_image"}
    ]
    listed = world.client.get("/v1/photos").json
    assert listed["photos"] == [shown] and listed["total"] == 1
    both = next(
        face for face in world.client.get(f"/v1/photos/{job}/faces").json["faces"] if "again.jpg" in face["files"]
    )
    assert both["files"] == ["again.jpg", "c/0.jpg"]
    picture = world.client.get(f"/v1/photos/{job}/faces/{both['id']}")
    assert picture.mimetype == "image/jpeg" and picture.data[:2] == b"\xff\xd8"


def test_a_part_that_is_away_loses_no_picture(world, collins_frames):
    job_id = begin(world)
    world.serving.fault = ServingUnavailable("away")
    assert send(world, job_id, "a.jpg", collins_frames[0]).status_code == 503
    world.serving.fault = None
    assert world.client.get(f"/v1/photos/{job_id}").json["files"] == 0
    assert send(world, job_id, "a.jpg", collins_frames[0]).status_code == 200


def test_a_group_is_made_a_person_who_is_recognised_then(world, job, collins_frames):
    stranger_id = group(world, job, "c/")
    answer = world.client.post(f"/v1/photos/{job}/name", json={"stranger": stranger_id, "name": "Eileen Collins"})
    assert answer.status_code == 202 and answer.json["status"] == "queued"
    world.train()
    person_id = answer.json["person"]["id"]
    told = world.client.get(f"/v1/photos/{job}/people").json
    (shown,) = told["people"]
    assert (shown["person"]["name"], shown["faces"], shown["photos"]) == ("Eileen Collins", 8, 8)
    assert told["strangers"] == [] and told["total_strangers"] == 0
    faces = world.client.get(f"/v1/photos/{job}/faces?person={person_id}").json["faces"]
    assert all(face["said"] and face["status"] == "known" for face in faces)
    sent = world.client.post("/v1/recognize", data=collins_frames[20], content_type="image/jpeg").json
    assert sent["faces"][0]["person"]["id"] == person_id
    assert "faces_named" in world.client.get("/v1/audit").text


def test_faces_are_added_to_somebody_known_and_taken_away_again(world, job, collins_frames):
    person_id = world.enroll("Eileen Collins", collins_frames[10:18])["person"]["id"]
    before = world.client.get(f"/v1/people/{person_id}").json["samples"]
    stranger_id = group(world, job, "c/")
    added = world.client.post(f"/v1/photos/{job}/name", json={"stranger": stranger_id, "person_id": person_id})
    assert added.status_code == 202
    assert world.client.get(f"/v1/people/{person_id}").json["samples"] > before
    faces = world.client.get(f"/v1/photos/{job}/faces?person={person_id}").json["faces"]
    answer = world.client.post(f"/v1/photos/{job}/unname", json={"faces": [faces[0]["id"]]})
    assert answer.json == {"faces": 1}
    left = world.client.get(f"/v1/photos/{job}/faces?person={person_id}").json["faces"]
    assert len(left) == 7 and faces[0]["id"] not in {face["id"] for face in left}


def test_too_few_good_faces_are_no_new_person_and_nothing_is_named(world, job):
    stranger_id = group(world, job, "h/")
    answer = world.client.post(f"/v1/photos/{job}/name", json={"stranger": stranger_id, "name": "Grace Hopper"})
    assert answer.status_code == 409 and answer.json["error"]["code"] == "too_few_samples"
    assert world.client.get("/v1/people").json["total"] == 0
    assert world.client.get(f"/v1/photos/{job}/people").json["strangers"][0]["id"] == stranger_id


def test_somebody_deleted_is_in_no_result(world, job):
    stranger_id = group(world, job, "c/")
    named = world.client.post(f"/v1/photos/{job}/name", json={"stranger": stranger_id, "name": "Eileen Collins"}).json
    assert "Eileen" in world.client.get(f"/v1/photos/{job}/faces.csv").text
    world.client.delete(f"/v1/people/{named['person']['id']}")
    assert "Eileen" not in world.client.get(f"/v1/photos/{job}/faces.csv").text
    assert world.client.get(f"/v1/photos/{job}").json["faces"] == 2
    with zipfile.ZipFile(io.BytesIO(world.client.get(f"/v1/photos/{job}/results.zip").data)) as archive:
        assert archive.namelist() == ["Familiar/faces.csv"]


def test_results_are_links_sidecars_and_a_table_that_lead_nowhere_else(world, job, collins_frames):
    person_id = world.enroll("=Eileen/../Collins", collins_frames[10:18])["person"]["id"]
    stranger_id = group(world, job, "c/")
    world.client.post(f"/v1/photos/{job}/name", json={"stranger": stranger_id, "person_id": person_id})
    rows = list(csv.DictReader(io.StringIO(world.client.get(f"/v1/photos/{job}/faces.csv").data.decode("utf-8-sig"))))
    assert len(rows) == 8 and {row["name"] for row in rows} == {"'=Eileen/../Collins"}
    with zipfile.ZipFile(io.BytesIO(world.client.get(f"/v1/photos/{job}/results.zip").data)) as archive:
        names = archive.namelist()
        links = [each for each in archive.infolist() if stat.S_ISLNK(each.external_attr >> 16)]
        targets = {archive.read(each).decode() for each in links}
        sidecar = archive.read("c/0.jpg.xmp").decode()
    assert len(links) == 8 and targets == {f"../../c/{at}.jpg" for at in range(8)}
    assert all(".." not in PurePosixPath(name).parts and not name.startswith("/") for name in names)
    assert 'mwg-rs:Name="=Eileen/../Collins"' in sidecar


def test_a_job_goes_from_receiving_to_the_sorter_and_is_paused_and_deleted(world, job, collins_frames):
    def ask(what: str):
        return world.client.post(f"/v1/photos/{job}/{what}")

    assert ask("pause").json["error"]["code"] == "photo_job_not_running"
    assert ask("resume").json["status"] == "queued"
    assert ask("resume").json["error"]["code"] == "photo_job_running"
    assert send(world, job, "late.jpg", collins_frames[0]).json["error"]["code"] == "photo_job_not_running"
    assert ask("pause").json["status"] == "paused"
    assert world.client.delete(f"/v1/photos/{job}").status_code == 204
    assert world.client.get(f"/v1/photos/{job}").json["error"]["code"] == "photo_job_not_found"
    assert world.client.delete(f"/v1/photos/{job}").status_code == 404


def test_a_folder_waits_for_the_sorter_with_what_is_to_be_written(world):
    job_id = begin(world, folder="/photos/2024", write=["links", "csv", "links"])
    shown = world.client.get(f"/v1/photos/{job_id}").json
    assert (shown["status"], shown["folder"], shown["write"]) == ("queued", "/photos/2024", ["csv", "links"])
    with world.database.read() as session:
        assert photos.open_ones(session) == {job_id: (None, 0)}
        assert photos.get(session, job_id).stage == PhotoStage.QUEUED


@pytest.mark.parametrize(
    "body",
    [
        {}, {"folder": "a", "upload": "b"}, {"folder": ""}, {"folder": "a\nb"}, {"folder": 1}, {"folder": "a\0"},
        {"folder": "a", "write": ["all"]}, {"folder": "a", "write": [1]}, {"upload": "a", "write": ["csv"]},
        {"folder": "a" * 1001}, {"folder": "a", "more": 1},
    ],
)  # fmt: skip
def test_what_is_no_folder_is_refused(world, body):
    assert world.client.post("/v1/photos", json=body).status_code == 400


@pytest.mark.parametrize(
    "path", ["", "/a.jpg", "../a.jpg", "a/../b.jpg", "a//b.jpg", "C:\\a.jpg", "a\nb.jpg", "é" * 600]
)
def test_a_name_that_leads_elsewhere_is_refused(world, job, collins_frames, path):
    assert send(world, job, path, collins_frames[0]).json["error"]["code"] == "invalid_query"


@pytest.mark.parametrize(
    "body",
    [
        {"name": "A"}, {"name": "A", "stranger": "0" * 32, "faces": []}, {"name": "A", "faces": []},
        {"name": "A", "faces": [1]}, {"name": "A", "faces": ["x"]}, {"stranger": "x", "name": "A"},
    ],
)  # fmt: skip
def test_faces_that_are_none_are_not_named(world, job, body):
    assert world.client.post(f"/v1/photos/{job}/name", json=body).status_code == 400


def test_what_is_not_there_is_404(world, job):
    nobody = "0" * 32
    for address in (f"/v1/photos/{nobody}", f"/v1/photos/{nobody}/people", f"/v1/photos/{nobody}/faces.csv",
                    f"/v1/photos/{nobody}/files", f"/v1/photos/{job}/faces/{nobody}"):  # fmt: skip
        assert world.client.get(address).status_code == 404, address
    for body in ({"stranger": nobody, "name": "A"}, {"faces": [nobody], "name": "A"}):
        assert world.client.post(f"/v1/photos/{job}/name", json=body).status_code == 404
