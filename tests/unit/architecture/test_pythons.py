"""One range of Pythons for all services, and an environment that belongs to another one is noticed."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from architecture.rooms import ROOT

PYTHONS = ">=3.11,<3.14"


@pytest.mark.parametrize("project", sorted(ROOT.glob("services/*/pyproject.toml")), ids=lambda path: path.parent.name)
def test_every_service_runs_on_the_same_pythons(project: Path) -> None:
    assert tomllib.loads(project.read_text())["project"]["requires-python"] == PYTHONS


@pytest.mark.parametrize("file", sorted(ROOT.glob("[ds]*/*/Dockerfile")), ids=lambda path: path.parent.name)
def test_an_images_python_is_named_once(file: Path) -> None:
    named = re.findall(r"python3?[:.]?3\.\d+\S*", file.read_text())
    assert named in ([], ["python:3.11-slim-bookworm"])


@pytest.fixture
def make(tmp_path: Path):
    if shutil.which("make") is None:
        pytest.skip("there is no make")
    shutil.copy(ROOT / "Makefile", tmp_path)

    # A make that runs these tests would have the other one speak of folders, too.
    alone = {name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS")}

    def run(*arguments: str) -> str:
        done = subprocess.run(["make", *arguments], cwd=tmp_path, capture_output=True, text=True, timeout=60, env=alone)
        return "fits" if done.returncode == 0 else done.stdout

    return run


def test_this_python_fits(make) -> None:
    assert make("fitting-python", f"PYTHON={sys.executable}") == "fits"


def test_another_python_than_those_is_refused(make, tmp_path: Path) -> None:
    old = tmp_path / "python"
    old.write_text("#!/bin/sh\ncase $2 in *print*) echo 3.10;; *) exit 1;; esac\n")
    old.chmod(0o755)
    assert make("fitting-python", f"PYTHON={old}") == f"Python 3.11, 3.12 or 3.13 is needed, and {old} is 3.10\n"


def test_an_environment_of_another_python_is_noticed(make, tmp_path: Path) -> None:
    (tmp_path / ".venv").mkdir()
    (tmp_path / ".venv" / "pyvenv.cfg").write_text("home = /usr/bin\nversion = 3.9.2\n")
    said = make("fitting-python", f"PYTHON={sys.executable}")
    assert ".venv was made with Python 3.9" in said
    assert "make clean" in said
