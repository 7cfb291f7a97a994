"""The tables. Times are UTC seconds since 1970 (float), ids 32 hexadecimal digits, vectors little-endian float32."""

from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, LargeBinary, String, Text, UniqueConstraint, text
from sqlalchemy.orm import DeclarativeBase, Mapped, deferred, mapped_column

_ID = String(32)
_WORD = String(32)


class Base(DeclarativeBase):
    """Base of all tables."""


class Person(Base):
    """Somebody who is, or is about to be, enrolled.

    Of all who are ``enrolled`` under names that look the same (``name_key``) the database admits one, but for those
    who may share theirs (``shares_name``).
    """

    __tablename__ = "people"
    id: Mapped[str] = mapped_column(_ID, primary_key=True)
    name: Mapped[str] = mapped_column(Text, index=True)
    created_at: Mapped[float]
    name_key: Mapped[str] = mapped_column(Text, index=True)
    shares_name: Mapped[bool] = mapped_column(default=False)
    enrolled: Mapped[bool] = mapped_column(default=False)


class Enrollment(Base):
    """One capture of one person, from the first frame to being recognised.

    ``alike_person_id`` is who the person cannot be told from, if that is why it failed, as long as they are enrolled.
    ``request_digest`` tells what the ``idempotency_key`` was sent with, ``consent`` what the person agreed to when it
    was opened, ``opened_by`` is the id of the key with which that was done, if one was asked for.
    """

    __tablename__ = "enrollments"
    id: Mapped[str] = mapped_column(_ID, primary_key=True)
    person_id: Mapped[str] = mapped_column(_ID, ForeignKey("people.id"), index=True)
    status: Mapped[str] = mapped_column(_WORD, index=True)
    idempotency_key: Mapped[str | None] = mapped_column(String(200), unique=True)
    training_id: Mapped[str | None] = mapped_column(_ID, ForeignKey("trainings.id"), index=True)
    head_version: Mapped[int | None]
    error_code: Mapped[str | None] = mapped_column(_WORD)
    error_message: Mapped[str | None] = mapped_column(Text)
    alike_person_id: Mapped[str | None] = mapped_column(_ID)
    created_at: Mapped[float]
    updated_at: Mapped[float]
    request_digest: Mapped[str | None] = mapped_column(String(64))
    consent: Mapped[str | None] = mapped_column(Text)
    opened_by: Mapped[str | None] = mapped_column(_ID)


