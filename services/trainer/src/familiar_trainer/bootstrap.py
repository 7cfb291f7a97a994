"""Bootstrap, before Serving starts: tables, backbone and a first head that knows nobody; safe to run again.

``python -m familiar_trainer.bootstrap``. What ought to be there is recorded first and exported afterwards, so that a
bootstrap which broke off is completed by the next one.
"""

import logging
import sys
from collections.abc import Callable
from datetime import UTC, datetime

from sqlalchemy.orm import Session

from familiar.errors import FamiliarError
from familiar.knowing import Head
from familiar.learning import Gallery
from familiar.records import Database, HeadStatus, migrate, trainings, versions
from familiar.servable import BACKBONE, HEAD, BackboneMeta, HeadMeta
from familiar.settings import Settings
from familiar_trainer import backbone_shelf, backbones
from familiar_trainer.export.gate import Gate
from familiar_trainer.export.publish import ModelFolder
from familiar_trainer.export.savedmodel import META_FILE
from familiar_trainer.scratch import SCRATCH, temporary_files_in
from familiar_trainer.shelf import HeadShelf

_log = logging.getLogger(__name__)


def bootstrap(settings: Settings, database: Database) -> None:
    """Bring tables, backbone and head to the state in which Serving can start.

    Raises:
        FamiliarError: something is missing that only an operator can provide; the message says what.
    """
    migrate.migrate(database)
    backbone = backbones.named_by(settings)
    backbone_folder = ModelFolder(settings.models_dir / BACKBONE)
    head_folder = ModelFolder(settings.models_dir / HEAD)
    version = database.retry(_recording_backbone(backbone.meta, backbone_folder))
    database.retry(_recording_first_head(version, backbone.meta.dim, settings.far_target, head_folder))
    with database.read() as session:
        live = versions.live_head(session)
    backbone_missing = version not in backbone_folder.versions()
    head_missing = live is not None and live.version not in head_folder.versions()
    if backbone_missing or head_missing:
        with Gate() as gate:  # it takes seconds to start, so only if there is something to export
            if backbone_missing:
                backbone_shelf.put(backbone, backbone_folder, version, gate)
            HeadShelf(database, head_folder, gate, settings.keep_versions).restore()
    _log.info("backbone %d is %s; head %s is live", version, backbone.meta.name, live.version if live else "none")


def _recording_backbone(meta: BackboneMeta, folder: ModelFolder) -> Callable[[Session], int]:
    """Return the version of the newest backbone if it is this one, else record it as a new one and ask for its head."""
    on_disk = {version: _published_meta(folder, version) for version in folder.versions()}

    def record(session: Session) -> int:
        newest = next(iter(versions.backbones(session)), None)
        if newest is not None and backbone_shelf.is_same(newest, meta) and on_disk.get(newest.version, meta) == meta:
            return newest.version
        version = versions.issue(session, BACKBONE, floor=folder.next_version() - 1)
        versions.add_backbone(session, version, meta.to_dict())
        if versions.live_head(session) is not None:
            trainings.ask(session, backbone_version=version)
            _log.info("backbone %d is new: everybody's crops will be embedded by it before it serves", version)
        return version

    return record


def _published_meta(folder: ModelFolder, version: int) -> BackboneMeta | None:
    try:
        return BackboneMeta.from_json((folder.path(version) / META_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def _recording_first_head(
    backbone_version: int, dim: int, far_target: float, folder: ModelFolder
) -> Callable[[Session], None]:
    """Record the head that knows nobody, as the live one, if there is no other."""

    def record(session: Session) -> None:
        if versions.live_head(session) is not None:
            return
        meta = HeadMeta(
            backbone_version=backbone_version,
            dim=dim,
            threshold=1.0,
            data_digest=Gallery.from_rows(()).digest(),
            far_target=far_target,
            people=0,
            samples=0,
            created_at=datetime.now(UTC).isoformat(timespec="seconds"),
        )
        version = versions.issue(session, HEAD, floor=folder.next_version() - 1)
        versions.add_head(
            session,
            version,
            training_id=None,
            backbone_version=backbone_version,
            head=Head.empty(dim),
            meta=meta.to_dict(),
            status=HeadStatus.PUBLISHED,
        )
        versions.go_live(session, version)

    return record


def main() -> int:
    """Bootstrap as the environment says; the exit status tells whether it worked."""
    try:
        settings = Settings.from_env()
        logging.basicConfig(level=settings.log_level, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
        database = Database(settings.database_url)
        with temporary_files_in(settings.models_dir / SCRATCH):
            bootstrap(settings, database)
        database.close()
    except FamiliarError as exc:
        print(f"familiar-bootstrap: {exc}", file=sys.stderr)
        return 1
    except OSError as exc:
        print(f"familiar-bootstrap: {exc.filename or settings.models_dir}: {exc.strerror}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
