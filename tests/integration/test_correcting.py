"""Putting right on the whole system, with people of LFW: folders, one picture, merging, moving, undoing, erasing."""

import io
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from client import Client
from familiar.records import erasures, samples
from system import System, wait_until
from test_erasure import holding

PEOPLE = ("Ariel_Sharon", "Jennifer_Capriati", "Laura_Bush", "Lleyton_Hewitt", "Gloria_Macapagal_Arroyo", "Hans_Blix")


def job_of(client: Client, path: str, **body: Any) -> str:
    """Put something right, wait until it is learned, and return the correction's id."""
    done = client.call("POST", path, 202, json=body)
    job = done["job"]["id"]
    wait_until(lambda: client.call("GET", f"/v1/jobs/{job}")["status"] == "live", 60, f"{path} is learned")
    return str(done["correction"]["id"])


@pytest.mark.lfw
def test_people_are_put_right_and_stay_so(make_system: Callable[..., System], lfw: Path) -> None:
    pictures = {name: [file.read_bytes() for file in sorted((lfw / name).glob("*.jpg"))] for name in PEOPLE}
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in PEOPLE:
            for number, data in enumerate(pictures[name][:10]):
                archive.writestr(f"people/{name}/{number}.jpg", data)
    system = make_system().up()
    client = system.client()
    file = {"frames": ("people.zip", buffer.getvalue(), "application/zip")}
    refused = client.call("POST", "/v1/enroll", 400, data={"name": "Everybody"}, files=file)["error"]
    assert refused["code"] == "several_people"
    told = client.call("POST", "/v1/enroll", 202, files=file)
    assert told["refused"] == [] and sorted(each["folder"] for each in told["enrollments"]) == sorted(PEOPLE)
    last = told["enrollments"][-1]["enrollment"]["id"]
    wait_until(lambda: client.is_live(last), 90, "all are live")
    ids = {each["name"]: each["id"] for each in client.call("GET", "/v1/people")["people"]}
    probes = {name: pictures[name][12] for name in PEOPLE}
    assert all(client.name_of(probes[name]) in (name, None) for name in PEOPLE)

    # One more picture, of a person who has enough.
    one, other = "Ariel_Sharon", "Hans_Blix"
    added = client.enroll(one, pictures[one][10:11], person_id=ids[one])
    wait_until(lambda: client.enrollment(added)["status"] in ("live", "failed"), 60, "it is learned or refused")

    # Somebody a second time under another name, which a training refuses, and a person puts right.
    again = client.enroll("The same", pictures[other][13:24], if_known="new", if_not_alike="take")
    wait_until(lambda: client.enrollment(again)["status"] in ("live", "failed"), 60, "it has ended")
    second = client.enrollment(again)["person"]["id"]
    merged = job_of(client, f"/v1/people/{ids[other]}/merge", person_id=second)
    face = client.first_face(pictures[other][11])
    assert face["person"] in (None, {"id": ids[other], "name": other})
    count = client.call("GET", f"/v1/people/{ids[other]}")["samples"]
    job_of(client, f"/v1/corrections/{merged}/undo")
    assert client.call("GET", f"/v1/people/{ids[other]}")["samples"] < count
    job_of(client, f"/v1/people/{ids[other]}/merge", person_id=second)

    # Samples go to somebody else and come back; another enrolment, and so another training, changes nothing of it.
    taken = [each["id"] for each in client.call("GET", f"/v1/people/{ids[other]}/samples")["samples"]][:3]
    moved = job_of(client, f"/v1/people/{ids[other]}/move", samples=taken, to=ids[one])
    client.enroll(other, pictures[other][24:25], person_id=ids[other], if_not_alike="take", if_known="new")
    assert {each["id"] for each in client.call("GET", f"/v1/people/{ids[one]}/samples")["samples"]} >= set(taken)
    job_of(client, f"/v1/corrections/{moved}/undo")

    # Deleted, nothing is left of either.
    with system.database().read() as session:
        crops = [row.crop for row in samples.of_person(session, ids[other])]
    needles = {
        "crop": [crop[len(crop) // 2 :][:64] for crop in crops],
        "id": [ids[other].encode(), second.encode()],
        "name": [b"The same", other.encode()],
    }
    client.call("DELETE", f"/v1/people/{ids[other]}", 202)
    database = system.database()

    def erased() -> bool:
        with database.read() as session:
            return not erasures.open_ones(session)

    wait_until(erased, 90, "the erasure is complete")
    assert holding(system.folder, needles) == []
    assert client.name_of(probes[one]) in (one, None)
    closing = client.call("GET", "/v1/corrections")["corrections"]
    assert {each["status"] for each in closing if each["kind"] == "merge"} <= {"final", "undone"}
