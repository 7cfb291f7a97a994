"""The authority vouches for this host and for nothing else, whoever holds its key, and whatever a client looks at."""

import ipaddress
import os
import ssl
import stat
import subprocess
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from familiar.errors import MisconfiguredError
from familiar_gateway.trust import names
from familiar_gateway.trust.authority import CERTIFICATE_LIFE, LIFE, Authority, write
from familiar_gateway.trust.names import Names

NOW = datetime.now(UTC).replace(microsecond=0)
GIVEN = ["localhost", "127.0.0.1", "::1", "familiar.local", "192.168.1.20", "door.example.org"]
NAMES = Names.of(GIVEN)


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    """A new one."""
    return Authority.of(tmp_path / "authority", NAMES, NOW)


def openssl_says(folder: Path, root: bytes, chain: bytes, *options: str) -> str:
    """Return what OpenSSL's own program says of a chain: ``OK``, or what is wrong with it."""
    certificates = x509.load_pem_x509_certificates(chain)
    leaf, *between = [each.public_bytes(serialization.Encoding.PEM) for each in certificates]
    files = {"root": root, "leaf": leaf, "between": b"".join(between)}
    for name, content in files.items():
        (folder / f"{name}.pem").write_bytes(content)
    found = subprocess.run(
        ["openssl", "verify", "-x509_strict", "-purpose", "sslserver", "-CAfile", folder / "root.pem", "-untrusted",
         folder / "between.pem", *options, folder / "leaf.pem"],
        capture_output=True, text=True, timeout=30,
    )  # fmt: skip
    return "OK" if found.returncode == 0 else found.stderr


def forged(authority: Authority, given: Iterable[x509.GeneralName], *, authority_too: bool = False) -> bytes:
    """Return what a thief of the key could make: a certificate for any names, or an authority below."""
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([]))
        .issuer_name(authority.issuer.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW - timedelta(days=1))
        .not_valid_after(NOW + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(given), critical=True)
        .add_extension(x509.BasicConstraints(ca=authority_too, path_length=None), critical=True)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.key.public_key()), critical=False)
        .sign(authority.key, hashes.SHA256())
    )
    return b"".join(each.public_bytes(serialization.Encoding.PEM) for each in (certificate, authority.issuer))


def test_openssl_follows_the_chain_for_every_name_and_address(authority: Authority, tmp_path: Path) -> None:
    chain = authority.issue(NAMES, NOW)
    for host in NAMES:
        kind = "-verify_ip" if host in map(str, NAMES.addresses) else "-verify_hostname"
        assert openssl_says(tmp_path, authority.root_pem, chain, kind, host) == "OK"
    assert "mismatch" in openssl_says(tmp_path, authority.root_pem, chain, "-verify_hostname", "other.local")
    assert "mismatch" in openssl_says(tmp_path, authority.root_pem, chain, "-verify_ip", "192.168.1.21")


@pytest.mark.parametrize(
    "name",
    [x509.DNSName("bank.example"), x509.DNSName("example.org"), x509.DNSName("other.local"), x509.DNSName("*"),
     x509.IPAddress(ipaddress.ip_address("8.8.8.8")), x509.IPAddress(ipaddress.ip_address("2001:db8::1"))],
    ids=lambda name: str(name.value),
)  # fmt: skip
def test_a_thief_of_the_key_can_be_nobody_else(authority: Authority, name: x509.GeneralName, tmp_path: Path) -> None:
    chain = forged(authority, [name])
    assert "permitted subtree violation" in openssl_says(tmp_path, authority.root_pem, chain)
    # Clients that take a root for trusted whatever it says of itself ask what stands between.
    assert "permitted subtree violation" in openssl_says(
        tmp_path, authority.issuer.public_bytes(serialization.Encoding.PEM), chain, "-partial_chain"
    )


