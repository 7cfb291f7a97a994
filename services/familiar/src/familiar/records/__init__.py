"""Records: the one truth, in a database: people, samples, enrolments, trainings and head versions.

``engine`` opens it, ``schema`` names the tables. A noun in the plural asks and changes its rows: its functions take a
session, belong to the caller's transaction and never commit. The same noun in the singular has the rules and the words
for it, and needs no database.
"""

from familiar.records import enrollments, erasures, people, person, samples, site_corrections, trainings, versions
from familiar.records.cleaning import clean
from familiar.records.engine import Database
from familiar.records.enrollment import EnrollmentStatus, IfKnown, IfNotAlike
from familiar.records.enrollments import Capture
from familiar.records.people import PersonSummary
from familiar.records.person import check_id, clean_name
from familiar.records.schema import BackboneVersion, HeadVersion, Person, Sample, SiteCorrection, Training
from familiar.records.training import Stage, TrainingKind
from familiar.records.versions import HeadStatus

# ``migrate`` is a program as well; who needs it imports it by name.
__all__ = [
    "BackboneVersion",
    "Capture",
    "Database",
    "EnrollmentStatus",
    "HeadStatus",
    "HeadVersion",
    "IfKnown",
    "IfNotAlike",
    "Person",
    "PersonSummary",
    "Sample",
    "SiteCorrection",
    "Stage",
    "Training",
    "TrainingKind",
    "check_id",
    "clean",
    "clean_name",
    "enrollments",
    "erasures",
    "migrate",
    "people",
    "person",
    "samples",
    "site_corrections",
    "trainings",
    "versions",
]
