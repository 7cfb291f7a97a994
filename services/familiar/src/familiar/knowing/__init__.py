"""Knowing: whose face an embedding is, or nobody's; it knows vectors and opaque ids, and neither pixels nor samples."""

from familiar.knowing import decision, evidence
from familiar.knowing.decision import Decision, Status, decide
from familiar.knowing.embedding import Float32, from_blob, is_near_copy, normalise, to_blob
from familiar.knowing.glance import is_sure
from familiar.knowing.head import Head

__all__ = [
    "Decision",
    "Float32",
    "Head",
    "Status",
    "decide",
    "decision",
    "evidence",
    "from_blob",
    "is_near_copy",
    "is_sure",
    "normalise",
    "to_blob",
]
