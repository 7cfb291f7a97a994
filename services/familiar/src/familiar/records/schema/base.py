"""What all tables share."""

from sqlalchemy import String
from sqlalchemy.orm import DeclarativeBase

ID = String(32)
WORD = String(32)


class Base(DeclarativeBase):
    """Base of all tables."""
