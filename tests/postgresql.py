"""A PostgreSQL for tests: the one that TEST_POSTGRES_URL names, or one of our own where its programs are installed."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

GIVEN = "TEST_POSTGRES_URL"
_DEBIANS = Path("/usr/lib/postgresql")
_USER = "postgres"
_QUICKLY = "-F -c full_page_writes=off -c listen_addresses="


def available() -> bool:
    """Whether tests may run on PostgreSQL."""
    return find_spec("psycopg") is not None and (GIVEN in os.environ or _programs() is not None)


@contextmanager
def started() -> Iterator[str]:
    """Give the URL of an empty database; one of our own is reached over a socket, and gone afterwards."""
    if GIVEN in os.environ:
        yield os.environ[GIVEN]
        return
    programs = _programs()
    assert programs is not None
    with tempfile.TemporaryDirectory(prefix="postgresql-", dir="/tmp") as folder:
        as_root = os.geteuid() == 0  # which PostgreSQL refuses to run as; its package brings a user
        if as_root:
            shutil.chown(folder, _USER)

        def run(*command: str) -> None:
            program = [programs / command[0], *command[1:]]
            log = Path(folder) / "log"
            with log.open("ab") as output:
                done = subprocess.run(
                    program, cwd=folder, stdout=output, stderr=output, timeout=60, user=_USER if as_root else None
                )
            assert done.returncode == 0, f"{command} failed:\n{log.read_text()}"

        data = f"{folder}/data"
        run("initdb", "-D", data, "-U", _USER, "-A", "trust", "-E", "UTF8", "--no-sync")
        run("pg_ctl", "-D", data, "-w", "-o", f"{_QUICKLY} -k {folder}", "start")
        try:
            yield f"postgresql+psycopg://{_USER}@/{_USER}?host={folder}"
        finally:
            run("pg_ctl", "-D", data, "-w", "-m", "immediate", "stop")


def _programs() -> Path | None:
    """Return the folder of PostgreSQL's programs: on PATH, or where Debian puts them."""
    found = shutil.which("initdb")
    folders = [Path(found).parent] if found else sorted(_DEBIANS.glob("*/bin"), key=lambda path: int(path.parent.name))
    return folders[-1] if folders else None