class FrameVerdict(Base):
    """What was said of one frame of an enrolment; accepted frames have a sample as well."""

    __tablename__ = "frames"
    __table_args__ = (UniqueConstraint("enrollment_id", "digest"),)
    enrollment_id: Mapped[str] = mapped_column(_ID, ForeignKey("enrollments.id"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    digest: Mapped[str] = mapped_column(String(64))
    reasons: Mapped[list[str]] = mapped_column(JSON)


class Sample(Base):
    """One accepted face of a person: the crop, how good it was, and when it was taken.

    One that is ``set_aside`` was said not to be theirs and is nobody's: it stays until that can no longer be undone.
    ``origin`` is how it came to be theirs; of one learned from use, ``learned_on`` is the day since 1970, by our clock.
    """

    __tablename__ = "samples"
    __table_args__ = (UniqueConstraint("enrollment_id", "position"),)
    id: Mapped[str] = mapped_column(_ID, primary_key=True)
    enrollment_id: Mapped[str] = mapped_column(_ID, ForeignKey("enrollments.id"))
    person_id: Mapped[str] = mapped_column(_ID, ForeignKey("people.id"), index=True)
    position: Mapped[int]
    captured_at: Mapped[float]
    detector: Mapped[str] = mapped_column(_WORD)
    quality: Mapped[dict[str, Any]] = mapped_column(JSON)
    crop: Mapped[bytes] = deferred(mapped_column(LargeBinary))
    set_aside: Mapped[bool] = mapped_column(default=False)
    origin: Mapped[str] = mapped_column(_WORD, default="human")
    learned_on: Mapped[int | None]


class Embedding(Base):
    """A sample as one backbone version sees it."""

    __tablename__ = "embeddings"
    sample_id: Mapped[str] = mapped_column(_ID, ForeignKey("samples.id", ondelete="CASCADE"), primary_key=True)
    backbone_version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    vector: Mapped[bytes] = mapped_column(LargeBinary)


class Training(Base):
    """One making of a head: asked for, under way, or ended.

    ``lease_until`` is by the clock of ``lease_owner``, and a sign of life by being renewed; without an owner it is how
    long the training had better be left alone.
    """

    __tablename__ = "trainings"
    id: Mapped[str] = mapped_column(_ID, primary_key=True)
    kind: Mapped[str] = mapped_column(_WORD)
    stage: Mapped[str] = mapped_column(_WORD, index=True)
    backbone_version: Mapped[int | None]
    source_version: Mapped[int | None]
    head_version: Mapped[int | None]
    error_code: Mapped[str | None] = mapped_column(_WORD)
    error_message: Mapped[str | None] = mapped_column(Text)
    attempts: Mapped[int] = mapped_column(default=0)
    lease_owner: Mapped[str | None] = mapped_column(String(100))
    lease_until: Mapped[float | None]
    created_at: Mapped[float]
    started_at: Mapped[float | None]
    ended_at: Mapped[float | None]


class HeadVersion(Base):
    """One version of the head, its weights and what is known of it; ``report`` is that by person id.

    What grows with the people is read only where it is asked for, and while the session is open.
    """

    __tablename__ = "head_versions"
    version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    training_id: Mapped[str | None] = mapped_column(_ID, ForeignKey("trainings.id"), index=True)
    backbone_version: Mapped[int]
    status: Mapped[str] = mapped_column(_WORD, index=True)
    meta: Mapped[dict[str, Any]] = mapped_column(JSON)
    person_ids: Mapped[list[str]] = mapped_column(JSON, deferred=True)
    weights: Mapped[bytes | None] = deferred(mapped_column(LargeBinary))
    report: Mapped[dict[str, Any] | None] = deferred(mapped_column(JSON(none_as_null=True)))
    created_at: Mapped[float]
    live_at: Mapped[float | None]


class BackboneVersion(Base):
    """One version of the backbone."""

    __tablename__ = "backbone_versions"
    version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    meta: Mapped[dict[str, Any]] = mapped_column(JSON)
    created_at: Mapped[float]


class SiteCorrection(Base):
    """What strangers before the site's own camera taught: how thresholds have to move, and what that rests on.

    There is one at most; of the strangers' faces nothing is kept.
    """

    __tablename__ = "site_corrections"
    id: Mapped[str] = mapped_column(_ID, primary_key=True)
    backbone_version: Mapped[int]
    numbers: Mapped[dict[str, Any]] = mapped_column(JSON)
    audit: Mapped[dict[str, Any]] = mapped_column(JSON)
    created_at: Mapped[float]


class Correction(Base):
    """What somebody put right, and whether that was undone; ``number`` counts them.

    The ``samples``, so many, were those of ``person_id`` (None: they came with an enrolment) and went to
    ``to_person_id`` (None: to nobody), where ``enrollment_id`` holds them. ``before`` is what has to be known to undo
    it beside the former owners. It goes when the correction is ``final``: when the time is over, or what it is
    about was deleted.
    """

    __tablename__ = "corrections"
    number: Mapped[int] = mapped_column(primary_key=True)
    id: Mapped[str] = mapped_column(_ID, unique=True)
    kind: Mapped[str] = mapped_column(_WORD)
    person_id: Mapped[str | None] = mapped_column(_ID, index=True)
    to_person_id: Mapped[str | None] = mapped_column(_ID, index=True)
    enrollment_id: Mapped[str | None] = mapped_column(_ID)
    samples: Mapped[int]
    key_id: Mapped[str | None] = mapped_column(_ID)
    address: Mapped[str | None] = mapped_column(String(64))
    created_at: Mapped[float]
    undoable_until: Mapped[float]
    undone_at: Mapped[float | None]
    undone_by: Mapped[str | None] = mapped_column(_ID)
    final: Mapped[bool] = mapped_column(default=False)
    before: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))


