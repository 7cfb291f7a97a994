"""Sorting: one photo job from the first picture that nobody has looked at to its end, safe to be killed anywhere.

Each picture is one transaction, so what is done is done; what is known of a picture is found again by the digest of its
bytes, and of a file by its path. A job that was taken over by somebody else, paused or deleted meanwhile is left.
"""

import hashlib
import logging
import os
import signal
import socket
import threading
from collections.abc import Callable, Collection
from contextlib import suppress
from typing import TypeVar
from uuid import uuid4

import numpy as np
from sqlalchemy.orm import Session

from familiar.errors import FamiliarError, InvalidInput, Unavailable
from familiar.knowing import Status
from familiar.learning import cohort
from familiar.photos import (
    FolderRefused,
    Looker,
    Picture,
    Place,
    allowed_folder,
    keeping,
    open_folder,
    pictures,
    writing,
)
from familiar.records import (
    Database,
    PhotoJob,
    PhotoStage,
    Recorder,
    Written,
    people,
    person,
    photo_faces,
    photos,
    recent_errors,
)
from familiar.seeing import Decoder, ImageLimits, Observer, detectors
from familiar.serving import Models, ServingClient
from familiar.settings import Settings
from familiar_trainer import crash_points
from familiar_trainer.linkage import rename
from familiar_trainer.reunion import people_among

_log = logging.getLogger(__name__)
T = TypeVar("T")

_BATCH = 32
_WAIT_S = 5.0
_DEATHS = 3
"""So many processes die over one picture before it is taken for the cause."""


class _Stopped(Exception):
    """The process is told to end."""


