"""The tables. Times are UTC seconds since 1970 (float), ids 32 hexadecimal digits, vectors little-endian float32."""

from familiar.records.schema.access import AccessKey, AccessSession, AuditEntry
from familiar.records.schema.base import Base
from familiar.records.schema.changes import Correction, Erasure, FormerOwner
from familiar.records.schema.errors import RecentError
from familiar.records.schema.events import Ahead, Destination, Event, Retained, Visit
from familiar.records.schema.heads import (
    BackboneVersion,
    HeadVersion,
    IssuedVersion,
    SiteCorrection,
    TaintedVersion,
    Training,
)
from familiar.records.schema.people import Embedding, Enrollment, FrameVerdict, Person, Sample
from familiar.records.schema.photos import Photo, PhotoFace, PhotoFile, PhotoJob
from familiar.records.schema.sightings import Replay, SightedFace, Sighting, SightingCrop, Stranger, StrangerChange
from familiar.records.schema.use import Feedback, QuarantinedFace

__all__ = [
    "AccessKey",
    "AccessSession",
    "Ahead",
    "AuditEntry",
    "BackboneVersion",
    "Base",
    "Correction",
    "Destination",
    "Embedding",
    "Enrollment",
    "Erasure",
    "Event",
    "Feedback",
    "FormerOwner",
    "FrameVerdict",
    "HeadVersion",
    "IssuedVersion",
    "Person",
    "Photo",
    "PhotoFace",
    "PhotoFile",
    "PhotoJob",
    "QuarantinedFace",
    "RecentError",
    "Replay",
    "Retained",
    "Sample",
    "SightedFace",
    "Sighting",
    "SightingCrop",
    "SiteCorrection",
    "Stranger",
    "StrangerChange",
    "TaintedVersion",
    "Training",
    "Visit",
]
