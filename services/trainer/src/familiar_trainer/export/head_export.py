"""A head as a servable: the same answers as ``familiar.knowing.Head.identify``, as a graph."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from familiar.knowing import Head, normalise
from familiar.servable import CANDIDATES, EMBEDDING, INDEX, KNOWN, PREDICT_SIGNATURE, SCORE, WARMUP_BATCHES, HeadMeta
from familiar_trainer.export.servable import Judge, Outputs, Port, Probe, Servable
from familiar_trainer.tf_runtime import load_tensorflow

Float32 = npt.NDArray[np.float32]

# Two libraries add up a dot product in different orders; who is best or known may differ within this.
_TOLERANCE = 1e-5
_MOST_MEMBERS = 128


def head_servable(head: Head, meta: HeadMeta) -> Servable:
    """Return ``head`` with its metadata and the answers its export must give."""
    dim = head.dim
    rng = np.random.default_rng(0)
    return Servable(
        graphs={PREDICT_SIGNATURE: lambda embedding: _identify(head, embedding)},
        takes=Port(EMBEDDING, "float32", (None, dim)),
        answers=(
            Port(INDEX, "int32", (None, CANDIDATES)),
            Port(SCORE, "float32", (None, CANDIDATES)),
            Port(KNOWN, "bool", (None,)),
        ),
        labels=head.person_ids,
        meta_json=meta.to_json(),
        warmup=tuple(_probe(head, _faces(head, batch, rng)) for batch in WARMUP_BATCHES),
        probes=(_probe(head, _members(head)), _probe(head, _unusable(head))),
        malformed=tuple(np.zeros(shape, np.float32) for shape in ((), (dim,), (1, 1, dim), (1, dim + 1), (2, dim - 1))),
    )


def _identify(head: Head, embedding: Any) -> Mapping[str, Any]:
    tf = load_tensorflow()
    # An overflowing length is as unusable as NaN, hence the length is looked at and not the values.
    length = tf.norm(embedding, axis=1)
    usable = tf.math.is_finite(length) & (length > 0)
    padding = max(0, CANDIDATES - len(head.person_ids))
    rows = tf.shape(embedding)[0]
    if not head.person_ids:
        return {
            INDEX: tf.fill([rows, CANDIDATES], -1),
            SCORE: tf.fill([rows, CANDIDATES], -1.0),
            KNOWN: tf.zeros([rows], tf.bool),
        }
    unit = tf.where(usable[:, None], embedding, 0.0) / tf.where(usable, length, 1.0)[:, None]
    cosine = tf.matmul(unit, tf.constant(head.prototypes), transpose_b=True)
    score, index = tf.math.top_k(cosine, k=CANDIDATES - padding)
    known = usable & (score[:, 0] >= tf.gather(tf.constant(head.thresholds), index[:, 0]))
    score = tf.pad(score, [[0, 0], [0, padding]], constant_values=-1.0)
    index = tf.pad(index, [[0, 0], [0, padding]], constant_values=-1)
    return {
        INDEX: tf.where(usable[:, None], index, -1),
        SCORE: tf.where(usable[:, None], score, -1.0),
        KNOWN: known,
    }


def _faces(head: Head, count: int, rng: np.random.Generator) -> Float32:
    """Embeddings float32[count,D] of everybody's look-alikes and of strangers, half and half."""
    rows = rng.standard_normal((count, head.dim)).astype(np.float32)
    if head.person_ids:
        somebody = head.prototypes[rng.integers(0, len(head.person_ids), count)]
        rows = normalise(rows) * 0.5 + somebody * (np.arange(count) % 2 == 0)[:, None]
    return normalise(rows)


def _members(head: Head) -> Float32:
    """Return up to some hundred of the people themselves, not normalised; asking for all grows with their square."""
    return head.prototypes[:: max(1, len(head.person_ids) // _MOST_MEMBERS)] * 3


def _unusable(head: Head) -> Float32:
    """Return what no face has: NaN, infinities, values whose length overflows, zeros; float32[5,D]."""
    rows = np.ones((5, head.dim), np.float32)
    rows[0, 0], rows[1, 0], rows[2, -1], rows[3], rows[4] = np.nan, np.inf, -np.inf, np.finfo(np.float32).max, 0
    return rows


def _probe(head: Head, embeddings: Float32) -> Probe:
    return Probe({EMBEDDING: embeddings}, judge(head, embeddings))


def judge(head: Head, embeddings: Float32) -> Judge:
    """Return a judge that wants the answers of ``head`` to ``embeddings``, in any order among ties."""
    with np.errstate(over="ignore", invalid="ignore"):  # an overflowing length is one of the cases
        wanted = head.identify(embeddings)
        length = np.linalg.norm(embeddings, axis=1)
        cosine = normalise(embeddings) @ head.prototypes.T
    usable = np.isfinite(length) & (length > 0)

    def judge_outputs(outputs: Outputs) -> str | None:
        index, score, known = outputs[INDEX], outputs[SCORE], outputs[KNOWN]
        if index.shape != wanted.index.shape or score.shape != wanted.score.shape or known.shape != wanted.known.shape:
            return f"the answers have shapes {index.shape}, {score.shape}, {known.shape}"
        if not np.isfinite(score).all():
            return "a score is not finite"
        if known[~usable].any():
            return "an embedding that is no embedding is called known"
        if not (index[~usable] == -1).all() or not (score[~usable] == -1.0).all():
            return "an embedding that is no embedding has candidates"
        if np.abs(score - wanted.score)[usable].max(initial=0.0) > _TOLERANCE:
            return f"scores are off by {np.abs(score - wanted.score)[usable].max():.3g}"
        return _candidates_wrong(index[usable], score[usable], cosine[usable]) or _known_wrong(
            known[usable], index[usable], score[usable], head.thresholds
        )

    return judge_outputs


def _candidates_wrong(index: npt.NDArray[np.int32], score: Float32, cosine: Float32) -> str | None:
    """Every candidate must have the score it is answered with, and appear once."""
    people = cosine.shape[1]
    real = min(CANDIDATES, people)
    if not (index[:, real:] == -1).all():
        return "the answer is not padded with -1"
    found = index[:, :real]
    if ((found < 0) | (found >= people)).any():
        return f"a candidate is outside the {people} people"
    if any(len(set(row)) < real for row in found.tolist()):
        return "a candidate is answered twice"
    if np.abs(np.take_along_axis(cosine, found, axis=1) - score[:, :real]).max(initial=0.0) > _TOLERANCE:
        return "a candidate is answered with somebody else's score"
    return None


def _known_wrong(
    known: npt.NDArray[np.bool_], index: npt.NDArray[np.int32], score: Float32, thresholds: Float32
) -> str | None:
    if not len(thresholds):
        return "somebody is known to a head without people" if known.any() else None
    margin = score[:, 0] - thresholds[index[:, 0]]
    clear = np.abs(margin) > _TOLERANCE
    if (known != (margin >= 0))[clear].any():
        return "known does not follow from score and threshold"
    return None
