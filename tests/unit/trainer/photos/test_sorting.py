"""Sorting photos over a real database and folder, with fakes of Serving: what is done stays, whatever happens then."""

import os
import struct
from pathlib import Path

import pytest
from sorting_desk import fill, shades
from sqlalchemy import select

from familiar.errors import ServingUnavailable
from familiar.records import PhotoStage, erasures, people, photo_faces, photos
from familiar.records.schema import Photo
from familiar_trainer.photos import sorting


def test_how_a_second_picture_behind_the_first_is_turned_turns_nothing(desk, ada):
    plain = shades(ada, 1)[0]
    exif = b"Exif\0\0II*\0\x08\0\0\0\1\0" + struct.pack("<HHIHH", 0x0112, 3, 1, 6, 0) + bytes(4)
    turned = plain[:2] + b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif + plain[2:]
    (desk.photos / "one.jpg").write_bytes(turned)
    (desk.photos / "two.jpg").write_bytes(plain + turned)
    assert desk.sort(desk.ask()) == "done"
    with desk.database.read() as session:
        assert sorted(session.scalars(select(Photo.orientation))) == [1, 6]


def test_pictures_of_phones_are_told_and_not_passed_over(desk, ada):
    (desk.photos / "download.jfif").write_bytes(shades(ada, 1)[0])
    phones = {f"IMG_1.{ending}": "invalid_image" for ending in ("HEIC", "heif", "HIF", "avif")}
    for name in phones:
        (desk.photos / name).write_bytes(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic")
    job_id = desk.ask()
    assert desk.sort(job_id) == "done"
    assert desk.broken(job_id) == phones and desk.told(job_id).photos == 1


def test_a_folder_is_sorted_and_what_is_no_picture_is_told(desk, ada, grace):
    fill(desk, ada, grace)
    job_id = desk.ask()
    assert desk.sort(job_id) == "done"
    told = desk.told(job_id)
    assert (told.job.stage, told.job.found, told.files, told.photos, told.faces) == (PhotoStage.DONE, 8, 8, 5, 5)
    assert desk.groups(job_id) == ([], [3, 2])
    assert desk.broken(job_id) == {"broken.jpg": "invalid_image", "empty.png": "invalid_image"}
    assert desk.observer.looked == 5  # the copy was known by its bytes


def test_what_could_not_be_looked_at_is_looked_at_when_it_is_mended(desk, ada, grace, monkeypatch):
    fill(desk, ada, grace)
    job_id = desk.ask()
    real = sorting.Picture.read

    def refuse(picture, most_bytes):
        if picture.path == "a2.jpg":
            raise PermissionError(picture.path)
        return real(picture, most_bytes)

    monkeypatch.setattr(sorting.Picture, "read", refuse)
    assert desk.sort(job_id) == "done"
    assert desk.broken(job_id).keys() == {"a2.jpg", "broken.jpg", "empty.png"}
    monkeypatch.setattr(sorting.Picture, "read", real)
    (desk.photos / "broken.jpg").write_bytes(shades(grace, 3)[2])  # it had been half copied
    desk.database.retry(lambda session: photos.resume(photos.get(session, job_id)))
    assert desk.sort(job_id) == "done" and desk.observer.looked == 6
    assert desk.broken(job_id) == {"empty.png": "invalid_image"}
    assert (desk.told(job_id).files, desk.told(job_id).faces) == (8, 6)


def test_whom_the_head_knows_is_named_and_strangers_keep_their_ids(desk, ada, grace):
    fill(desk, ada, grace)
    job_id = desk.ask()
    desk.sort(job_id)
    with desk.database.read() as session:
        first, second = photo_faces.strangers(session, job_id)
        vector = next(face.vector for face in photo_faces.unsaid(session, job_id) if face.stranger_id == first.id)
    desk.know({desk.person("Ada"): vector})
    desk.database.retry(lambda session: photos.resume(photos.get(session, job_id)))
    assert desk.sort(job_id) == "done" and desk.observer.looked == 5
    assert desk.groups(job_id) == ([("Ada", 3)], [2])
    with desk.database.read() as session:
        assert [group.id for group in photo_faces.strangers(session, job_id)] == [second.id]


def test_what_somebody_said_is_not_said_anew(desk, ada, grace):
    fill(desk, ada, grace)
    job_id, person_id = desk.ask(), desk.person("Grace")
    desk.sort(job_id)
    with desk.database.write() as session:
        wrong, *_ = photo_faces.of_stranger(session, job_id, photo_faces.strangers(session, job_id)[0].id)
        photo_faces.say(session, [wrong.id], person_id)
        photos.resume(photos.get(session, job_id))
    desk.sort(job_id)
    assert desk.groups(job_id) == ([("Grace", 1)], [2, 2])


def test_a_person_who_is_deleted_is_on_no_photo_any_more(desk, ada, grace):
    fill(desk, ada, grace)
    job_id, person_id = desk.ask(), desk.person("Ada Zwölfte")
    desk.sort(job_id)
    with desk.database.write() as session:
        faces = photo_faces.of_stranger(session, job_id, photo_faces.strangers(session, job_id)[0].id)
        crop, vector = faces[0].crop, faces[0].vector
        photo_faces.say(session, [face.id for face in faces], person_id)
    desk.database.retry(lambda session: people.erase(session, person_id))
    assert desk.groups(job_id) == ([], [2])
    assert desk.database.scrub()
    held = b"".join(file.read_bytes() for file in desk.database.file.parent.glob("familiar.db*"))
    assert crop not in held and vector[:64] not in held and "Ada Zwölfte".encode() not in held


def test_a_job_that_is_deleted_is_gone_with_everything(desk, ada, grace):
    fill(desk, ada, grace)
    job_id = desk.ask()
    desk.sort(job_id)
    with desk.database.read() as session:
        crop = photo_faces.of_stranger(session, job_id, photo_faces.strangers(session, job_id)[0].id)[0].crop
    desk.database.retry(lambda session: photos.remove(session, job_id))
    with desk.database.read() as session:
        assert erasures.open_ones(session, in_heads=False) == [job_id]
    assert desk.database.scrub()
    held = b"".join(file.read_bytes() for file in desk.database.file.parent.glob("familiar.db*"))
    assert crop not in held and b"g1.JPG" not in held


@pytest.mark.parametrize("how", ["paused", "deleted", "taken over"])
def test_whoever_does_not_have_a_job_any_more_changes_nothing_of_it(desk, ada, grace, how):
    fill(desk, ada, grace)
    job_id = desk.ask()

    def disturb():
        if desk.observer.looked == 2:
            desk.database.retry(
                lambda session: {
                    "paused": lambda: photos.pause(photos.get(session, job_id)),
                    "deleted": lambda: photos.remove(session, job_id),
                    "taken over": lambda: photos.claim(session, job_id, "somebody else"),
                }[how]()
            )

    desk.observer.before = disturb
    assert desk.sort(job_id) == "left" and desk.observer.looked == 2
    if how == "deleted":
        return
    assert desk.told(job_id).photos == 1
    if how == "paused":
        desk.database.retry(lambda session: photos.resume(photos.get(session, job_id)))
    assert desk.sort(job_id) == "done"
    assert desk.told(job_id).faces == 5 and desk.observer.looked == 6  # only the one in hand was looked at again


def test_a_process_that_is_told_to_end_leaves_the_job_to_the_next(desk, ada, grace):
    fill(desk, ada, grace)
    job_id = desk.ask()
    desk.observer.before = lambda: desk.stop.set() if desk.observer.looked == 2 else None
    assert desk.sort(job_id) == "stopped"
    told = desk.told(job_id)
    assert (told.job.stage, told.job.owner, told.photos) == (PhotoStage.QUEUED, None, 2)
    desk.stop.clear()
    assert desk.sort(job_id) == "done" and desk.observer.looked == 5


def test_a_picture_that_kills_three_processes_is_told_and_passed_over(desk, ada, grace):
    fill(desk, ada, grace)
    job_id = desk.ask()

    class Killed(BaseException):
        pass

    def die():
        if desk.observer.looked in (2, 3, 4, 5):  # the second picture, again and again
            raise Killed

    desk.observer.before = die
    for _ in range(3):
        with pytest.raises(Killed):
            desk.sort(job_id)
    desk.observer.before = lambda: None
    assert desk.sort(job_id) == "done"
    assert "picture_kills" in desk.broken(job_id).values() and desk.told(job_id).photos == 4


def test_what_is_away_is_waited_for(desk, ada, grace, monkeypatch):
    fill(desk, ada, grace)
    monkeypatch.setattr(sorting, "_WAIT_S", 0.01)
    job_id = desk.ask()
    desk.serving.fault = ServingUnavailable("away")
    waited = []

    def come_back(job):
        waited.append(job)
        desk.serving.fault = None

    real = photos.step
    monkeypatch.setattr(sorting.photos, "step", lambda *args: (come_back(1), real(*args))[1])
    assert desk.sort(job_id) == "done" and waited
    assert desk.told(job_id).faces == 5


@pytest.mark.parametrize("asked", ["/etc", "..", "nowhere", "a0.jpg", "out", "2024/../../outside", "\0"])
def test_no_folder_is_read_but_those_that_may_be(desk, ada, grace, asked):
    fill(desk, ada, grace)
    outside = desk.photos.parent / "outside"
    outside.mkdir()
    (outside / "x.jpg").write_bytes(shades(ada, 1)[0])
    (desk.photos / "out").symlink_to(outside)
    (desk.photos / "link.jpg").symlink_to(outside / "x.jpg")
    os.mkfifo(desk.photos / "pipe.jpg")
    if asked != "\0":
        job_id = desk.ask(asked)
        assert desk.sort(job_id) == "failed"
        assert desk.told(job_id).job.error_code == "photo_folder_not_found"
    inside = desk.ask("2024")
    assert desk.sort(inside) == "done" and desk.told(inside).photos == 3
    whole = desk.ask()
    assert desk.sort(whole) == "done"
    assert desk.broken(whole).keys() == {"broken.jpg", "empty.png", "link.jpg", "pipe.jpg"}


def test_names_that_are_no_text_are_told_and_passed_over(desk, ada):
    (desk.photos / "fine.jpg").write_bytes(shades(ada, 1)[0])
    for name in (b"b\xff.jpg", b"new\nline.jpg"):
        Path(os.fsdecode(os.fsencode(desk.photos) + b"/" + name)).write_bytes(b"x")
    job_id = desk.ask()
    assert desk.sort(job_id) == "done"
    assert set(desk.broken(job_id).values()) == {"invalid_name"} and len(desk.broken(job_id)) == 2
