"""A world around the gateway: a real database, fakes of Serving and the queue, and a trainer one can call."""

import io
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from flask.testing import FlaskClient
from openapi_judge import CheckingClient
from sqlalchemy.orm import Session

import tables
from fakes import FakeBackbone, FakeQueue, FakeServing, backbone_meta, head_meta, meta_dict
from familiar.knowing.embedding import class_mean
from familiar.knowing.head import Head
from familiar.records import enrollments, samples, trainings, versions
from familiar.records.engine import Database
from familiar.records.enrollment import EnrollmentStatus
from familiar.records.samples import StoredRow
from familiar.records.training import Stage
from familiar.records.versions import HeadStatus
from familiar.seeing.observation import Observer
from familiar.settings import Settings
from familiar_gateway.app import create_app
from familiar_gateway.services import Services, assemble
from familiar_gateway.threads import Threads

THRESHOLD = 0.75


@dataclass
class World:
    """The gateway, what it talks to, and a trainer one can call."""

    services: Services
    client: FlaskClient
    serving: FakeServing
    queue: FakeQueue

    @property
    def database(self) -> Database:
        """The real database."""
        return self.services.database

    def train(self) -> int:
        """Do what the trainer does: learn everybody enrolled, put the head into service, settle; return the version."""
        with self.database.write() as session:
            rows = samples.enrolled(session, max(self.serving.backbones))
            by_person: dict[str, list[np.ndarray]] = {}
            for row in rows:
                by_person.setdefault(row.person_id, []).append(row.vector)
            means = [class_mean(np.stack(vectors)) for vectors in by_person.values()]
            dim = self.serving.backbones[max(self.serving.backbones)].meta.dim
            prototypes = np.stack(means) if means else np.zeros((0, dim), np.float32)
            head = Head(tuple(by_person), prototypes, np.full(len(means), THRESHOLD, np.float32))
            version = self.publish(head, report=report_on(rows), session=session)
            waiting = [each.id for each in enrollments.queued(session)]
            enrollments.settle(session, waiting, EnrollmentStatus.LIVE, head_version=version)
            for training in trainings.recent(session):
                if not Stage(training.stage).ended:
                    training.head_version = version
                    trainings.end(training, Stage.LIVE)
        return version

    def publish(
        self, head: Head, *, backbone_version: int | None = None, report: dict[str, Any] | None = None,
        session: Session | None = None,
    ) -> int:  # fmt: skip
        """Put a head into service and into the database."""
        if session is None:
            with self.database.write() as opened:
                return self.publish(head, backbone_version=backbone_version, report=report, session=opened)
        backbone_version = backbone_version or max(self.serving.backbones)
        version = versions.issue(session, "head")
        meta = head_meta(head, backbone_version, THRESHOLD)
        versions.add_head(
            session, version, training_id=None, backbone_version=backbone_version, head=head, meta=meta_dict(meta),
            status=HeadStatus.PUBLISHED, report=report,
        )  # fmt: skip
        versions.go_live(session, version)
        self.serving.heads[version] = (head, meta)
        return version

    def enroll(self, name: str, pictures: list[bytes], **fields: str) -> dict[str, object]:
        """Enrol somebody in one shot and train."""
        answer = self.client.post("/v1/enroll", data={"name": name, "frames": files(pictures), **fields})
        assert answer.status_code == 202, answer.text
        self.train()
        return dict(answer.json)


def report_on(rows: Sequence[StoredRow]) -> dict[str, Any]:
    """Return a report as the trainer makes it: the first sample of each person is dropped, the next one is nearest."""
    first: dict[str, str] = {}
    for row in rows:
        first.setdefault(row.person_id, row.sample_id)
    ids = list(first)
    return {
        person_id: {
            "samples": sum(row.person_id == person_id for row in rows),
            "dropped": [{"sample": first[person_id], "reason": "like_strangers"}],
            "held_out": 6,
            "missed": 1,
            "nearest": ids[(place + 1) % len(ids)] if len(ids) > 1 else None,
            "similarity": 0.4321 if len(ids) > 1 else None,
            "weakest": {"direction": "up", "held_out": 3, "missed": 1, "margin": -0.0123} if place == 0 else None,
            "less_sure": "few_comparable" if place == 0 else None,
        }
        for place, person_id in enumerate(ids)
    }


def files(pictures: list[bytes]) -> list[tuple[io.BytesIO, str]]:
    """Return pictures as files of a form."""
    return [(io.BytesIO(data), f"{index}.jpg") for index, data in enumerate(pictures)]


def archive(pictures: list[bytes]) -> bytes:
    """Return a ZIP of pictures, in their order."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as made:
        for index, data in enumerate(pictures):
            made.writestr(f"{index:03}.jpg", data)
    return buffer.getvalue()


def settings_for(folder: Path, **changes: object) -> Settings:
    """Return settings that need no environment."""
    values: dict[str, object] = {"database_url": f"sqlite:///{folder}/familiar.db", "enroll_frames": 20, **changes}
    return Settings(**values)  # type: ignore[arg-type]


def create_world(folder: Path, observer: Observer, **changes: object) -> World:
    """Return a world in ``folder``, with settings changed; it begins with a head that knows nobody."""
    settings = settings_for(folder, **changes)
    database = Database(settings.database_url, connections=Threads.of(settings.threads).all)
    tables.lay(database)
    serving, queue = FakeServing(), FakeQueue()
    serving.backbones[1] = FakeBackbone(backbone_meta())
    services = assemble(settings, database=database, queue=queue, serving=serving, observer=observer)
    app = create_app(services)
    app.test_client_class = CheckingClient
    world = World(services, app.test_client(), serving, queue)
    with database.write() as session:
        versions.add_backbone(session, versions.issue(session, "backbone"), meta_dict(backbone_meta()))
    world.publish(Head.empty(backbone_meta().dim))
    return world


MakeWorld = Callable[..., World]