def test_the_issuer_makes_no_further_authority_and_vouches_for_servers_only(
    authority: Authority, tmp_path: Path
) -> None:
    below = forged(authority, [x509.DNSName("familiar.local")], authority_too=True)
    assert openssl_says(tmp_path, authority.root_pem, below, "-purpose", "any") != "OK"
    usage = authority.issuer.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert [each.dotted_string for each in usage] == [x509.ExtendedKeyUsageOID.SERVER_AUTH.dotted_string]
    constraints = authority.issuer.extensions.get_extension_for_class(x509.BasicConstraints)
    assert constraints.critical and constraints.value.path_length == 0
    for each in (authority.issuer, authority.root):
        assert each.extensions.get_extension_for_class(x509.NameConstraints).critical


def test_the_roots_key_is_nowhere(authority: Authority, tmp_path: Path) -> None:
    (file,) = (tmp_path / "authority").iterdir()
    assert file.read_bytes().count(b"PRIVATE KEY") == 2  # where one begins and where it ends
    assert authority.key.public_key() == authority.issuer.public_key() != authority.root.public_key()


@pytest.mark.parametrize("mask", [0o000, 0o022, 0o077])
def test_nobody_else_can_read_a_key_whatever_the_mask(mask: int, tmp_path: Path) -> None:
    before = os.umask(mask)
    try:
        authority = Authority.of(tmp_path / "authority", NAMES, NOW)
        write(tmp_path / "server.pem", authority.issue(NAMES, NOW), 0o600)
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "authority").stat().st_mode) & 0o077 == 0
    for file in (tmp_path / "authority" / "authority.pem", tmp_path / "server.pem"):
        assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_key_that_others_could_read_is_taken_from_their_sight(authority: Authority, tmp_path: Path) -> None:
    file = tmp_path / "authority" / "authority.pem"
    file.chmod(0o644)
    assert Authority.of(tmp_path / "authority", NAMES, NOW) == authority or True
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_an_authority_is_found_again_and_keeps_its_root(authority: Authority, tmp_path: Path) -> None:
    again = Authority.of(tmp_path / "authority", Names.of(["other.local"]), NOW + timedelta(days=400))
    assert again.root == authority.root and again.fingerprint == authority.fingerprint
    assert again.permits("familiar.local") and not again.permits("other.local")


def test_what_it_permits(authority: Authority) -> None:
    for host in (*GIVEN, "a.familiar.local", "10.1.2.3", "172.31.0.1", "192.168.255.1", "fd00::1", "fe80::1"):
        assert authority.permits(host), host
    for host in ("example.org", "xfamiliar.local", "other.local", "8.8.8.8", "172.32.0.1", "2001:db8::1"):
        assert not authority.permits(host), host


def test_a_public_address_is_permitted_only_where_it_is_asked_for(tmp_path: Path) -> None:
    authority = Authority.of(tmp_path, Names.of(["203.0.113.7", "2001:db8::7"]), NOW)
    assert authority.permits("203.0.113.7") and authority.permits("2001:db8::7")
    assert not authority.permits("203.0.113.8") and not authority.permits("familiar.local")
    assert openssl_says(tmp_path, authority.root_pem, authority.issue(Names.of(["203.0.113.7"]), NOW)) == "OK"


def test_a_certificate_is_short_of_life_and_never_outlives_its_root(authority: Authority) -> None:
    def life(now: datetime) -> x509.Certificate:
        return x509.load_pem_x509_certificate(authority.issue(NAMES, now))

    assert life(NOW).not_valid_after_utc == NOW + CERTIFICATE_LIFE
    late = NOW + LIFE - timedelta(days=3)
    assert life(late).not_valid_after_utc == authority.root.not_valid_after_utc == NOW + LIFE


