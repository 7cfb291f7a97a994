"""The rules on names, ids, settings, stages and imports."""

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

import familiar
from familiar import errors, person
from familiar.enrollment import EnrollmentStatus, status_of
from familiar.errors import FamiliarError, InvalidInput, MisconfiguredError
from familiar.jobs import Stage
from familiar.servable import BackboneMeta, HeadMeta
from familiar.settings import Settings

ROOT = Path(__file__).parents[3]
PACKAGE = Path(familiar.__file__).parent
FRAMEWORKS = {"flask", "redis", "rq", "grpc", "sqlalchemy", "alembic", "tensorflow", "keras", "google"}


DOMAIN = sorted(path for path in PACKAGE.glob("*.py") if path.stem != "queueing")


@pytest.mark.parametrize("module", DOMAIN, ids=lambda path: path.stem)
def test_the_domain_knows_no_framework(module: Path) -> None:
    tree = ast.parse(module.read_text())
    imports = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    imports |= {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    adapters = {f"familiar.{name}" for name in ("database", "detectors", "serving", "wire", "queueing")}
    assert not {name for name in imports if name.split(".")[0] in FRAMEWORKS}
    assert not {name for name in imports if any(name == a or name.startswith(a + ".") for a in adapters)}


def test_the_library_never_brings_in_tensorflow() -> None:
    code = (
        "import sys, pkgutil, importlib, familiar;"
        "[importlib.import_module(m.name) for m in pkgutil.walk_packages(familiar.__path__, 'familiar.')"
        " if 'migrations' not in m.name];"
        "assert 'tensorflow' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ("Ada", "Ada"),
        ("  Ada   Lovelace ", "Ada Lovelace"),
        ("José", "José"),
        ("Ægir Ó'Súilleabháin-Müller", "Ægir Ó'Súilleabháin-Müller"),
        ("李小龍", "李小龍"),
        ("مهدی\u200cزاده", "مهدی\u200cزاده"),
        ("x" * 80, "x" * 80),
    ],
)
def test_a_name_is_trimmed_and_composed(given: str, name: str) -> None:
    assert person.clean_name(given) == name


@pytest.mark.parametrize(
    "given", ["", "   ", "x" * 81, "a\x00b", "a\nb", "a\tb", "\u202eadA", "a\ud800", "\ue000", 7, None, ["Ada"], b"Ada"]
)
def test_a_name_that_is_none_is_refused(given: object) -> None:
    with pytest.raises(InvalidInput) as caught:
        person.clean_name(given)
    assert caught.value.code == "invalid_name"


def test_ids_have_one_form() -> None:
    assert person.check_id(person.new_id(), "person")
    for bad in ("", "1", "../../etc/passwd", "A" * 32, "g" * 32, "0" * 33):
        with pytest.raises(InvalidInput, match="person"):
            person.check_id(bad, "person")


def test_settings_come_from_the_environment() -> None:
    settings = Settings.from_env(
        {"GATEWAY_PORT": "9000", "FAR_TARGET": "0.01", "MODELS_DIR": "/models", "BACKBONE": ""}
    )
    assert (settings.port, settings.far_target, settings.models_dir) == (9000, 0.01, Path("/models"))
    assert settings.backbone == "face_resnet"


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("GATEWAY_PORT", "http"),
        ("GATEWAY_PORT", "70000"),
        ("FAR_TARGET", "0"),
        ("FAR_TARGET", "nan"),
        ("LOG_LEVEL", "loud"),
        ("KEEP_VERSIONS", "1"),
    ],
)
def test_a_setting_that_cannot_be_used_is_named(variable: str, value: str) -> None:
    with pytest.raises(MisconfiguredError, match=variable):
        Settings.from_env({variable: value})


def test_a_secret_may_stand_in_a_file(tmp_path: Path) -> None:
    secret = tmp_path / "url"
    secret.write_text("postgresql+psycopg://x:y@z/familiar\n")
    assert Settings.from_env({"DATABASE_URL_FILE": str(secret)}).database_url == "postgresql+psycopg://x:y@z/familiar"
    assert (
        Settings.from_env({"DATABASE_URL": "sqlite://", "DATABASE_URL_FILE": str(secret)}).database_url == "sqlite://"
    )
    with pytest.raises(MisconfiguredError, match="DATABASE_URL_FILE"):
        Settings.from_env({"DATABASE_URL_FILE": str(tmp_path / "absent")})


def test_every_setting_is_in_the_example_file() -> None:
    example = (ROOT / ".env.example").read_text()
    missing = [env for env, _, _ in Settings.describe() if f"\n#{env}=" not in example and f"\n{env}=" not in example]
    assert not missing


def test_every_error_has_a_code_of_its_own_and_says_whether_to_retry() -> None:
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, FamiliarError)]
    assert len({kind.code for kind in kinds}) == len(kinds)
    assert all(issubclass(kind, errors.Unavailable) == kind.retryable for kind in kinds)


def test_an_enrolment_shows_the_stage_of_its_training_until_that_has_ended() -> None:
    assert status_of(EnrollmentStatus.CAPTURING, None) is EnrollmentStatus.CAPTURING
    assert status_of(EnrollmentStatus.QUEUED, Stage.LOADING) is EnrollmentStatus.LOADING
    assert status_of(EnrollmentStatus.QUEUED, Stage.FAILED) is EnrollmentStatus.QUEUED
    assert status_of(EnrollmentStatus.LIVE, Stage.TRAINING) is EnrollmentStatus.LIVE


def test_metadata_survives_json_and_newer_fields() -> None:
    meta = HeadMeta(1, 128, 0.9, "abc", 0.001, 3, 90, "2026-01-01T00:00:00Z", {"fnir": 0.01})
    text = json.dumps({**json.loads(meta.to_json()), "later": 1})
    assert HeadMeta.from_json(text) == meta
    for bad in ("[]", "{}", "nonsense"):
        with pytest.raises(ValueError):
            BackboneMeta.from_json(bad)
