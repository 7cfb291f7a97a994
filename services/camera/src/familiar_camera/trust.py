"""Trust: whom to believe to be a camera, or a server, by the certificate that it shows."""

import hashlib
import re
import ssl
from functools import cache
from typing import Any

from familiar_camera.errors import SourceError

_FINGERPRINT = re.compile(r"sha256:((?:[0-9a-f]{2}:?){31}[0-9a-f]{2})", re.IGNORECASE)
_LOOK_S = 3.0


@cache
def believing(trust: str | None) -> ssl.SSLContext:
    """Return a context that believes those whom ``trust`` names, and nobody else.

    None: whom this machine trusts. A file: whoever has a certificate below one of those in it (PEM), for the name that
    is asked. ``sha256:`` and 64 hexadecimal digits: whoever has the one certificate with this fingerprint, whatever
    that says of its owner and its end; many cameras made theirs by themselves. Each is read once, for a context for
    each connection would take more memory than all the rest.

    Raises:
        SourceError: it names none.
    """
    if trust is None:
        return ssl.create_default_context()
    if trust.lower().startswith("sha256:"):
        if (found := _FINGERPRINT.fullmatch(trust)) is None:
            raise SourceError(f"{trust} is no fingerprint: 64 hexadecimal digits are expected after 'sha256:'")
        return _Pinned.to(found[1].replace(":", "").lower())
    try:
        return ssl.create_default_context(cafile=trust)
    except OSError as exc:
        raise SourceError(f"{trust} has no certificate to believe: {exc}") from exc


class _Pinned(ssl.SSLContext):
    """Believes one certificate, and looks at it before anything is sent."""

    fingerprint: str

    @classmethod
    def to(cls, fingerprint: str) -> "_Pinned":
        made = cls(ssl.PROTOCOL_TLS_CLIENT)
        made.check_hostname = False
        made.verify_mode = ssl.CERT_NONE
        made.set_ciphers("DEFAULT:@SECLEVEL=1")  # keys of 1024 bits, as cameras have them
        made.fingerprint = fingerprint
        return made

    def wrap_socket(self, *args: Any, **kwargs: Any) -> ssl.SSLSocket:
        wrapped = super().wrap_socket(*args, **kwargs)
        shown = wrapped.getpeercert(binary_form=True) or b""
        if hashlib.sha256(shown).hexdigest() != self.fingerprint:
            wrapped.close()
            raise ssl.SSLCertVerificationError("it is another one than 'trust' names")
        return wrapped


def doubt(exc: BaseException | None) -> str | None:
    """Return why somebody was not believed, if that is what an error came from."""
    while exc is not None and not isinstance(exc, ssl.SSLCertVerificationError):
        exc = exc.__cause__ or exc.__context__
    return None if exc is None else getattr(exc, "verify_message", str(exc))


def unbelieved(why: str, host: str, port: int) -> SourceError:
    """Return the error that a camera was not believed; it tells what the camera shows, for somebody to compare."""
    try:
        pem = ssl.get_server_certificate((host, port), timeout=_LOOK_S)
        shown = f"; it shows sha256:{hashlib.sha256(ssl.PEM_cert_to_DER_cert(pem)).hexdigest()}"
    except (OSError, ValueError):
        shown = ""
    return SourceError(
        f"its certificate is not believed ({why}){shown}. 'trust' (--trust) takes this, if the camera itself says so, "
        "too, or the file of a root certificate"
    )
