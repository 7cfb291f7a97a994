"""Trainings, the versions of head and backbone that came of them, and what strangers of the site taught."""

from typing import Any

from sqlalchemy import JSON, ForeignKey, LargeBinary, String, Text
from sqlalchemy.orm import Mapped, deferred, mapped_column

from familiar.records.schema.base import ID, WORD, Base


class Training(Base):
    """One making of a head: asked for, under way, or ended.

    ``lease_until`` is by the clock of ``lease_owner``, and a sign of life by being renewed; without an owner it is how
    long the training had better be left alone.
    """

    __tablename__ = "trainings"
    id: Mapped[str] = mapped_column(ID, primary_key=True)
    kind: Mapped[str] = mapped_column(WORD)
    stage: Mapped[str] = mapped_column(WORD, index=True)
    backbone_version: Mapped[int | None]
    source_version: Mapped[int | None]
    head_version: Mapped[int | None]
    error_code: Mapped[str | None] = mapped_column(WORD)
    error_message: Mapped[str | None] = mapped_column(Text)
    attempts: Mapped[int] = mapped_column(default=0)
    lease_owner: Mapped[str | None] = mapped_column(String(100))
    lease_until: Mapped[float | None]
    created_at: Mapped[float]
    started_at: Mapped[float | None]
    ended_at: Mapped[float | None]


class HeadVersion(Base):
    """One version of the head, its weights and what is known of it; ``report`` is that by person id.

    What grows with the people is read only where it is asked for, and while the session is open.
    """

    __tablename__ = "head_versions"
    version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    training_id: Mapped[str | None] = mapped_column(ID, ForeignKey("trainings.id"), index=True)
    backbone_version: Mapped[int]
    status: Mapped[str] = mapped_column(WORD, index=True)
    meta: Mapped[dict[str, Any]] = mapped_column(JSON)
    person_ids: Mapped[list[str]] = mapped_column(JSON, deferred=True)
    weights: Mapped[bytes | None] = deferred(mapped_column(LargeBinary))
    report: Mapped[dict[str, Any] | None] = deferred(mapped_column(JSON(none_as_null=True)))
    created_at: Mapped[float]
    live_at: Mapped[float | None]


class BackboneVersion(Base):
    """One version of the backbone."""

    __tablename__ = "backbone_versions"
    version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    meta: Mapped[dict[str, Any]] = mapped_column(JSON)
    created_at: Mapped[float]


class IssuedVersion(Base):
    """The greatest version number ever given out, by servable, so that none is used twice."""

    __tablename__ = "issued_versions"
    servable: Mapped[str] = mapped_column(WORD, primary_key=True)
    version: Mapped[int]


class TaintedVersion(Base):
    """A version of the head that was made of something deleted since; gone when nothing of its weights is left."""

    __tablename__ = "tainted_versions"
    version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)


class SiteCorrection(Base):
    """What strangers before the site's own camera taught: how thresholds have to move, and what that rests on.

    There is one at most; of the strangers' faces nothing is kept.
    """

    __tablename__ = "site_corrections"
    id: Mapped[str] = mapped_column(ID, primary_key=True)
    backbone_version: Mapped[int]
    numbers: Mapped[dict[str, Any]] = mapped_column(JSON)
    audit: Mapped[dict[str, Any]] = mapped_column(JSON)
    created_at: Mapped[float]
