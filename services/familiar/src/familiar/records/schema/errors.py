"""What went wrong of late."""

from sqlalchemy import String, Text
from sqlalchemy.orm import Mapped, mapped_column

from familiar.records.schema.base import WORD, Base


class RecentError(Base):
    """Something that went wrong of late, all of its ``kind`` together, see ``familiar.records.recent_errors``."""

    __tablename__ = "recent_errors"
    kind: Mapped[str] = mapped_column(String(64), primary_key=True)
    part: Mapped[str] = mapped_column(WORD)
    place: Mapped[str] = mapped_column(Text)
    code: Mapped[str] = mapped_column(WORD)
    message: Mapped[str] = mapped_column(Text)
    request_id: Mapped[str | None] = mapped_column(String(64))
    times: Mapped[int]
    first_at: Mapped[float]
    last_at: Mapped[float] = mapped_column(index=True)
