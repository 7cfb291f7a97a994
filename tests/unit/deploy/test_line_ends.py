"""A checkout as Windows makes it, with CRLF wherever it may: what runs on Linux still runs."""

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
BINARY = (".npz", ".png", ".tflite", ".webp")


def git(*arguments: str, cwd: Path = ROOT) -> str:
    done = subprocess.run(["git", *arguments], cwd=cwd, capture_output=True, text=True, timeout=120, check=True)
    return done.stdout


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a clone of what is tracked, with CRLF wherever the project does not say otherwise."""
    if shutil.which("git") is None or not (ROOT / ".git").exists():
        pytest.skip("this is no checkout")
    origin, clone = tmp_path_factory.mktemp("origin"), tmp_path_factory.mktemp("windows") / "familiar"
    for name in git("ls-files", "-z").split("\0")[:-1]:
        if (ROOT / name).exists():
            (origin / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, origin / name)
    git("init", "--quiet", cwd=origin)
    git("add", "--all", "--force", cwd=origin)
    git("-c", "user.name=a", "-c", "user.email=a@localhost", "commit", "--quiet", "-m", "all", cwd=origin)
    git("clone", "--quiet", "-c", "core.autocrlf=true", "-c", "core.eol=crlf", str(origin), str(clone), cwd=origin)
    return clone


def test_no_text_has_other_line_ends_and_nothing_else_was_changed(checkout: Path) -> None:
    names = git("ls-files", "-z", cwd=checkout).split("\0")[:-1]
    assert len(names) > 100
    for name in names:
        assert (checkout / name).read_bytes() == (ROOT / name).read_bytes(), name
        assert name.endswith(BINARY) or b"\r\n" not in (checkout / name).read_bytes(), name


def run(script: Path, *arguments: str, given: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [script, *arguments], input=given, capture_output=True, text=True, timeout=60, cwd=script.parent
    )


def test_the_scripts_of_deploy_run(checkout: Path, tmp_path: Path) -> None:
    deploy = checkout / "deploy"
    made = run(deploy / "compose" / "make-secrets", str(tmp_path / "secrets"))
    assert made.returncode == 0, made.stderr
    assert list((tmp_path / "secrets").iterdir())
    for script in (deploy / "backup", deploy / "restore"):
        said = run(script)
        assert said.returncode == 2 and "file" in said.stderr, said.stderr
    said = run(deploy / "compose" / "to-stack", given='{"services": {}, "networks": {}}')
    assert said.returncode == 0 and "services" in said.stdout, said.stderr
