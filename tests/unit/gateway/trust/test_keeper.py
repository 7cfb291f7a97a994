"""There is a good certificate today and tomorrow, for what this host is called then."""

import logging
import stat
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509

from familiar.errors import MisconfiguredError
from familiar.settings import Settings
from familiar_gateway.trust import keeper, names
from familiar_gateway.trust.authority import CERTIFICATE_LIFE
from familiar_gateway.trust.keeper import Keeper

START = datetime.now(UTC).replace(microsecond=0)


class Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(
        host="0.0.0.0", https_names="familiar.lan", authority_dir=tmp_path / "a", certificates_dir=tmp_path / "c"
    )


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def addresses(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What this machine is called and can be reached by, for a test to change."""
    found = ["localhost", "127.0.0.1", "door.local", "192.168.7.3"]
    monkeypatch.setattr(names, "own", lambda _listens_on: list(found))
    return found


def shown(settings: Settings) -> x509.Certificate:
    return x509.load_pem_x509_certificate(settings.certificate_file.read_bytes())


def test_a_certificate_is_made_once_and_is_for_nobody_else_to_read(settings: Settings, clock: Clock) -> None:
    first = Keeper(settings, clock)
    assert stat.S_IMODE(settings.certificate_file.stat().st_mode) == 0o600
    before = shown(settings)
    assert not first.keep() and not Keeper(settings, clock).keep() and shown(settings) == before
    assert settings.root_file.read_bytes() == first.authority.root_pem
    assert sorted(path.name for path in settings.certificates_dir.iterdir()) == ["root.pem", "server.pem"]


def test_it_is_renewed_before_it_ends_and_not_long_before(
    settings: Settings, clock: Clock, addresses: list[str]
) -> None:
    its = Keeper(settings, clock)
    first = shown(settings)
    clock.now = START + CERTIFICATE_LIFE / 3 * 2 - timedelta(seconds=1)
    assert not its.keep()
    clock.now += timedelta(seconds=1)
    assert its.keep() and not its.keep()
    assert shown(settings).not_valid_after_utc == clock.now + CERTIFICATE_LIFE
    assert shown(settings).public_key() != first.public_key()
    clock.now += timedelta(days=900)  # a machine that was off
    assert Keeper(settings, clock).authority.root == its.authority.root
    assert shown(settings).not_valid_after_utc == clock.now + CERTIFICATE_LIFE


def test_a_clock_that_was_wrong_and_is_set_gets_a_certificate_that_holds(
    settings: Settings, clock: Clock, addresses: list[str]
) -> None:
    its = Keeper(settings, clock)
    clock.now = START + timedelta(days=12)
    its.keep()
    settings.certificate_file.unlink()
    its.keep()  # from a clock that is twelve days ahead
    clock.now = START
    assert its.keep()
    assert shown(settings).not_valid_before_utc < START < shown(settings).not_valid_after_utc


def test_a_new_address_is_named_soon_and_a_lost_one_no_more(
    settings: Settings, clock: Clock, addresses: list[str]
) -> None:
    its = Keeper(settings, clock)
    addresses[-1] = "192.168.8.4"
    assert its.keep()
    assert "192.168.8.4" in its.names and "192.168.7.3" not in its.names
    named = shown(settings).extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert set(map(str, named.get_values_for_type(x509.IPAddress))) == {"127.0.0.1", "192.168.8.4"}


def test_what_the_machine_is_called_now_is_left_out_where_the_root_was_not_made_for_it(
    settings: Settings, clock: Clock, addresses: list[str]
) -> None:
    its = Keeper(settings, clock)
    addresses[2] = "window.local"
    assert its.keep() and "window.local" not in its.names and "familiar.lan" in its.names


def test_a_name_that_is_asked_for_and_not_permitted_stops_with_what_to_do(
    settings: Settings, clock: Clock, addresses: list[str]
) -> None:
    Keeper(settings, clock)
    with pytest.raises(MisconfiguredError, match=r"HTTPS_NAMES: .*'door.example'; remove .*trust the new one"):
        Keeper(replace(settings, https_names="familiar.lan,door.example"), clock)
    assert "door.example" not in Keeper(settings, clock).names


def test_whoever_listens_on_loopback_first_needs_no_other_root_for_the_network(
    settings: Settings, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(names.socket, "gethostname", lambda: "door")
    at_home = Keeper(replace(settings, host="127.0.0.1"), clock)
    assert "door.local" not in at_home.names
    open_to_all = Keeper(settings, clock)
    assert "door.local" in open_to_all.names and open_to_all.authority.root == at_home.authority.root


@pytest.mark.parametrize("damage", ["gone", "empty", "nonsense", "of another authority", "another key", "no root"])
def test_a_certificate_that_cannot_be_used_is_replaced(
    damage: str, settings: Settings, clock: Clock, tmp_path: Path
) -> None:
    its = Keeper(settings, clock)
    file = settings.certificate_file
    other = replace(settings, authority_dir=tmp_path / "b", certificates_dir=tmp_path / "d")
    Keeper(other, clock)
    theirs = other.certificate_file.read_bytes()
    if damage == "gone":
        file.unlink()
    elif damage == "no root":
        settings.root_file.unlink()
    else:
        key = b"-----END PRIVATE KEY-----\n"
        content = {"empty": b"", "nonsense": b"?", "of another authority": theirs,
                   "another key": theirs.split(key)[0] + key + file.read_bytes().split(key)[1]}[damage]  # fmt: skip
        file.write_bytes(content)
    assert its.keep() and not its.keep()
    shown(settings).verify_directly_issued_by(its.authority.issuer)
    assert settings.root_file.read_bytes() == its.authority.root_pem


def test_a_folder_that_cannot_be_written_is_named(settings: Settings, clock: Clock, tmp_path: Path) -> None:
    (tmp_path / "c").write_text("a file")
    with pytest.raises(MisconfiguredError, match="CERTIFICATES_DIR"):
        Keeper(settings, clock)
    (tmp_path / "x").write_text("a file")
    with pytest.raises(MisconfiguredError, match="AUTHORITY_DIR"):
        Keeper(replace(settings, authority_dir=tmp_path / "x"), clock)


def test_the_log_says_what_for_and_until_when(
    settings: Settings, clock: Clock, addresses: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, keeper.__name__):
        Keeper(settings, clock)
    assert f"familiar.lan, 127.0.0.1, 192.168.7.3, until {(START + CERTIFICATE_LIFE).date()}" in caplog.text
