"""Deleting a person: they are unknown at the next frame, and no file holds them afterwards."""

from collections.abc import Callable
from pathlib import Path

from familiar.knowing.embedding import class_mean, from_blob
from familiar.knowing.head import Head
from familiar.records import erasures, samples, sightings, versions
from familiar.records.schema import Embedding, Sample
from system import System, wait_until


def holding(folder: Path, needles: dict[str, list[bytes]]) -> list[str]:
    """Return 'what in which file' for each needle found in any file below ``folder``."""
    found = []
    for path in folder.rglob("*"):
        if path.is_file() and path.suffix != ".log":
            content = path.read_bytes()
            found += [f"{what} in {path.name}" for what, each in needles.items() if any(n in content for n in each)]
    return found


def test_nothing_on_disk_holds_a_deleted_person_and_the_next_frame_calls_them_unknown(
    make_system: Callable[..., System], webcam, collins, hopper
) -> None:
    system = make_system(SIGHTINGS="on", EVENTS="on").up()
    client = system.client()
    for name, portrait in (("Eileen Collins", collins), ("Grace Hopper", hopper)):
        enrollment = client.enroll(name, webcam(portrait, 1, range(0, 60, 3)))
        wait_until(lambda each=enrollment: client.is_live(each), 60, f"{name} is live")
    probe, later = (webcam(hopper, seed, range(1))[0] for seed in (77, 78))
    assert client.name_of(probe) == "Grace Hopper"

    def remembered() -> list[str]:
        return [each["status"] for each in client.call("GET", "/v1/sightings")["sightings"]]

    wait_until(lambda: remembered() == ["known"], 20, "she was seen")

    def told() -> set[tuple[str, str]]:
        return {(each["kind"], each["person"]["name"]) for each in client.call("GET", "/v1/events")["events"]}

    expected = {
        ("person_enrolled", "Eileen Collins"),
        ("person_enrolled", "Grace Hopper"),
        ("person_seen", "Grace Hopper"),
    }
    wait_until(lambda: told() == expected, 20, "others could be told of it")

    people = {person["name"]: person["id"] for person in client.call("GET", "/v1/people")["people"]}
    gone = people["Grace Hopper"]
    database = system.database()
    with database.read() as session:
        rows = session.query(Sample, Embedding.vector).join(Embedding, Embedding.sample_id == Sample.id)
        stored = [(s.crop, v) for s, v in rows.where(Sample.person_id == gone)]
        came_by = sightings.page(session, sightings.Wanted(person_id=gone), 100)
        stored += [
            (crop.crop, row.vector)
            for row in sightings.several(session, [row.id for row in came_by]).values()
            for crop in sightings.crops(session, [row.id], pictures=True)[row.id]
        ]
        head = Head.from_bytes(versions.live_head(session).weights)
    prototype = head.prototypes[head.person_ids.index(gone)]
    needles = {
        "crop": [crop[len(crop) // 2 :][:64] for crop, _ in stored],
        "embedding": [vector[:64] for _, vector in stored],
        "prototype": [prototype.tobytes()[:64], class_mean([from_blob(v) for _, v in stored]).tobytes()[:64]],
        "id": [gone.encode()],
        "name": [b"Grace Hopper"],
    }
    before = holding(system.folder, needles)
    assert {what.split()[0] for what in before} == set(needles), before

    job = client.call("DELETE", f"/v1/people/{gone}", 202)["job"]["id"]
    # Of somebody unknown who comes by later a sighting is kept: it is not hers, and of another picture.
    face = client.first_face(later)
    assert (face["status"], face["person"]) == ("unknown", None)
    assert all(candidate["person"]["id"] != gone for candidate in face["candidates"])
    client.call("GET", f"/v1/people/{gone}", 404)
    assert client.call("DELETE", f"/v1/people/{gone}", 404)["error"]["code"] == "person_not_found"
    wait_until(lambda: remembered() == ["unknown"], 20, "somebody unknown was seen")

    wait_until(lambda: client.call("GET", f"/v1/jobs/{job}")["status"] == "live", 60, "the models are made anew")

    def erased() -> bool:
        with database.read() as session:
            return not erasures.open_ones(session)

    wait_until(erased, 60, "the erasure is complete")
    assert holding(system.folder, needles) == []
    assert client.name_of(probe) is None
    assert client.name_of(webcam(collins, 76, range(1))[0]) == "Eileen Collins"
    with database.read() as session:
        assert {row.person_id for row in samples.enrolled(session, 1)} == {people["Eileen Collins"]}