class Sorter:
    """Sorts photos; what it needs is passed in."""

    def __init__(
        self, settings: Settings, database: Database, models: Models, looker: Looker, stop: threading.Event,
        is_orphan: Callable[[], bool] = lambda: False,
    ) -> None:  # fmt: skip
        """Put it together.

        Args:
            settings: which folders may be read, and how large a picture may be.
            database: where all is kept.
            models: what the backbone says of itself.
            looker: who looks at pictures.
            stop: is set when the process is told to end.
            is_orphan: whether the process that watches over this one has died.
        """
        self._settings = settings
        self._database = database
        self._models = models
        self._looker = looker
        self._stop = stop
        self._is_orphan = is_orphan
        self._owner = f"{socket.gethostname()[:60]}:{os.getpid()}:{uuid4().hex[:8]}"

    def sort(self, job_id: str) -> str:
        """Go on with a job until it is done; return in a word how that ended."""
        job = self._database.retry(lambda session: photos.claim(session, job_id, self._owner))
        if job is None:
            return "nothing to do"
        try:
            if not job.uploaded:
                self._look(job)
            self._patiently(job_id, lambda: self._settle(job_id))
            crash_points.reached(crash_points.SORTED)
            if not job.uploaded and job.wanted:
                self._write(job)
            self._change(job_id, lambda _, held: photos.end(held, PhotoStage.DONE))
        except photos.JobLost:
            return "left"
        except _Stopped:
            with suppress(photos.JobLost):
                self._change(job_id, lambda _, held: photos.leave(held))
            return "stopped"
        except FolderRefused as exc:
            return self._fail(job_id, str(exc), code="photo_folder_not_found")
        except writing.NotOurs as exc:
            return self._fail(job_id, f"there is a folder {exc} that is not of our making", code="photos_not_written")
        except OSError as exc:
            return self._fail(job_id, f"results cannot be written: {exc.strerror}", code="photos_not_written")
        except Exception:
            self._fail(job_id, "a defect of ours; the log of the sorter has it", code="internal")
            raise
        return "done"

    def _look(self, job: PhotoJob) -> None:
        root = open_folder(allowed_folder(job.folder, self._settings.photo_folders))
        try:
            found = sum(1 for _ in pictures(root, writing.RESULTS))
            known = self._change(job.id, lambda session, held: self._begin(session, held, found))
            for picture in pictures(root, writing.RESULTS):
                if self._stop.is_set() or self._is_orphan():
                    raise _Stopped
                if picture.path not in known:
                    self._look_at(job.id, picture, careful=job.tries > 0)
        finally:
            os.close(root)

    def _begin(self, session: Session, held: PhotoJob, found: int) -> set[str]:
        held.found = found
        if held.tries >= _DEATHS and held.next_path is not None:
            photos.add_file(session, held.id, held.next_path, code="picture_kills")
            held.next_path, held.tries = None, 1
        return photos.paths(session, held.id)

    def _look_at(self, job_id: str, picture: Picture, *, careful: bool) -> None:
        if careful:  # somebody died here before, and perhaps of this picture

            def tell(_: Session, held: PhotoJob) -> None:
                held.next_path = picture.path

            self._change(job_id, tell)
        digest, code, looked = None, None, None
        if not picture.usable:
            code = "invalid_name"
        else:
            try:
                data = picture.read(self._settings.max_image_bytes)
                digest = hashlib.sha256(data).hexdigest()
                with self._database.read() as session:
                    seen_before = photos.has(session, job_id, digest)
                if not seen_before:
                    looked = self._patiently(job_id, lambda: self._looker.look(data, self._meant))
            except InvalidInput as exc:
                digest, code = None, exc.code
            except OSError:
                code = "unreadable"
        crash_points.reached(crash_points.LOOKED)

        def keep(session: Session, held: PhotoJob) -> None:
            if looked is not None and digest is not None:
                keeping.keep(session, job_id, digest, looked)
            photos.add_file(session, job_id, picture.path, digest=digest, code=code)
            held.next_path, held.tries = None, min(held.tries, 1)

        self._change(job_id, keep)
        crash_points.reached(crash_points.KEPT)

    def _settle(self, job_id: str) -> None:
        """Name and group all faces of which nobody has said whose they are, in the words of the newest head."""
        version = self._looker.backbone_version()
        self._renew(job_id, version)
        with self._database.read() as session:
            faces = [face for face in photo_faces.unsaid(session, job_id) if face.backbone_version == version]
        if not faces:
            return
        rows = np.stack([face.vector for face in faces])
        named = self._looker.name(rows, self._meant)
        if named.backbone_version != version:
            raise Unavailable("the backbone was replaced at this moment", code="models_changing")
        whose = {
            face.id: (made.person_id, made.score or 0.0)
            for face, made in zip(faces, named.decisions, strict=True)
            if made.status is Status.KNOWN and made.person_id is not None
        }
        scores = {face.id: made.score for face, made in zip(faces, named.decisions, strict=True)}
        unknown = [place for place, face in enumerate(faces) if face.id not in whose]
        meta = self._models.backbone(version)
        groups = people_among(rows[unknown], cohort.load(meta.name, meta.dim, meta.metric)).tolist()
        kept = rename(groups, [faces[place].stranger_id for place in unknown]).kept
        ids = {group: kept.get(group) or person.new_id() for group in set(groups)}
        strangers = {faces[place].id: ids[group] for place, group in zip(unknown, groups, strict=True)}
        self._change(job_id, lambda session, _: photos.settle(session, job_id, whose, strangers, scores))

    def _renew(self, job_id: str, version: int) -> None:
        with self._database.read() as session:
            old = [face.id for face in photo_faces.unsaid(session, job_id) if face.backbone_version != version]
        for start in range(0, len(old), _BATCH):
            with self._database.read() as session:
                crops = photo_faces.crops(session, old[start : start + _BATCH])
            vectors = self._looker.see_again(crops, version)

            def renew(session: Session, _: PhotoJob, vectors: dict = vectors) -> None:  # type: ignore[type-arg]
                photo_faces.renew(session, vectors, version)

            self._change(job_id, renew)

    def _write(self, job: PhotoJob) -> None:
        with self._database.read() as session:
            places = [keeping.place_of(region) for region in photos.regions(session, job.id)]
            held, _ = photos.files(session, job.id, broken=False, limit=10**9)
            files: dict[str, list[Place]] = {file.path: [] for file in held if file.digest is not None}
        for place in places:
            files[place.path].append(place)
        outcome = writing.Outcome()
        root = open_folder(allowed_folder(job.folder, self._settings.photo_folders))
        try:
            if Written.SIDECARS in job.wanted:
                writing.write_sidecars(root, files, outcome)
            crash_points.reached(crash_points.WRITING)
            links, table = Written.LINKS in job.wanted, Written.CSV in job.wanted
            if links or table:
                writing.write_results(root, places, outcome, links=links, table=table)
        finally:
            os.close(root)

        def tell(_: Session, held: PhotoJob) -> None:
            held.written = vars(outcome)

        self._change(job.id, tell)

    def _meant(self, labels: Collection[str]) -> dict[str, str]:
        with self._database.read() as session:
            return {label: known.id for label, known in people.meant(session, labels).items()}

    def _change(self, job_id: str, change: Callable[[Session, PhotoJob], T]) -> T:
        """Change something of the job that is ours, in one transaction.

        Raises:
            photos.JobLost: it is not ours any more.
        """
        return self._database.retry(lambda session: change(session, photos.step(session, job_id, self._owner)))

    def _patiently(self, job_id: str, work: Callable[[], T]) -> T:
        """Do what needs other parts; while one of them is away, wait, and show that we live."""
        while True:
            try:
                return work()
            except Unavailable as exc:
                _log.warning("photo job %s waits: %s", job_id, exc)
                if self._stop.wait(_WAIT_S) or self._is_orphan():
                    raise _Stopped from exc
            with suppress(Unavailable):
                self._change(job_id, lambda *_: None)

    def _fail(self, job_id: str, message: str, *, code: str) -> str:
        _log.warning("photo job %s failed: %s", job_id, message)
        with suppress(photos.JobLost):
            self._change(job_id, lambda _, held: photos.end(held, PhotoStage.FAILED, code=code, message=message))
        return "failed"


def run(job_id: str) -> str:
    """Sort photos in a process that is there for this job alone, as RQ makes it."""
    settings = Settings.from_env()
    stop, parent = threading.Event(), os.getppid()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    database = Database(settings.database_url)
    try:
        client = ServingClient(settings.serving_addr, timeout_s=settings.serving_timeout_s)
        models = Models(client)
        decoder = Decoder(ImageLimits(settings.max_image_bytes, settings.max_image_pixels))
        observer = Observer(detectors.create(settings.detector, settings.search_pixels))
        looker = Looker(decoder, observer, models, settings.max_faces)
        return Sorter(settings, database, models, looker, stop, lambda: os.getppid() != parent).sort(job_id)
    except FamiliarError as exc:
        Recorder(database, "photos").note("sorting", *recent_errors.told(exc))
        raise
    finally:
        database.close()
