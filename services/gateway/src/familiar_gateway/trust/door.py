"""The door for http: the root certificate with how to trust it, and the way to https for everything else."""

import logging
import threading
from pathlib import Path
from urllib.parse import quote

from flask import Flask, Response, g, redirect, render_template, request, send_from_directory
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Gauge, generate_latest
from werkzeug.wrappers import Response as BaseResponse

from familiar.errors import FamiliarError
from familiar.settings import Settings
from familiar_gateway import server, web
from familiar_gateway.trust import wording
from familiar_gateway.trust.keeper import Keeper

log = logging.getLogger(__name__)

LIMITS = server.Limits()
PAGE = "/certificate"

_HERE = Path(__file__).parent
_POLICY = "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
_THREADS, _MOST_WAITING = 2, 64
_KEEP_EVERY_S = 60.0
_SECRETS = ("Authorization", "X-Api-Key")


def create(keeper: Keeper, https_port: int) -> Flask:
    """Return the application that shows the root certificate of a keeper, and leads to a port for https."""
    app = Flask(__name__, static_folder=None, template_folder="templates")
    web.errors.install(app)
    authority = keeper.authority

    def secure(path: str) -> str:
        """Return an address here for https; its host is the one that was asked, which we have a certificate for."""
        host = _without_port(request.headers.get("Host", ""))
        if host not in keeper.names:
            raise web.Forbidden(
                f"the certificate does not name {host[:100]!r}; if it should, HTTPS_NAMES has to",
                code="host_not_allowed",
            )
        return f"https://{host}{'' if https_port == 443 else f':{https_port}'}{path}"

    @app.get(PAGE)
    def page() -> str:
        """Tell how to trust the root certificate, in the reader's language and for the reader's system first."""
        wanted = request.args.get("lang", "")
        language = wanted if wanted in wording.TEXTS else request.accept_languages.best_match(list(wording.TEXTS))
        language = language or wording.DEFAULT
        host = _without_port(request.headers.get("Host", ""))
        return render_template(
            "certificate.html",
            language=language,
            languages={code: texts["language"] for code, texts in wording.TEXTS.items()},
            texts=wording.TEXTS[language],
            system=wording.system_of(request.headers.get("User-Agent", "")),
            fingerprint=authority.fingerprint,
            until=f"{authority.root.not_valid_after_utc:%Y-%m-%d}",
            names=list(keeper.names),
            here=secure("/") if host in keeper.names else None,
            host=host,
        )

    @app.get(f"{PAGE}/look.css")
    def look() -> Response:
        """Give the page's look."""
        return send_from_directory(_HERE / "templates", "look.css")

    @app.get(f"{PAGE}/familiar-root.crt")
    def root() -> Response:
        """Give the root certificate as a file to install."""
        return _file(authority.root_der, "application/x-x509-ca-cert", "familiar-root.crt")

    @app.get(f"{PAGE}/familiar-root.pem")
    def root_as_text() -> Response:
        """Give the root certificate as programs read it."""
        return _file(authority.root_pem, "application/x-pem-file", "familiar-root.pem")

    @app.get(f"{PAGE}/metrics")
    def metrics() -> Response:
        """Give the end of the certificate to Prometheus; whoever speaks TLS with us is shown it too."""
        registry = CollectorRegistry()
        ends = Gauge(
            "familiar_certificate_ends_seconds", "When the certificate for https ends, UTC seconds since 1970",
            registry=registry,
        )  # fmt: skip
        try:
            ends.set(keeper.ends_at)
        except (OSError, ValueError):
            ends.set(0)  # none that is good for anything
        return Response(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)

    @app.before_request
    def elsewhere() -> BaseResponse | None:
        """Lead to https; not with a secret that was just told to everybody on the way, so that somebody notices."""
        g.request_id = web.errors.request_id(request.headers.get("X-Request-Id", ""))
        if request.url_rule is not None:
            return None
        if any(name in request.headers for name in _SECRETS):
            raise web.Forbidden(
                "a key was sent over http, where others can read it: replace it, and ask by https",
                code="https_required",
            )
        path = quote(request.environ["PATH_INFO"].encode("latin-1"), safe="/:@!$&'()*+,;=~")
        query = request.query_string.decode("latin-1")
        return redirect(secure(f"{path}?{query}" if query else path), 308)

    @app.after_request
    def protect(response: Response) -> Response:
        response.headers["X-Request-Id"] = g.request_id
        response.headers["Content-Security-Policy"] = _POLICY
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["Referrer-Policy"] = "no-referrer"
        # Where https leads may change, and so may the root.
        response.headers["Cache-Control"] = "no-store"
        return response

    return app


def from_env() -> server.Intake:
    """Return the door as the environment describes it; from here on its certificate is looked after.

    Raises:
        MisconfiguredError: a setting cannot be used.
    """
    server.end_with_parent()
    settings = Settings.from_env()
    begin_to_log(settings)
    keeper, stopping = Keeper(settings), threading.Event()
    log.info("the root certificate has the SHA-256 %s", keeper.authority.fingerprint)
    threading.Thread(target=_keep, args=(keeper, stopping), daemon=True).start()
    return before(create(keeper, settings.https_port), settings, stopping)


def before(application: Flask, settings: Settings, stopping: threading.Event) -> server.Intake:
    """Return what takes requests in for the door, which needs nobody's body to lead them elsewhere."""
    lane = server.Lane(threads=_THREADS, waiting=_MOST_WAITING)
    return server.Intake(
        application,
        lane_of=lambda _method, _path: (lane, settings.max_body_bytes),
        room=server.Room(settings.max_body_bytes),
        limits=LIMITS,
        note=lambda method, status, _seconds: log.info("%s refused with %d", method, status),
        stopping=stopping,
        door=lane,
    )


def begin_to_log(settings: Settings) -> None:
    """Have this process write its log."""
    logging.basicConfig(level=settings.log_level, format="%(levelname)s %(name)s %(message)s")


def _keep(keeper: Keeper, stopping: threading.Event) -> None:
    while not stopping.wait(_KEEP_EVERY_S):
        try:
            keeper.keep()
        except FamiliarError as exc:  # a full disk, say; the certificate that is there lasts for days
            log.warning("the certificate was not looked after: %s", exc)


def _file(content: bytes, kind: str, name: str) -> Response:
    return Response(content, mimetype=kind, headers={"Content-Disposition": f'attachment; filename="{name}"'})


def _without_port(host: str) -> str:
    name, colon, port = host.rpartition(":")
    return (name if colon and port.isdigit() else host).lower()
