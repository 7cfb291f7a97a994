"""Who is let in, and who did what."""

from sqlalchemy import JSON, ForeignKey, Index, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from familiar.records.schema.base import ID, WORD, Base


class AccessKey(Base):
    """What somebody is let in by: a secret, of which the ``digest`` is kept, or a password, of which a slow hash is.

    Of all that are not revoked the database admits one of each name. ``camera`` is the one that the key is bound to.
    """

    __tablename__ = "access_keys"
    id: Mapped[str] = mapped_column(ID, primary_key=True)
    name: Mapped[str] = mapped_column(Text)
    digest: Mapped[str | None] = mapped_column(String(64), unique=True)
    password: Mapped[str | None] = mapped_column(Text)
    scopes: Mapped[list[str]] = mapped_column(JSON)
    camera: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[float]
    used_at: Mapped[float | None]
    expires_at: Mapped[float | None]
    revoked_at: Mapped[float | None]


class AccessSession(Base):
    """A page that has signed in with a key; of its token the ``digest`` is kept."""

    __tablename__ = "access_sessions"
    digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    key_id: Mapped[str] = mapped_column(ID, ForeignKey("access_keys.id"), index=True)
    created_at: Mapped[float]
    expires_at: Mapped[float]


class AuditEntry(Base):
    """One line of who did what; the database refuses to change any, and to delete one of the last 30 days."""

    __tablename__ = "audit"
    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[float] = mapped_column(index=True)
    key_id: Mapped[str | None] = mapped_column(ID)
    address: Mapped[str | None] = mapped_column(String(64))
    action: Mapped[str] = mapped_column(WORD)
    target: Mapped[str | None] = mapped_column(ID)


_IN_FORCE = text("revoked_at IS NULL")
Index(
    "ix_access_keys_one_of_a_name",
    AccessKey.name,
    unique=True,
    sqlite_where=_IN_FORCE,
    postgresql_where=_IN_FORCE,
)
