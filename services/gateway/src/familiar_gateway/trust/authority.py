"""The authority: vouches for one host, and can do nothing else to whoever trusts it.

Its root is made once and signs one thing, the issuer below it; then the root's key is forgotten, it is never written
anywhere. What stays can sign only for servers (TLS), and only for the names that were asked for at first and addresses
that mean something within one network only. Both certificates say so, since not every client looks at what a root says.
"""

import ipaddress
import os
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from familiar.errors import MisconfiguredError
from familiar_gateway.trust.names import PRIVATE, Names

LIFE = timedelta(days=10 * 365)
"""Of the root: trusting it is work on every device."""
CERTIFICATE_LIFE = timedelta(days=30)
"""Of what it signs: nothing takes a certificate back that was stolen but its end."""
_CLOCKS_DIFFER = timedelta(days=1)
_FILE = "authority.pem"

Key = ec.EllipticCurvePrivateKey


@dataclass(frozen=True)
class Authority:
    """The issuer's key and certificate, and the root above it."""

    key: Key
    issuer: x509.Certificate
    root: x509.Certificate

    @classmethod
    def of(cls, folder: Path, names: Names, now: datetime) -> "Authority":
        """Return the authority that a folder holds; if it holds none, a new one that may vouch for ``names``.

        Raises:
            MisconfiguredError: the folder cannot be used, or what it holds has ended.
        """
        file = folder / _FILE
        try:
            if not file.exists():
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
                write(file, _found(names, now)._written(), 0o600)
            authority = cls._read(file.read_bytes())
            file.chmod(0o600)
        except (OSError, ValueError) as exc:
            raise MisconfiguredError(f"AUTHORITY_DIR: {file} cannot be used: {exc}") from exc
        if authority.root.not_valid_after_utc <= now:
            raise MisconfiguredError(
                f"AUTHORITY_DIR: the root certificate in {folder} has ended; remove that folder, and have everybody "
                "trust the new one"
            )
        return authority

    @property
    def root_pem(self) -> bytes:
        """The root's certificate, as text."""
        return self.root.public_bytes(serialization.Encoding.PEM)

    @property
    def root_der(self) -> bytes:
        """The root's certificate, as every system takes it for a file to install."""
        return self.root.public_bytes(serialization.Encoding.DER)

    @property
    def fingerprint(self) -> str:
        """The root's SHA-256, as systems show it."""
        return self.root.fingerprint(hashes.SHA256()).hex(":").upper()

    def permits(self, name: str) -> bool:
        """Whether it may vouch for a name or an address."""
        allowed = self.issuer.extensions.get_extension_for_class(x509.NameConstraints).value.permitted_subtrees or ()
        names = Names.of([name])
        return any(
            isinstance(each.value, str) and (host == each.value or host.endswith(f".{each.value}"))
            for each in allowed
            for host in names.dns
        ) or any(
            not isinstance(each.value, str) and address in each.value for each in allowed for address in names.addresses
        )

    def issue(self, names: Names, now: datetime) -> bytes:
        """Return a new key, its certificate for ``names`` and the issuer's, as PEM."""
        key = _new_key()
        certificate = (
            _begun(key, x509.Name([]), self.issuer.subject, now, min(now + CERTIFICATE_LIFE, self._end))
            # Where the subject is empty, as it may be, nobody looks for a name in it, and this is all there is.
            .add_extension(x509.SubjectAlternativeName(_general(names)), critical=True)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(digital_signature=True), critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key()), critical=False)
            .sign(self.key, hashes.SHA256())
        )
        return _pem(key) + _pem(certificate) + _pem(self.issuer)

    @property
    def _end(self) -> datetime:
        return self.root.not_valid_after_utc

    def _written(self) -> bytes:
        return _pem(self.key) + _pem(self.issuer) + _pem(self.root)

    @classmethod
    def _read(cls, text: bytes) -> "Authority":
        key = serialization.load_pem_private_key(text, password=None)
        issuer, root = x509.load_pem_x509_certificates(text)
        if not isinstance(key, ec.EllipticCurvePrivateKey) or key.public_key() != issuer.public_key():
            raise ValueError("key and certificate do not belong together")
        return cls(key, issuer, root)


def write(file: Path, content: bytes, mode: int) -> None:
    """Put a file in its place as a whole; from its first byte on nobody can read it whom ``mode`` does not let.

    Raises:
        OSError: it cannot be written.
    """
    aside = file.with_name(f".{file.name}.{os.getpid()}")
    aside.unlink(missing_ok=True)
    descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    try:
        with os.fdopen(descriptor, "wb") as out:
            os.fchmod(out.fileno(), mode)
            out.write(content)
            out.flush()
            os.fsync(out.fileno())
        aside.rename(file)
    finally:
        aside.unlink(missing_ok=True)


def _found(names: Names, now: datetime) -> Authority:
    """Make a root, have it sign an issuer, and forget its key."""
    called = next((name for name in names.dns if name != "localhost"), "localhost")
    root_key, key = _new_key(), _new_key()
    root_name, end = _named(f"Familiar {called} root {now:%Y-%m-%d}"), now + LIFE
    allowed = x509.NameConstraints(_general(names, as_blocks=True), excluded_subtrees=None)
    signing = _usage(key_cert_sign=True, crl_sign=True)
    root = (
        _begun(root_key, root_name, root_name, now, end)
        .add_extension(x509.BasicConstraints(ca=True, path_length=1), critical=True)
        .add_extension(signing, critical=True)
        .add_extension(allowed, critical=True)
        .sign(root_key, hashes.SHA256())
    )
    issuer = (
        _begun(key, _named(f"Familiar {called} issuer {now:%Y-%m-%d}"), root_name, now, end)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(signing, critical=True)
        .add_extension(allowed, critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(root_key.public_key()), critical=False)
        .sign(root_key, hashes.SHA256())
    )
    return Authority(key, issuer, root)


def _begun(key: Key, subject: x509.Name, issuer: x509.Name, now: datetime, end: datetime) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _CLOCKS_DIFFER)
        .not_valid_after(end)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _general(names: Names, *, as_blocks: bool = False) -> list[x509.GeneralName]:
    """Return names as certificates have them; as what may be vouched for, with all private blocks of addresses."""
    dns: list[x509.GeneralName] = [x509.DNSName(name) for name in names.dns]
    if not as_blocks:
        return dns + [x509.IPAddress(address) for address in names.addresses]
    public = [
        ipaddress.ip_network(address) for address in names.addresses if not any(address in block for block in PRIVATE)
    ]
    # Without one of a kind, everything of that kind would be allowed.
    return [x509.DNSName("localhost"), *(each for each in dns if each.value != "localhost")] + [
        x509.IPAddress(block) for block in (*PRIVATE, *public)
    ]


def _usage(**used: bool) -> x509.KeyUsage:
    every = ("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement",
             "key_cert_sign", "crl_sign", "encipher_only", "decipher_only")  # fmt: skip
    return x509.KeyUsage(**{name: used.get(name, False) for name in every})


def _named(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text[:64])])


def _new_key() -> Key:
    return ec.generate_private_key(ec.SECP256R1())


def _pem(item: Key | x509.Certificate) -> bytes:
    if isinstance(item, x509.Certificate):
        return item.public_bytes(serialization.Encoding.PEM)
    return item.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
