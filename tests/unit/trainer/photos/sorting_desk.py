"""Somebody who sorts folders of pictures of two people, in the process of the test."""

import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np

from fakes import FakeBackbone, FakeServing, backbone_meta, head_meta, meta_dict
from familiar.knowing import Head
from familiar.photos import Looker
from familiar.records import Database, Written, people, photo_faces, photos, versions
from familiar.records.migrate import migrate
from familiar.seeing import Decoder, Frame, ImageLimits, Observer, detectors, encode_jpeg
from familiar.serving import Models
from familiar.settings import Settings
from familiar_trainer.photos.sorting import Sorter


class CountingObserver(Observer):
    """The real one, which counts how often it was asked; ``before`` is called first."""

    looked = 0
    before: Callable[[], None] = staticmethod(lambda: None)

    def observe(self, frame, chip_px, max_faces):
        self.looked += 1
        self.before()
        return super().observe(frame, chip_px, max_faces)


class Desk:
    """Somebody who sorts, and all they need."""

    def __init__(self, folder: Path) -> None:
        self.photos = folder / "photos"
        self.photos.mkdir(parents=True)
        self.database = Database(f"sqlite:///{folder / 'familiar.db'}")
        migrate(self.database)
        self.serving = FakeServing({1: FakeBackbone(backbone_meta())})
        with self.database.write() as session:
            versions.add_backbone(session, versions.issue(session, "backbone"), meta_dict(backbone_meta()))
        self.know({})
        self.observer = CountingObserver(detectors.create("yunet"))
        self.settings = Settings(photos_dirs=str(self.photos))
        self.stop = threading.Event()

    def know(self, whom: dict[str, np.ndarray]) -> None:
        """Put a head into service that knows these people by one vector each."""
        rows = np.stack(list(whom.values())) if whom else np.zeros((0, 32), np.float32)
        head = Head(tuple(whom), rows, np.full(len(whom), 0.8, np.float32))
        self.serving.heads[max(self.serving.heads, default=0) + 1] = (head, head_meta(head))

    def ask(self, folder: str = "", *wanted: Written) -> str:
        return self.database.retry(
            lambda session: photos.add(session, folder or str(self.photos), uploaded=False, wanted=wanted).id
        )

    def sort(self, job_id: str) -> str:
        models = Models(self.serving)
        looker = Looker(Decoder(ImageLimits()), self.observer, models, 100)
        return Sorter(self.settings, self.database, models, looker, self.stop).sort(job_id)

    def told(self, job_id: str) -> photos.Summary:
        with self.database.read() as session:
            return photos.summary(session, job_id)

    def groups(self, job_id: str) -> tuple[list[tuple[str | None, int]], list[int]]:
        with self.database.read() as session:
            named = [(group.name, group.faces) for group in photo_faces.people(session, job_id)]
            return named, [group.faces for group in photo_faces.strangers(session, job_id)]

    def broken(self, job_id: str) -> dict[str, str | None]:
        with self.database.read() as session:
            return {file.path: file.code for file in photos.files(session, job_id, broken=True)[0]}

    def person(self, name: str) -> str:
        def add(session):
            person = people.add(session, name)
            person.enrolled = True
            return person.id

        return self.database.retry(add)


def shades(frame: Frame, count: int) -> list[bytes]:
    """The same picture in different light."""
    return [encode_jpeg(np.clip(frame * (1 - 0.03 * at), 0, 255).astype(np.uint8)) for at in range(count)]


def fill(desk: Desk, ada: Frame, grace: Frame) -> None:
    (desk.photos / "2024" / "may").mkdir(parents=True)
    for at, data in enumerate(shades(ada, 3)):
        (desk.photos / f"a{at}.jpg").write_bytes(data)
    for at, data in enumerate(shades(grace, 2)):
        (desk.photos / "2024" / "may" / f"g{at}.JPG").write_bytes(data)
    (desk.photos / "2024" / "copy.jpg").write_bytes(shades(ada, 1)[0])
    (desk.photos / "broken.jpg").write_bytes(b"\xff\xd8\xff no picture")
    (desk.photos / "empty.png").write_bytes(b"")
    (desk.photos / "text.txt").write_text("no picture")