class FormerOwner(Base):
    """Whose a sample was before a correction, or before one was undone (then without ``correction_id``), and where.

    Head versions from the first to the last one may have been made of it as theirs.
    """

    __tablename__ = "former_owners"
    id: Mapped[int] = mapped_column(primary_key=True)
    sample_id: Mapped[str] = mapped_column(_ID, ForeignKey("samples.id", ondelete="CASCADE"), index=True)
    correction_id: Mapped[str | None] = mapped_column(_ID, index=True)
    person_id: Mapped[str] = mapped_column(_ID)
    enrollment_id: Mapped[str] = mapped_column(_ID, index=True)
    position: Mapped[int]
    first_version: Mapped[int]
    last_version: Mapped[int]


class Erasure(Base):
    """A person, a capture or a sample that was deleted and still has traces; gone when these are.

    ``in_heads`` tells whether heads may have been made of it, so that there is more to do than to clean the files.
    """

    __tablename__ = "erasures"
    id: Mapped[str] = mapped_column(_ID, primary_key=True)
    created_at: Mapped[float]
    in_heads: Mapped[bool]


class TaintedVersion(Base):
    """A version of the head that was made of something deleted since; gone when nothing of its weights is left."""

    __tablename__ = "tainted_versions"
    version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)


class IssuedVersion(Base):
    """The greatest version number ever given out, by servable, so that none is used twice."""

    __tablename__ = "issued_versions"
    servable: Mapped[str] = mapped_column(_WORD, primary_key=True)
    version: Mapped[int]


class AccessKey(Base):
    """What somebody is let in by: a secret, of which the ``digest`` is kept, or a password, of which a slow hash is.

    Of all that are not revoked the database admits one of each name. ``camera`` is the one that the key is bound to.
    """

    __tablename__ = "access_keys"
    id: Mapped[str] = mapped_column(_ID, primary_key=True)
    name: Mapped[str] = mapped_column(Text)
    digest: Mapped[str | None] = mapped_column(String(64), unique=True)
    password: Mapped[str | None] = mapped_column(Text)
    scopes: Mapped[list[str]] = mapped_column(JSON)
    camera: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[float]
    used_at: Mapped[float | None]
    expires_at: Mapped[float | None]
    revoked_at: Mapped[float | None]


class AccessSession(Base):
    """A page that has signed in with a key; of its token the ``digest`` is kept."""

    __tablename__ = "access_sessions"
    digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    key_id: Mapped[str] = mapped_column(_ID, ForeignKey("access_keys.id"), index=True)
    created_at: Mapped[float]
    expires_at: Mapped[float]


class Stranger(Base):
    """Somebody who came by and whom nobody has named: a group of unknown sightings that look like one person.

    ``into_id`` is the stranger who took all of these sightings over when both turned out to be one.
    """

    __tablename__ = "strangers"
    id: Mapped[str] = mapped_column(_ID, primary_key=True)
    created_at: Mapped[float]
    into_id: Mapped[str | None] = mapped_column(_ID)
    ended_at: Mapped[float | None] = mapped_column(index=True)


class StrangerChange(Base):
    """A line of how strangers were told apart: ``stranger_id`` went into, or came out of, ``other_id``."""

    __tablename__ = "stranger_changes"
    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[float] = mapped_column(index=True)
    kind: Mapped[str] = mapped_column(_WORD)
    stranger_id: Mapped[str] = mapped_column(_ID, index=True)
    other_id: Mapped[str] = mapped_column(_ID, index=True)
    sightings: Mapped[int]


