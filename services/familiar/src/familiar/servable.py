"""The contract between whoever exports a model and whoever asks it: names and metadata of both servables.

``backbone``: ``serving_default(image uint8[N,S,S,3]) -> embedding float32[N,D]``, L2-normalised; one that says so in
its metadata has ``glance`` as well, which takes and answers the same, in less time and a little less surely.
``head``: ``serving_default(embedding float32[N,D]) -> index int32[N,K], score float32[N,K], known bool[N]``.
Both: ``describe(query string[N]) -> labels string[N,L], meta_json string[N]``, batch-preserving, made of constants.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Self

BACKBONE = "backbone"
HEAD = "head"
MODELS = (BACKBONE, HEAD)

PREDICT_SIGNATURE = "serving_default"
GLANCE_SIGNATURE = "glance"
DESCRIBE_SIGNATURE = "describe"

IMAGE = "image"
EMBEDDING = "embedding"
INDEX = "index"
SCORE = "score"
KNOWN = "known"
QUERY = "query"
LABELS = "labels"
META_JSON = "meta_json"

CANDIDATES = 5
"""K: how many candidates a head answers with, padded with index -1 and score -1."""

MAX_BATCH = 8
"""Most faces in one Predict; a frame with more is sent in several."""

WARMUP_BATCHES = (1, 2, 4, 8)


class _Meta:
    """JSON round trip shared by both metadata records; unknown keys of newer versions are ignored."""

    def to_json(self) -> str:
        """Return the record as JSON with sorted keys, so equal records are equal texts."""
        return json.dumps(self.to_dict(), sort_keys=True)

    def to_dict(self) -> dict[str, Any]:
        """Return the record as JSON values."""
        return asdict(self)  # type: ignore[call-overload, no-any-return]

    @classmethod
    def from_json(cls, text: str | bytes) -> Self:
        """Read a record.

        Raises:
            ValueError: the text is not a JSON object with the fields of this record.
        """
        values = json.loads(text)
        if not isinstance(values, dict):
            raise ValueError(f"servable metadata must be a JSON object, got {type(values).__name__}")
        return cls.from_dict(values)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Read a record from JSON values.

        Raises:
            ValueError: a field is missing.
        """
        known = cls.__dataclass_fields__  # type: ignore[attr-defined]
        try:
            return cls(**{key: value for key, value in values.items() if key in known})
        except TypeError as exc:
            raise ValueError(f"servable metadata lacks fields: {exc}") from exc


@dataclass(frozen=True)
class BackboneMeta(_Meta):
    """What a backbone version says of itself.

    Attributes:
        mirrored: an embedding is that of a face and its mirror image: the mean of both, brought to length 1.
        glance_margin: the signature ``glance`` embeds the face alone, and what a head says of that may be trusted where
            it is this far, as a score, from saying something else. None where there is no such signature.
        metric: SHA-256 of the matrix of the learned metric that embeddings are in; empty where there is none.
    """

    name: str
    input_px: int
    dim: int
    licence: str
    weights_sha256: str
    source: str = ""
    mirrored: bool = False
    glance_margin: float | None = None
    metric: str = ""

    def __post_init__(self) -> None:
        margin = self.glance_margin
        if margin is not None and not (isinstance(margin, int | float) and margin > 0):
            raise ValueError(f"the margin of a glance must be a number above 0, got {margin!r}")
        if margin is not None and not self.mirrored:
            raise ValueError("a glance has a margin, but there is no mirror image that it leaves out")


@dataclass(frozen=True)
class HeadMeta(_Meta):
    """What a head version says of itself; its people are the ``labels`` of ``describe``, in index order.

    ``correction`` is the digest of the site's correction that its threshold contains, "" for none.
    """

    backbone_version: int
    dim: int
    threshold: float
    data_digest: str
    far_target: float
    people: int
    samples: int
    created_at: str
    metrics: Mapping[str, Any] = field(default_factory=dict)
    correction: str = ""
