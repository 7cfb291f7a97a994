"""What was put right, and what was deleted and still has traces."""

from typing import Any

from sqlalchemy import JSON, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from familiar.records.schema.base import ID, WORD, Base


class Correction(Base):
    """What somebody put right, and whether that was undone; ``number`` counts them.

    The ``samples``, so many, were those of ``person_id`` (None: they came with an enrolment) and went to
    ``to_person_id`` (None: to nobody), where ``enrollment_id`` holds them. ``before`` is what has to be known to undo
    it beside the former owners. It goes when the correction is ``final``: when the time is over, or what it is
    about was deleted.
    """

    __tablename__ = "corrections"
    number: Mapped[int] = mapped_column(primary_key=True)
    id: Mapped[str] = mapped_column(ID, unique=True)
    kind: Mapped[str] = mapped_column(WORD)
    person_id: Mapped[str | None] = mapped_column(ID, index=True)
    to_person_id: Mapped[str | None] = mapped_column(ID, index=True)
    enrollment_id: Mapped[str | None] = mapped_column(ID)
    samples: Mapped[int]
    key_id: Mapped[str | None] = mapped_column(ID)
    address: Mapped[str | None] = mapped_column(String(64))
    created_at: Mapped[float]
    undoable_until: Mapped[float]
    undone_at: Mapped[float | None]
    undone_by: Mapped[str | None] = mapped_column(ID)
    final: Mapped[bool] = mapped_column(default=False)
    before: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))


class FormerOwner(Base):
    """Whose a sample was before a correction, or before one was undone (then without ``correction_id``), and where.

    Head versions from the first to the last one may have been made of it as theirs.
    """

    __tablename__ = "former_owners"
    id: Mapped[int] = mapped_column(primary_key=True)
    sample_id: Mapped[str] = mapped_column(ID, ForeignKey("samples.id", ondelete="CASCADE"), index=True)
    correction_id: Mapped[str | None] = mapped_column(ID, index=True)
    person_id: Mapped[str] = mapped_column(ID)
    enrollment_id: Mapped[str] = mapped_column(ID, index=True)
    position: Mapped[int]
    first_version: Mapped[int]
    last_version: Mapped[int]


class Erasure(Base):
    """A person, a capture or a sample that was deleted and still has traces; gone when these are.

    ``in_heads`` tells whether heads may have been made of it, so that there is more to do than to clean the files.
    """

    __tablename__ = "erasures"
    id: Mapped[str] = mapped_column(ID, primary_key=True)
    created_at: Mapped[float]
    in_heads: Mapped[bool]