class Sighting(Base):
    """One face that came by, on one frame or on several shortly after each other, and what was said of it.

    ``person_id`` is who it is of: whom the head named (``status``), or whom somebody named at ``named_at``, by an
    enrolment that learns of it. ``vector`` is the mean of all ``frames``, of which ``agreeing`` said what the sighting
    says. ``captured_at`` and ``last_at`` are when the first and the last of them were taken, by whoever sent them;
    ``kept_at`` is by our clock.
    """

    __tablename__ = "sightings"
    id: Mapped[str] = mapped_column(_ID, primary_key=True)
    captured_at: Mapped[float]
    last_at: Mapped[float]
    kept_at: Mapped[float] = mapped_column(index=True)
    camera: Mapped[str | None] = mapped_column(Text)
    status: Mapped[str] = mapped_column(_WORD)
    person_id: Mapped[str | None] = mapped_column(_ID, ForeignKey("people.id"))
    named_at: Mapped[float | None]
    enrollment_id: Mapped[str | None] = mapped_column(_ID)
    stranger_id: Mapped[str | None] = mapped_column(_ID, ForeignKey("strangers.id"), index=True)
    score: Mapped[float | None]
    candidates: Mapped[list[list[Any]]] = mapped_column(JSON)
    head_version: Mapped[int]
    backbone_version: Mapped[int]
    frames: Mapped[int]
    agreeing: Mapped[int]
    vector: Mapped[bytes] = mapped_column(LargeBinary, deferred=True)


class SightingCrop(Base):
    """One of the best frames of a sighting: the crop, and which face of which request it was."""

    __tablename__ = "sighting_crops"
    sighting_id: Mapped[str] = mapped_column(_ID, ForeignKey("sightings.id", ondelete="CASCADE"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    captured_at: Mapped[float]
    request_id: Mapped[str] = mapped_column(String(64), index=True)
    face: Mapped[int]
    weight: Mapped[float]
    box: Mapped[list[float]] = mapped_column(JSON)
    quality: Mapped[dict[str, Any]] = mapped_column(JSON)
    crop: Mapped[bytes] = mapped_column(LargeBinary, deferred=True)


class Replay(Base):
    """What another head, or another threshold, would have said of past sightings: asked for, under way, or answered."""

    __tablename__ = "replays"
    id: Mapped[str] = mapped_column(_ID, primary_key=True)
    stage: Mapped[str] = mapped_column(_WORD, index=True)
    asked: Mapped[dict[str, Any]] = mapped_column(JSON)
    answer: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True), deferred=True)
    error_code: Mapped[str | None] = mapped_column(_WORD)
    error_message: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[float]
    ended_at: Mapped[float | None]


class AuditEntry(Base):
    """One line of who did what; the database refuses to change any, and to delete one of the last 30 days."""

    __tablename__ = "audit"
    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[float] = mapped_column(index=True)
    key_id: Mapped[str | None] = mapped_column(_ID)
    address: Mapped[str | None] = mapped_column(String(64))
    action: Mapped[str] = mapped_column(_WORD)
    target: Mapped[str | None] = mapped_column(_ID)


class PhotoJob(Base):
    """A folder of photos, or photos that were sent, to be sorted by who is on them, see ``familiar.records.photos``.

    ``folder`` is a path on the machine where photos are sorted, or a name for what was ``uploaded``. ``found`` is how
    many pictures there are, where that is known. ``wanted`` says what is to be written beside them, ``written`` what
    was. ``owner`` works on it and counts up ``beat`` with each step; ``next_path`` is what it looks at now, after
    ``tries`` in which others died.
    """

    __tablename__ = "photo_jobs"
    id: Mapped[str] = mapped_column(_ID, primary_key=True)
    folder: Mapped[str] = mapped_column(Text)
    uploaded: Mapped[bool]
    stage: Mapped[str] = mapped_column(_WORD, index=True)
    found: Mapped[int | None]
    wanted: Mapped[list[str]] = mapped_column(JSON)
    written: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    error_code: Mapped[str | None] = mapped_column(_WORD)
    error_message: Mapped[str | None] = mapped_column(Text)
    owner: Mapped[str | None] = mapped_column(String(100))
    beat: Mapped[int] = mapped_column(default=0)
    next_path: Mapped[str | None] = mapped_column(Text)
    tries: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[float]
    ended_at: Mapped[float | None]


