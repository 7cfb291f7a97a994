"""A folder sorted by real processes that are killed, and what comes of it put right and recognised."""

from pathlib import Path

from familiar.queueing import TrainingQueue
from system import wait_until


def fill(folder: Path, webcam, ada, grace) -> None:
    folder.mkdir()
    for name, portrait, seed in (("ada", ada, 1), ("grace", grace, 2)):
        for at, data in enumerate(webcam(portrait, seed, range(0, 40, 4))):
            (folder / f"{name}{at}.jpg").write_bytes(data)
    (folder / "broken.jpg").write_bytes(b"nothing")


def test_a_folder_is_sorted_whatever_is_killed_and_its_people_are_recognised(make_system, webcam, collins, hopper):
    system = make_system()
    photos = system.folder.parent / "photos"
    fill(photos, webcam, collins, hopper)
    system.env["PHOTOS_DIRS"] = str(photos)
    system.up()
    client = system.client()
    job_id = client.call(
        "POST", "/v1/photos", 201, json={"folder": str(photos), "write": ["links", "csv", "sidecars"]}
    )["id"]

    def job() -> dict:
        return client.call("GET", f"/v1/photos/{job_id}")

    system.env["FAMILIAR_CRASH_AT"] = "kept"  # each process dies of its first picture
    system.start("photos")
    wait_until(lambda: job()["files"] >= 2, 60, "two processes have looked at a picture each")
    system.kill("photos")
    del system.env["FAMILIAR_CRASH_AT"]
    system.start("photos")
    TrainingQueue.at(system.env["REDIS_URL"], 2.0).put_photos(job_id)  # as the trainer does after a minute of silence
    wait_until(lambda: job()["status"] == "done", 90, "the folder is sorted")
    told = job()
    assert (told["pictures"], told["files"], told["broken"], told["photos"]) == (21, 21, 1, 20)
    found = client.call("GET", f"/v1/photos/{job_id}/people")
    assert found["people"] == [] and [each["faces"] for each in found["strangers"][:2]] == [10, 10]
    stranger = found["strangers"][0]
    named = client.call("POST", f"/v1/photos/{job_id}/name", 202, json={"stranger": stranger["id"], "name": "Whoever"})
    wait_until(lambda: client.is_live(named["id"]), 60, "whoever it is can be recognised")
    client.call("POST", f"/v1/photos/{job_id}/resume", 202)
    wait_until(lambda: job()["status"] == "done", 60, "the folder is sorted anew")
    assert job()["people"] == 1 and job()["photos"] == 20
    links = sorted((photos / "Familiar" / "Whoever").iterdir())
    assert len(links) == 10 and all(link.resolve().parent == photos for link in links)
    assert "Whoever" in (photos / f"{links[0].resolve().name}.xmp").read_text()
    assert system.stop("photos") == 0
