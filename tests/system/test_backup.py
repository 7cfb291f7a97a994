"""Backup and restore, by the two commands that docs/operations.md names."""

from pathlib import Path

import engine
import people
from stack import Stack


def test_a_restored_backup_brings_back_whom_it_knew_and_nobody_else(ready: Stack, collins: str, tmp_path: Path) -> None:
    file = tmp_path / "familiar.backup"
    engine.run("deploy/backup", str(file), env=ready.environment)
    assert file.stat().st_mode & 0o077 == 0
    opened = ready.post("/v1/enrollments", json={"name": people.HOPPER}).json()["id"]
    for frame in people.frames(people.HOPPER, 14):
        ready.post(f"/v1/enrollments/{opened}/frames", content=frame, headers={"Content-Type": "image/jpeg"})
    ready.post(f"/v1/enrollments/{opened}/finish")
    ready.wait_live(opened)
    assert ready.delete(f"/v1/people/{collins}").status_code < 300
    assert ready.names(people.frames(people.HOPPER, 1, seed=8)[0]) == [people.HOPPER]

    engine.run("deploy/restore", str(file), env=ready.environment)
    ready.wait_ready()
    assert [each["name"] for each in ready.get("/v1/people").json()["people"]] == [people.COLLINS]
    assert ready.names(people.frames(people.COLLINS, 1, seed=8)[0]) == [people.COLLINS]
    assert ready.names(people.frames(people.HOPPER, 1, seed=8)[0]) == [None]
