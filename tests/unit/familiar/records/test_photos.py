"""Photo jobs on a real database: who has one, what is kept once, and what goes with whom."""

import numpy as np
import pytest
from photographed import face, photo

from familiar.errors import Conflict, NotFound
from familiar.knowing import Status
from familiar.records import Database, PhotoStage, Written, erasures, people, photo_faces, photos
from familiar.records.photos import JobLost


@pytest.fixture
def job(database: Database) -> str:
    """A job of two people on three pictures, one of which lies twice, and a broken file; one stranger is grouped."""

    def fill(session):
        ada = people.add(session, "Ada")
        ada.enrolled = True
        job_id = photos.add(session, "/photos", uploaded=False, wanted=[Written.LINKS]).id
        for at, name in enumerate(("a", "b", "c")):
            seen = photo(name)
            photos.add_photo(session, job_id, seen, [face(10 * at, ada.id, 0.1 * at), face(10 * at + 1)])
            photos.add_file(session, job_id, f"{name}.jpg", digest=seen.digest)
        photos.add_file(session, job_id, "copy.jpg", digest=photo("a").digest)
        photos.add_file(session, job_id, "broken.jpg", code="invalid_image")
        unknown = photo_faces.unsaid(session, job_id)
        rows, _ = photo_faces.faces(session, job_id)
        known = {row.id: (ada.id, 0.9) for row, _ in rows if row.person_id}
        photos.settle(session, job_id, known, {each.id: "f" * 32 for each in unknown if each.id not in known}, {})
        return job_id

    return database.retry(fill)


def test_a_job_is_told_with_what_it_has_come_to(database, job):
    with database.read() as session:
        told = photos.summary(session, job)
        assert (told.files, told.broken, told.photos, told.faces, told.people, told.strangers) == (5, 1, 3, 6, 1, 1)
        ((ada,), (stranger,)) = photo_faces.people(session, job), photo_faces.strangers(session, job)
        assert (ada.name, ada.faces, ada.photos, stranger.faces, stranger.photos) == ("Ada", 3, 3, 3, 3)
        best, _ = photo_faces.faces(session, job, person_id=ada.id, limit=1)
        assert best[0][0].id == ada.face_id and best[0][1] == ["c.jpg"]
        assert {row.path: row.code for row in photos.files(session, job, broken=True)[0]} == {
            "broken.jpg": "invalid_image"
        }
        assert [(region.path, region.name) for region in photos.regions(session, job)] == [
            (path, "Ada") for path in ("a.jpg", "b.jpg", "c.jpg", "copy.jpg")
        ]
        assert photos.page(session, 10)[1] == 1 and "broken.jpg" not in photos.paths(session, job)


def test_a_picture_is_kept_once(database, job):
    database.retry(lambda session: photos.add_photo(session, job, photo("a"), [face(99)] * 3))
    with database.read() as session:
        assert photos.summary(session, job).faces == 6 and photos.has(session, job, photo("a").digest)


def test_nobody_is_named_who_was_deleted_meanwhile(database, job):
    gone = "0" * 32

    def add(session):
        photos.add_photo(session, job, photo("d"), [face(50, gone)])
        ids = {each.id: (gone, 0.9) for each in photo_faces.unsaid(session, job)}
        photos.settle(session, job, ids, {}, {})

    database.retry(add)
    with database.read() as session:
        assert photos.summary(session, job).people == 0
        assert {row.status for row, _ in photo_faces.faces(session, job)[0]} == {Status.UNKNOWN}


def test_a_person_who_is_erased_takes_their_faces_and_nobody_elses(database, job):
    with database.read() as session:
        (ada,) = photo_faces.people(session, job)
    database.retry(lambda session: people.erase(session, ada.id))
    with database.read() as session:
        told = photos.summary(session, job)
        assert (told.faces, told.people, told.strangers) == (3, 0, 1) and photos.regions(session, job) == []


def test_what_somebody_said_is_out_of_the_heads_hands(database, job):
    with database.write() as session:
        rows = photo_faces.of_stranger(session, job, "f" * 32)
        (ada,) = photo_faces.people(session, job)
        photo_faces.say(session, [rows[0].id], ada.id)
        photo_faces.say(session, [rows[1].id], None)
        photos.settle(session, job, {}, {}, {})
    with database.read() as session:
        assert photo_faces.people(session, job)[0].faces == 1 and photo_faces.strangers(session, job) == []
        assert len(photo_faces.unsaid(session, job)) == 4


def test_a_job_has_one_owner_at_a_time(database, job):
    def change(work):
        return database.retry(work)

    assert change(lambda session: photos.claim(session, job, "one")).tries == 0
    change(lambda session: photos.step(session, job, "one"))
    assert change(lambda session: photos.claim(session, job, "two")).tries == 1
    for lost in ("one", "nobody"):
        with pytest.raises(JobLost):
            change(lambda session, lost=lost: photos.step(session, job, lost))
    change(lambda session: photos.pause(photos.get(session, job, lock=True)))
    with pytest.raises(JobLost):
        change(lambda session: photos.step(session, job, "two"))
    with pytest.raises(Conflict):
        change(lambda session: photos.pause(photos.get(session, job)))
    assert change(lambda session: photos.claim(session, job, "three")) is None
    change(lambda session: photos.resume(photos.get(session, job), [Written.CSV]))
    with pytest.raises(Conflict):
        change(lambda session: photos.resume(photos.get(session, job)))
    with database.read() as session:
        assert photos.open_ones(session)[job][0] is None and photos.get(session, job).wanted == ["csv"]


def test_a_death_is_counted_and_the_job_free(database, job):
    database.retry(lambda session: photos.claim(session, job, "one"))
    database.retry(lambda session: photos.mourn(session, job))
    with database.read() as session:
        row = photos.get(session, job)
        assert (row.stage, row.owner, row.tries) == (PhotoStage.QUEUED, None, 1)
    database.retry(lambda session: photos.mourn(session, "0" * 32))
    database.retry(lambda session: photos.end(photos.get(session, job), PhotoStage.DONE))
    database.retry(lambda session: photos.mourn(session, job))
    with database.read() as session:
        assert photos.get(session, job).stage == PhotoStage.DONE


def test_a_job_that_is_removed_is_gone_and_its_traces_are_to_be_cleaned(database, job):
    database.retry(lambda session: photos.remove(session, job))
    with database.read() as session:
        assert erasures.open_ones(session, in_heads=False) == [job]
        assert photos.paths(session, job) == set()
        with pytest.raises(NotFound):
            photos.get(session, job)


def test_what_another_backbone_sees_takes_the_place_of_what_was_seen(database, job):
    with database.write() as session:
        first, second, *_ = photo_faces.unsaid(session, job)
        photo_faces.renew(session, {first.id: np.ones(4, np.float32), second.id: None}, 2)
        assert photo_faces.crops(session, [first.id])[first.id].startswith(b"crop")
    with database.read() as session:
        left = {each.id: each for each in photo_faces.unsaid(session, job)}
    assert left[first.id].backbone_version == 2 and left[first.id].vector.tolist() == [1] * 4
    assert second.id not in left
