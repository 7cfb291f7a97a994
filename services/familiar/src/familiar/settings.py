"""Settings: every environment variable the system reads, read once at start into a frozen record.

Instead of ``NAME``, ``NAME_FILE`` may name a file that holds the value, as secrets are handed to containers. A value
that cannot be used stops the process with the variable's name. ``.env.example`` lists them all, and a test
compares it with this file.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from familiar.errors import MisconfiguredError


def _setting(env: str, default: Any, meaning: str, least: float | None = None, most: float | None = None) -> Any:
    return field(default=default, metadata={"env": env, "meaning": meaning, "least": least, "most": most})


LEAST_AUDIT_DAYS = 30
"""The database lets go of no younger line of the audit, whoever asks for it."""


@dataclass(frozen=True)
class Settings:
    """All settings with their defaults; every service reads the part it needs."""

    database_url: str = _setting("DATABASE_URL", "sqlite:///state/familiar.db", "SQLAlchemy URL of the database")
    redis_url: str = _setting("REDIS_URL", "redis://127.0.0.1:6379/0", "Redis, for the queue")
    redis_timeout_s: float = _setting("REDIS_TIMEOUT_S", 2.0, "deadline of a call to Redis", 0.05, 60)
    serving_addr: str = _setting("SERVING_ADDR", "127.0.0.1:8500", "host:port of TensorFlow Serving's gRPC")
    serving_timeout_s: float = _setting("SERVING_TIMEOUT_S", 5.0, "deadline of a call to Serving", 0.05, 120)
    models_dir: Path = _setting("MODELS_DIR", Path("state/models"), "folder that Serving watches")

    backbone: str = _setting("BACKBONE", "face_resnet", "face_resnet, mobilenet_v2_imagenet, or a SavedModel's path")
    backbone_weights: str = _setting("BACKBONE_WEIGHTS", "", "weights file instead of a download; empty for none")
    detector: str = _setting("DETECTOR", "yunet", "yunet, or the path of a YuNet ONNX file")
    search_pixels: int = _setting(
        "SEARCH_PIXELS", 2_073_600, "most pixels of a frame that are searched for faces", 230_400, 40_000_000
    )
    far_target: float = _setting("FAR_TARGET", 0.001, "share of strangers that may be named", 1e-6, 0.5)

    host: str = _setting("GATEWAY_HOST", "127.0.0.1", "address the gateway listens on")
    port: int = _setting("GATEWAY_PORT", 8080, "port the gateway listens on; 0 for any", 0, 65535)
    allowed_hosts: str = _setting("ALLOWED_HOSTS", "", "further names the gateway is reached by, with commas between")
    https: int = _setting(
        "HTTPS", 0, "1: speak https, with certificates of an authority of one's own; GATEWAY_PORT leads there", 0, 1
    )
    https_port: int = _setting("HTTPS_PORT", 8443, "port for https", 1, 65535)
    https_names: str = _setting(
        "HTTPS_NAMES", "", "names and addresses to certify beside this host's own, with commas between"
    )
    authority_dir: Path = _setting("AUTHORITY_DIR", Path("state/authority"), "folder of the authority and its key")
    certificates_dir: Path = _setting(
        "CERTIFICATES_DIR", Path("state/certificates"), "folder of the certificate in use, and of the root to trust"
    )
    hsts_s: int = _setting("HSTS_S", 0, "for how long browsers are told to come by https only; 0 for not", 0, 10**8)
    access: str = _setting(
        "ACCESS", "", "keys, or open to everybody who reaches it; unless set, open on loopback only, keys elsewhere"
    )
    trusted_proxies: str = _setting(
        "TRUSTED_PROXIES", "", "addresses or networks of proxies whose X-Forwarded headers count, with commas between"
    )
    cors_origins: str = _setting(
        "CORS_ORIGINS", "", "origins of other sites whose pages may ask with a key, with commas between"
    )
    doors: str = _setting(
        "DOORS",
        "",
        "clients of others that are answered in their own words: compreface, deepstack, or both with a comma",
    )
    rate_limit: int = _setting(
        "RATE_LIMIT", 6000, "requests a minute by one key, or from one address without; 0 for any number", 0, 10**9
    )
    session_s: float = _setting(
        "SESSION_S", 43_200.0, "a page that is not used for so long has to sign in again", 60, 2_592_000
    )
    audit_days: int = _setting(
        "AUDIT_DAYS", 730, "how long it is kept who did what, in days, 30 or more; 0 for ever", 0, 36_500
    )
    workers: int = _setting("GATEWAY_WORKERS", 1, "gateway processes", 1, 64)
    threads: int = _setting(
        "GATEWAY_THREADS", 0, "pictures that each works on at once; 0 for two a core, 4 to 16", 0, 256
    )
    queue: int = _setting(
        "GATEWAY_QUEUE", 32, "requests with pictures that wait meanwhile; one more is a 503", 1, 10_000
    )

    max_body_bytes: int = _setting("MAX_BODY_BYTES", 100_000_000, "largest request body", 1_000, 10**10)
    max_image_bytes: int = _setting("MAX_IMAGE_BYTES", 20_000_000, "largest picture, in bytes", 1_000, 10**9)
    max_image_pixels: int = _setting("MAX_IMAGE_PIXELS", 40_000_000, "largest picture, in pixels", 1_000, 10**9)
    upload_time_s: float = _setting(
        "UPLOAD_TIME_S", 60.0, "longest that the frames of one enrolment request are looked at", 1, 3600
    )
    video_memory_bytes: int = _setting(
        "VIDEO_MEMORY_BYTES", 400_000_000, "most memory that the process reading a video takes", 64_000_000, 10**11
    )
    max_faces: int = _setting("MAX_FACES", 100, "most faces answered for in one frame, the largest first", 1, 256)

    enroll_frames: int = _setting("ENROLL_FRAMES", 150, "usable frames after which a capture is complete", 1, 2000)
    enroll_max_frames: int = _setting("ENROLL_MAX_FRAMES", 600, "most frames one enrolment takes", 1, 10_000)
    enroll_min_samples: int = _setting("ENROLL_MIN_SAMPLES", 5, "fewest samples a person is learned from", 1, 1000)
    enroll_most_open: int = _setting("ENROLL_MOST_OPEN", 100, "most captures open at once", 1, 100_000)
    enroll_abandon_s: float = _setting(
        "ENROLL_ABANDON_S", 86_400.0, "a capture that nobody adds to for so long is given up", 60, 10**8
    )
    correction_undo_s: float = _setting(
        "CORRECTION_UNDO_S", 604_800.0, "for so long what was put right can be undone; then it is final", 0, 10**9
    )
    near_copy_cosine: float = _setting("NEAR_COPY_COSINE", 0.9984, "cosine above which a frame is a copy", 0.5, 1.0)

    sightings: str = _setting("SIGHTINGS", "off", "on: keep each recognised face, see docs/sightings.md; off")
    sightings_keep_s: float = _setting("SIGHTINGS_KEEP_S", 604_800.0, "for so long a sighting is kept", 60, 10**8)
    sightings_most: int = _setting("SIGHTINGS_MOST", 5_000, "most sightings kept; the oldest go first", 1, 1_000_000)

    photos_dirs: str = _setting(
        "PHOTOS_DIRS", "", "folders whose pictures may be sorted by who is on them, with colons between"
    )
    learn_from_sightings: str = _setting(
        "LEARN_FROM_SIGHTINGS", "off", "off, ask (what somebody has confirmed), auto: see docs/learning-from-use.md"
    )
    learn_every_s: float = _setting(
        "LEARN_EVERY_S", 600.0, "shortest time between two trainings of what was learned from use", 0, 10**7
    )

    events: str = _setting("EVENTS", "off", "on: note who came before which camera and tell others; off")
    events_file: str = _setting("EVENTS_FILE", "", "YAML file of whom to tell of what, see docs/events.md")
    events_visit_s: float = _setting(
        "EVENTS_VISIT_S", 60.0, "whoever is not seen for so long is announced anew when they come back", 1, 86_400
    )
    events_unknown_frames: int = _setting(
        "EVENTS_UNKNOWN_FRAMES", 5, "on so many frames of a visit somebody unknown is announced", 1, 1000
    )
    events_keep_s: float = _setting(
        "EVENTS_KEEP_S", 2_592_000.0, "for so long events and visits are kept, told or not", 60, 10**9
    )
    events_most: int = _setting("EVENTS_MOST", 100_000, "most events kept; the oldest go first", 100, 10_000_000)
    time_zone: str = _setting("TIME_ZONE", "UTC", "in which days begin and end, as Europe/Berlin")

    training_lease_s: float = _setting("TRAINING_LEASE_S", 10.0, "after this silence a training is taken over", 1, 600)
    load_timeout_s: float = _setting("LOAD_TIMEOUT_S", 60.0, "longest wait for Serving to load a version", 1, 3600)
    keep_versions: int = _setting("KEEP_VERSIONS", 3, "head versions kept on disk", 3, 1000)
    keep_weights: int = _setting("KEEP_WEIGHTS", 20, "head versions that can be rolled back to", 3, 100_000)
    rq_dashboard_url: str = _setting(
        "RQ_DASHBOARD_URL", "", "where operators find rq-dashboard, for a link to it on the page"
    )
    log_level: str = _setting("LOG_LEVEL", "INFO", "DEBUG, INFO, WARNING or ERROR")

    @classmethod
    def from_env(cls, env: Mapping[str, str] | None = None) -> "Settings":
        """Read the settings from ``env`` (default: the process's environment).

        Raises:
            MisconfiguredError: a value cannot be used; the message names the variable, the value and what is allowed.
        """
        env = os.environ if env is None else env
        values: dict[str, Any] = {}
        for item in fields(cls):
            text = _given(env, item.metadata["env"])
            if text:
                values[item.name] = _parse(item.metadata, type(item.default), text)
        settings = cls(**values)
        if settings.log_level not in ("DEBUG", "INFO", "WARNING", "ERROR"):
            raise MisconfiguredError(f"LOG_LEVEL={settings.log_level!r}: must be DEBUG, INFO, WARNING or ERROR")
        if settings.access not in ("", "keys", "open"):
            raise MisconfiguredError(f"ACCESS={settings.access!r}: must be keys or open")
        if 0 < settings.audit_days < LEAST_AUDIT_DAYS:
            raise MisconfiguredError(f"AUDIT_DAYS={settings.audit_days}: must be {LEAST_AUDIT_DAYS} or more, or 0")
        if settings.rq_dashboard_url and not settings.rq_dashboard_url.startswith(("http://", "https://")):
            raise MisconfiguredError(f"RQ_DASHBOARD_URL={settings.rq_dashboard_url!r}: http:// or https:// expected")
        if settings.sightings not in ("on", "off"):
            raise MisconfiguredError(f"SIGHTINGS={settings.sightings!r}: must be on or off")
        policy = settings.learn_from_sightings
        if policy not in ("off", "ask", "auto"):
            raise MisconfiguredError(f"LEARN_FROM_SIGHTINGS={policy!r}: must be off, ask or auto")
        if policy != "off" and settings.sightings == "off":
            raise MisconfiguredError(
                f"LEARN_FROM_SIGHTINGS={policy!r}: there is nothing to learn from, SIGHTINGS is off"
            )
        if settings.events not in ("on", "off"):
            raise MisconfiguredError(f"EVENTS={settings.events!r}: must be on or off")
        try:
            ZoneInfo(settings.time_zone)
        except (ZoneInfoNotFoundError, ValueError, OSError) as exc:
            raise MisconfiguredError(f"TIME_ZONE={settings.time_zone!r}: no time zone that is known here") from exc
        if settings.https and settings.port == settings.https_port:
            raise MisconfiguredError(f"HTTPS_PORT={settings.https_port}: must be another than GATEWAY_PORT")
        return settings

    @property
    def keeps_sightings(self) -> bool:
        """Whether each recognised face is kept."""
        return self.sightings == "on"

    @property
    def photo_folders(self) -> tuple[Path, ...]:
        """The folders whose pictures may be sorted."""
        return tuple(Path(each) for each in self.photos_dirs.split(os.pathsep) if each.strip())

    @property
    def tells_events(self) -> bool:
        """Whether it is noted who came, for others to be told."""
        return self.events == "on"

    @property
    def zone(self) -> ZoneInfo:
        """The time zone of the site."""
        return ZoneInfo(self.time_zone)

    @property
    def certificate_file(self) -> Path:
        """Key, certificate and issuer, for whoever speaks https."""
        return self.certificates_dir / "server.pem"

    @property
    def root_file(self) -> Path:
        """The root certificate, for whoever asks by https."""
        return self.certificates_dir / "root.pem"

    @classmethod
    def describe(cls) -> list[tuple[str, str, str]]:
        """Return (variable, default, meaning) of every setting, for ``.env.example`` and the docs."""
        return [(f.metadata["env"], str(f.default), f.metadata["meaning"]) for f in fields(cls)]


def _given(env: Mapping[str, str], name: str) -> str:
    text, file = env.get(name, "").strip(), env.get(f"{name}_FILE", "").strip()
    if text or not file:
        return text
    try:
        return Path(file).read_text(encoding="utf-8").strip()
    except (OSError, ValueError) as exc:
        raise MisconfiguredError(f"{name}_FILE={file!r}: cannot be read") from exc


def _parse(metadata: Mapping[str, Any], kind: type, text: str) -> Any:
    env, least, most = metadata["env"], metadata["least"], metadata["most"]
    try:
        value = kind(text)
    except ValueError as exc:
        raise MisconfiguredError(f"{env}={text!r}: {kind.__name__} expected") from exc
    if least is not None and not least <= value <= most:
        raise MisconfiguredError(f"{env}={text!r}: must be from {least} to {most}")
    return value
