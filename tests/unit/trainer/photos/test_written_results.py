"""Results beside the pictures: written, made anew, and what is somebody else's left alone."""

import csv
import io
import os

from sorting_desk import fill

from familiar.records import Written, people, photo_faces, photos


def test_results_are_written_beside_the_pictures_and_made_anew(desk, ada, grace):
    fill(desk, ada, grace)
    (desk.photos / "a1.jpg.xmp").write_text("<notes>mine</notes>")
    job_id, person_id = desk.ask("", *Written), desk.person("=Ada/../x")
    desk.sort(job_id)
    with desk.database.write() as session:
        faces = photo_faces.of_stranger(session, job_id, photo_faces.strangers(session, job_id)[0].id)
        photo_faces.say(session, [face.id for face in faces], person_id)
        photos.resume(photos.get(session, job_id))
    assert desk.sort(job_id) == "done"
    results = desk.photos / "Familiar"
    links = {str(link.relative_to(results)): link for link in results.rglob("*.jpg")}
    assert links.keys() == {"=Ada_.._x/a0.jpg", "=Ada_.._x/a1.jpg", "=Ada_.._x/a2.jpg", "=Ada_.._x/copy.jpg"}
    assert all(link.is_symlink() and link.resolve().is_relative_to(desk.photos) for link in links.values())
    rows = list(csv.DictReader(io.StringIO((results / "faces.csv").read_text("utf-8-sig"))))
    assert [row["file"] for row in rows] == ["2024/copy.jpg", "a0.jpg", "a1.jpg", "a2.jpg"]
    assert {row["name"] for row in rows} == {"'=Ada/../x"}
    assert 'Name="=Ada/../x"' in (desk.photos / "a0.jpg.xmp").read_text()
    assert (desk.photos / "a1.jpg.xmp").read_text() == "<notes>mine</notes>"
    assert desk.told(job_id).job.written == {"sidecars": 3, "left_alone": ["a1.jpg"], "links": 4}
    desk.database.retry(lambda session: people.erase(session, person_id))
    desk.database.retry(lambda session: photos.resume(photos.get(session, job_id)))
    assert desk.sort(job_id) == "done" and desk.told(job_id).job.found == 8  # links are no pictures
    assert not list(results.rglob("*.jpg")) and "Ada" not in (desk.photos / "a0.jpg.xmp").read_text()


def test_a_sidecar_that_may_not_be_read_is_left_alone_and_the_others_are_written(desk, ada, grace, monkeypatch):
    fill(desk, ada, grace)
    (desk.photos / "a1.jpg.xmp").write_text("theirs")
    job_id, person_id = desk.ask("", Written.SIDECARS), desk.person("Ada")
    desk.sort(job_id)
    with desk.database.write() as session:
        first, _ = photo_faces.strangers(session, job_id)
        faces = [row.id for row in photo_faces.of_stranger(session, job_id, first.id)]
        photo_faces.say(session, faces, person_id)
        photos.resume(photos.get(session, job_id))
    real = os.open

    def refuse(path, flags, *args, **more):
        if path == "a1.jpg.xmp":
            raise PermissionError(path)
        return real(path, flags, *args, **more)

    monkeypatch.setattr(os, "open", refuse)
    assert desk.sort(job_id) == "done"
    written = desk.told(job_id).job.written
    assert (written["sidecars"], written["left_alone"]) == (3, ["a1.jpg"])


def test_a_folder_of_results_that_somebody_else_made_is_left_alone(desk, ada, grace):
    fill(desk, ada, grace)
    (desk.photos / "Familiar").mkdir()
    (desk.photos / "Familiar" / "mine.txt").write_text("mine")
    job_id = desk.ask("", Written.CSV)
    assert desk.sort(job_id) == "failed" and desk.told(job_id).job.error_code == "photos_not_written"
    assert [file.name for file in (desk.photos / "Familiar").iterdir()] == ["mine.txt"]
