"""Tables for an empty database: those of SQLite are made by the migrations once, and copied from then on."""

import os
import tempfile
from functools import cache
from pathlib import Path

from familiar.records.engine import Database
from familiar.records.migrate import migrate


def lay(database: Database) -> None:
    """Give a database its tables; migrating takes a tenth of a second, and thousands of tests need an empty one."""
    if database.file is None or database.file.exists():
        migrate(database)
        return
    with open(database.file, "xb", opener=lambda path, flags: os.open(path, flags, mode=0o600)) as file:
        file.write(_made())


@cache
def _made() -> bytes:
    """Return the file of a database that has its tables and nothing in them."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "familiar.db"
        database = Database(f"sqlite:///{file}")
        migrate(database)
        database.close()  # which leaves all in this one file
        return file.read_bytes()
