"""Backup and restore, by the two commands that docs/operations.md names."""

from pathlib import Path

import engine
import enrolling
import people
from stack import Stack


def test_a_restored_backup_brings_back_whom_it_knew_and_nobody_else(ready: Stack, collins: str, tmp_path: Path) -> None:
    file = tmp_path / "familiar.backup"
    engine.run("deploy/backup", str(file), env=ready.environment)
    assert file.stat().st_mode & 0o077 == 0
    opened = enrolling.capture(ready, {"name": people.HOPPER}, people.frames(people.HOPPER, 20))
    assert enrolling.ended(ready, opened) == "live"
    assert ready.delete(f"/v1/people/{collins}").status_code < 300
    assert ready.names(people.frames(people.HOPPER, 1, seed=8)[0]) == [people.HOPPER]

    engine.run("deploy/restore", str(file), env=ready.environment)
    ready.wait_ready()
    assert [each["name"] for each in ready.get("/v1/people").json()["people"]] == [people.COLLINS]
    assert ready.names(people.frames(people.COLLINS, 1, seed=8)[0]) == [people.COLLINS]
    assert ready.names(people.frames(people.HOPPER, 1, seed=8)[0]) == [None]
