"""The keeper: sees to it that there is a certificate for all names, today and tomorrow."""

import logging
from collections.abc import Callable
from datetime import UTC, datetime

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization

from familiar.errors import MisconfiguredError
from familiar.settings import Settings
from familiar_gateway.trust import authority, names
from familiar_gateway.trust.authority import CERTIFICATE_LIFE, Authority
from familiar_gateway.trust.names import Names

log = logging.getLogger(__name__)

_EVERYWHERE = "0.0.0.0"
_RENEWED_BEFORE = CERTIFICATE_LIFE / 3


class Keeper:
    """Keeps a certificate of an authority in a folder, renewed before it ends and whenever other names are found."""

    def __init__(self, settings: Settings, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        """Find or make the authority, and make sure of a certificate.

        Raises:
            MisconfiguredError: a folder or a name cannot be used.
        """
        self._certificate_file, self._root_file = settings.certificate_file, settings.root_file
        self._listens_on = settings.host
        self._now = now
        asked = Names.of(names.given(settings.https_names))
        # Whoever listens on loopback today may be open to the network tomorrow; that must not need another root.
        self.authority = Authority.of(settings.authority_dir, Names.of([*names.own(_EVERYWHERE), *asked]), now())
        for name in asked:
            if not self.authority.permits(name):
                raise MisconfiguredError(
                    f"HTTPS_NAMES: the root certificate was not made for {name!r}; remove {settings.authority_dir}, "
                    "and have everybody trust the new one"
                )
        self._asked = asked
        self.keep()

    @property
    def ends_at(self) -> float:
        """When the certificate that is shown ends, in UTC seconds since 1970.

        Raises:
            OSError, ValueError: there is none that can be read.
        """
        return self._certificate().not_valid_after_utc.timestamp()

    def keep(self) -> bool:
        """Look after the certificate; return whether there is a new one.

        Raises:
            MisconfiguredError: it cannot be written.
        """
        self.names = self._permitted()
        if self._is_good():
            return False
        try:
            self._certificate_file.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
            authority.write(self._root_file, self.authority.root_pem, 0o644)
            content = self.authority.issue(self.names, self._now())
            authority.write(self._certificate_file, content, 0o600)
        except OSError as exc:
            raise MisconfiguredError(f"CERTIFICATES_DIR: {exc.filename} cannot be used: {exc}") from exc
        log.info(
            "a certificate for %s, until %s", ", ".join(self.names), self._certificate().not_valid_after_utc.date()
        )
        return True

    def _permitted(self) -> Names:
        """Return what to vouch for: what this host is called now may be no longer what the root was made for."""
        wanted = [*names.own(self._listens_on), *self._asked]
        return Names.of(name for name in wanted if self.authority.permits(name))

    def _certificate(self) -> x509.Certificate:
        return x509.load_pem_x509_certificate(self._certificate_file.read_bytes())

    def _is_good(self) -> bool:
        """Whether the certificate that is there is for these names, of this authority, and lasts."""
        try:
            its = self._certificate()
            its.verify_directly_issued_by(self.authority.issuer)
            key = serialization.load_pem_private_key(self._certificate_file.read_bytes(), password=None)
            named = its.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
            root = self._root_file.read_bytes()
        except (OSError, ValueError, TypeError, InvalidSignature, x509.ExtensionNotFound):
            return False
        vouched = {*named.get_values_for_type(x509.DNSName), *map(str, named.get_values_for_type(x509.IPAddress))}
        return (
            key.public_key() == its.public_key()
            and root == self.authority.root_pem
            and vouched == set(self.names)
            and its.not_valid_before_utc <= self._now() < its.not_valid_after_utc - _RENEWED_BEFORE
        )