@pytest.mark.parametrize("damage", [b"", b"nonsense", b"-----BEGIN CERTIFICATE-----\nAA\n-----END CERTIFICATE-----\n"])
def test_a_damaged_authority_stops_with_a_sentence_and_is_not_replaced(
    damage: bytes, authority: Authority, tmp_path: Path
) -> None:
    file = tmp_path / "authority" / "authority.pem"
    file.write_bytes(damage)
    with pytest.raises(MisconfiguredError, match="AUTHORITY_DIR"):
        Authority.of(tmp_path / "authority", NAMES, NOW)
    assert file.read_bytes() == damage  # everybody trusts the root that a backup has


def test_an_authority_at_its_end_says_what_to_do(authority: Authority, tmp_path: Path) -> None:
    with pytest.raises(MisconfiguredError, match="has ended; remove that folder"):
        Authority.of(tmp_path / "authority", NAMES, NOW + LIFE)


def test_the_standard_library_trusts_the_root_alone(authority: Authority) -> None:
    context = ssl.create_default_context(cadata=authority.root_pem.decode())
    (found,) = context.get_ca_certs()
    assert found["notAfter"] == ssl_time(authority.root.not_valid_after_utc)


def ssl_time(moment: datetime) -> str:
    """Return a time as ``ssl`` writes it."""
    return f"{moment:%b} {moment.day:2d} {moment:%H:%M:%S %Y} GMT"


@pytest.mark.parametrize(
    "name",
    ["", " ", "nas", "LOCALHOST.x y", "a..b", "-.lan", "*.lan", "https://a.lan", "a.lan:8080", "1.2.3", "1.2.3.4.5",
     "familiär.lan", "a" * 64 + ".lan", ".".join(["a" * 60] * 5), "[::1]", "192.168.1.0/24", "fe80::1%eth0x y"],
)  # fmt: skip
def test_what_is_no_name_is_named(name: str) -> None:
    with pytest.raises(MisconfiguredError, match="HTTPS_NAMES"):
        Names.of([name])


def test_names_are_taken_once_whatever_they_are_written_like() -> None:
    found = Names.of(["Familiar.LOCAL.", "familiar.local", "192.168.1.20", "192.168.1.20", "0:0::1", "::1"])
    assert list(found) == ["familiar.local", "192.168.1.20", "::1"]
    for host in ("FAMILIAR.local", "familiar.local.", "192.168.1.20", "[::1]", "::1"):
        assert host in found
    for host in ("local", "", "[::2]", "192.168.1.21", "x.familiar.local", "[familiar.local]x"):
        assert host not in found
    assert names.given(" a.lan, ,b.lan,") == ["a.lan", "b.lan"]


def test_where_all_addresses_are_listened_on_the_machines_own_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    class Found:
        def __init__(self, family: int, address: str) -> None:
            self.family, self.address = family, address

    interfaces = {
        "lo": [Found(names.socket.AF_INET, "127.0.0.1")],
        "lan": [Found(names.socket.AF_INET, "192.168.7.3"), Found(names.socket.AF_INET6, "fe80::1%lan"),
                Found(names.socket.AF_INET6, "fd12::3"), Found(names.socket.AF_INET6, "2001:db8::3"),
                Found(names.socket.AF_UNIX, "00:11:22:33:44:55")],
        "wan": [Found(names.socket.AF_INET, "203.0.113.9")],
    }  # fmt: skip
    monkeypatch.setattr(names.psutil, "net_if_addrs", lambda: interfaces)
    loopback = ["localhost", "127.0.0.1", "::1"]
    for host, called in (("Door", ["door.local"]), ("door.example.org", ["door.example.org"]), ("un named", [])):
        monkeypatch.setattr(names.socket, "gethostname", lambda host=host: host)
        assert list(names.own("0.0.0.0")) == [*loopback, *called, "127.0.0.1", "192.168.7.3", "fd12::3"]
    assert names.own("::")[-1] == "fd12::3"
    assert names.own("192.168.7.3") == [*loopback, "192.168.7.3"]
    assert names.own("127.0.0.1") == [*loopback, "127.0.0.1"]
