"""The certificate that is shown to clients, read anew when its file has changed."""

import logging
import ssl
from pathlib import Path

from familiar.errors import MisconfiguredError

log = logging.getLogger(__name__)


class Certificate:
    """A file with a private key, its certificate and those above it (PEM), which somebody else renews."""

    def __init__(self, file: Path) -> None:
        """Read the file.

        Raises:
            MisconfiguredError: there is none that can be used.
        """
        self._file = file
        try:
            self._seen = self._state()
            self._context = self._read()
        except (OSError, ValueError) as exc:
            raise MisconfiguredError(f"CERTIFICATES_DIR: {file} cannot be used: {exc}") from exc

    @property
    def context(self) -> ssl.SSLContext:
        """How to speak TLS with the next client. A file that is damaged meanwhile leaves what there was before."""
        try:
            if (now := self._state()) != self._seen:
                self._seen = now
                self._context = self._read()
                log.info("a new certificate is shown from now on")
        except (OSError, ValueError) as exc:
            log.warning("%s cannot be used, and the certificate read before is shown: %s", self._file, exc)
        return self._context

    def _state(self) -> tuple[int, int, int] | None:
        try:
            found = self._file.stat()
        except FileNotFoundError:
            return None
        return found.st_ino, found.st_mtime_ns, found.st_size

    def _read(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        # Renegotiating costs us more than whoever asks for it.
        context.options |= ssl.OP_NO_RENEGOTIATION
        context.set_alpn_protocols(["http/1.1"])
        context.load_cert_chain(self._file)
        return context