class PhotoFile(Base):
    """A file that a job came to: which picture it holds, or by its ``code`` why none that could be looked at."""

    __tablename__ = "photo_files"
    __table_args__ = (Index("ix_photo_files_digest", "job_id", "digest"),)
    job_id: Mapped[str] = mapped_column(_ID, ForeignKey("photo_jobs.id"), primary_key=True)
    path: Mapped[str] = mapped_column(Text, primary_key=True)
    digest: Mapped[str | None] = mapped_column(String(64))
    code: Mapped[str | None] = mapped_column(_WORD)


class Photo(Base):
    """A picture that a job has looked at, however many files hold it; its size is that of the upright picture."""

    __tablename__ = "photos"
    job_id: Mapped[str] = mapped_column(_ID, ForeignKey("photo_jobs.id"), primary_key=True)
    digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    width: Mapped[int]
    height: Mapped[int]
    orientation: Mapped[int]


class PhotoFace(Base):
    """A face on a picture of a job: whose the head thinks it is, or somebody ``said`` it is.

    ``person_id`` is who that is, said by an enrolment that learns it where there is one; ``stranger_id`` is which of
    the job's strangers it is of otherwise. ``vector`` is missing where the face was too bad to be asked about.
    """

    __tablename__ = "photo_faces"
    __table_args__ = (
        UniqueConstraint("job_id", "digest", "place"),
        Index("ix_photo_faces_person", "person_id", "job_id"),
        Index("ix_photo_faces_stranger", "job_id", "stranger_id"),
    )
    id: Mapped[str] = mapped_column(_ID, primary_key=True)
    job_id: Mapped[str] = mapped_column(_ID, ForeignKey("photo_jobs.id"))
    digest: Mapped[str] = mapped_column(String(64))
    place: Mapped[int]
    box: Mapped[list[float]] = mapped_column(JSON)
    quality: Mapped[dict[str, Any]] = mapped_column(JSON)
    weight: Mapped[float]
    status: Mapped[str] = mapped_column(_WORD)
    person_id: Mapped[str | None] = mapped_column(_ID, ForeignKey("people.id"))
    enrollment_id: Mapped[str | None] = mapped_column(_ID)
    said: Mapped[bool] = mapped_column(default=False)
    score: Mapped[float | None]
    stranger_id: Mapped[str | None] = mapped_column(_ID)
    backbone_version: Mapped[int]
    vector: Mapped[bytes | None] = mapped_column(LargeBinary, deferred=True)
    crop: Mapped[bytes] = mapped_column(LargeBinary, deferred=True)


class RecentError(Base):
    """Something that went wrong of late, all of its ``kind`` together, see ``familiar.records.recent_errors``."""

    __tablename__ = "recent_errors"
    kind: Mapped[str] = mapped_column(String(64), primary_key=True)
    part: Mapped[str] = mapped_column(_WORD)
    place: Mapped[str] = mapped_column(Text)
    code: Mapped[str] = mapped_column(_WORD)
    message: Mapped[str] = mapped_column(Text)
    request_id: Mapped[str | None] = mapped_column(String(64))
    times: Mapped[int]
    first_at: Mapped[float]
    last_at: Mapped[float] = mapped_column(index=True)


_IN_FORCE = text("revoked_at IS NULL")
Index(
    "ix_access_keys_one_of_a_name",
    AccessKey.name,
    unique=True,
    sqlite_where=_IN_FORCE,
    postgresql_where=_IN_FORCE,
)
Index("ix_sightings_time", Sighting.captured_at, Sighting.id)
Index("ix_sightings_person_time", Sighting.person_id, Sighting.captured_at, Sighting.id)
Index("ix_sightings_camera_time", Sighting.camera, Sighting.last_at)
Index("ix_samples_person_time", Sample.person_id, Sample.captured_at)
_ONE_OF_A_NAME = text("enrolled AND NOT shares_name")
Index(
    "ix_people_one_of_a_name",
    Person.name_key,
    unique=True,
    sqlite_where=_ONE_OF_A_NAME,
    postgresql_where=_ONE_OF_A_NAME,
)
