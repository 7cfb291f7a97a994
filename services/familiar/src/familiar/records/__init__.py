"""Records: the one truth, in a database: people, samples, enrolments, trainings, heads, sightings, photos, the audit.

``engine`` opens it, ``schema`` names the tables. A noun in the plural asks and changes its rows: its functions take a
session, belong to the caller's transaction and never commit. The same noun in the singular has the rules and the words
for it, and needs no database.
"""

from familiar.records import (
    attendance,
    audit,
    captures,
    corrections,
    deliveries,
    enrollments,
    erasures,
    events,
    feedback,
    key,
    keys,
    learned,
    letting_go,
    locked_cases,
    passes,
    people,
    person,
    photo_faces,
    photos,
    quarantine,
    recent_errors,
    replays,
    retries,
    reversals,
    samples,
    sessions,
    sightings,
    site_corrections,
    strangers,
    trainings,
    versions,
    visits,
)
from familiar.records.attendance import Attended
from familiar.records.audit import Action
from familiar.records.captures import Capture
from familiar.records.cleaning import clean
from familiar.records.correction import status_of as correction_status
from familiar.records.corrections import Terms
from familiar.records.engine import Database
from familiar.records.enrollment import EnrollmentStatus, IfKnown, IfNotAlike
from familiar.records.event import EventKind
from familiar.records.feedback import Said
from familiar.records.key import KeyKind, KeyStatus
from familiar.records.learned import Day as LearnedDay
from familiar.records.learned import Wanted as LearnedWanted
from familiar.records.people import Known, PersonSummary
from familiar.records.person import check_id, clean_name
from familiar.records.photo import PhotoStage, Written
from familiar.records.recent_errors import Mishap
from familiar.records.recorder import Recorder
from familiar.records.replays import ReplayStage
from familiar.records.schema import (
    AccessKey,
    AuditEntry,
    BackboneVersion,
    Correction,
    Enrollment,
    Event,
    Feedback,
    HeadVersion,
    Person,
    PhotoFace,
    PhotoFile,
    PhotoJob,
    QuarantinedFace,
    Replay,
    Sample,
    Sighting,
    SightingCrop,
    SiteCorrection,
    StrangerChange,
    Training,
)
from familiar.records.strangers import StrangerSummary
from familiar.records.training import Stage, TrainingKind
from familiar.records.verdict import Origin, Verdict
from familiar.records.versions import HeadStatus
from familiar.records.visits import Glimpse

# ``migrate`` is a program as well; who needs it imports it by name.
__all__ = [
    "AccessKey",
    "Action",
    "Attended",
    "AuditEntry",
    "BackboneVersion",
    "Capture",
    "Correction",
    "Database",
    "Enrollment",
    "EnrollmentStatus",
    "Event",
    "EventKind",
    "Feedback",
    "Glimpse",
    "HeadStatus",
    "HeadVersion",
    "IfKnown",
    "IfNotAlike",
    "KeyKind",
    "KeyStatus",
    "Known",
    "LearnedDay",
    "LearnedWanted",
    "Mishap",
    "Origin",
    "Person",
    "PersonSummary",
    "PhotoFace",
    "PhotoFile",
    "PhotoJob",
    "PhotoStage",
    "QuarantinedFace",
    "Recorder",
    "Replay",
    "ReplayStage",
    "Said",
    "Sample",
    "Sighting",
    "SightingCrop",
    "SiteCorrection",
    "Stage",
    "StrangerChange",
    "StrangerSummary",
    "Terms",
    "Training",
    "TrainingKind",
    "Verdict",
    "Written",
    "attendance",
    "audit",
    "captures",
    "check_id",
    "clean",
    "clean_name",
    "correction_status",
    "corrections",
    "deliveries",
    "enrollments",
    "erasures",
    "events",
    "feedback",
    "key",
    "keys",
    "learned",
    "letting_go",
    "locked_cases",
    "migrate",
    "passes",
    "people",
    "person",
    "photo_faces",
    "photos",
    "quarantine",
    "recent_errors",
    "replays",
    "retries",
    "reversals",
    "samples",
    "sessions",
    "sightings",
    "site_corrections",
    "strangers",
    "trainings",
    "versions",
    "visits",
]
