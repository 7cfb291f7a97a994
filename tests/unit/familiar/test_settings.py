"""Settings come from the environment, and a bad one names itself."""

from pathlib import Path

import pytest

from familiar.errors import MisconfiguredError
from familiar.settings import Settings

ROOT = Path(__file__).parents[3]


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


def test_the_port_for_https_is_another_than_that_for_http():
    taken = {"GATEWAY_PORT": "8443", "HTTPS_PORT": "8443"}
    assert Settings.from_env(taken).https == 0  # nobody listens there
    with pytest.raises(MisconfiguredError, match="HTTPS_PORT=8443: must be another than GATEWAY_PORT"):
        Settings.from_env({**taken, "HTTPS": "1"})
    with pytest.raises(MisconfiguredError, match="HTTPS"):
        Settings.from_env({"HTTPS": "yes"})
