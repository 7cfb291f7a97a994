"""The two servables as the system sees them: faces to embeddings, embeddings to people.

Both answer only in the terms of the version that answered: labels and metadata are asked of that very version, and an
answer that does not fit the contract is an error, never a guess.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from familiar.errors import ModelNotFound, ServingUnavailable
from familiar.servable import (
    BACKBONE,
    CANDIDATES,
    DESCRIBE_SIGNATURE,
    EMBEDDING,
    GLANCE_SIGNATURE,
    HEAD,
    IMAGE,
    INDEX,
    KNOWN,
    LABELS,
    MAX_BATCH,
    META_JSON,
    PREDICT_SIGNATURE,
    QUERY,
    SCORE,
    BackboneMeta,
    HeadMeta,
)
from familiar.serving.client import Prediction

Float32 = NDArray[np.float32]
_REMEMBERED_VERSIONS = 16
_ATTEMPTS = 3
_LENGTH_TOLERANCE = 1e-2


class Predictor(Protocol):
    """The part of ``ServingClient`` that is needed here."""

    def predict(
        self,
        model: str,
        inputs: Mapping[str, NDArray[Any]],
        *,
        version: int | None = None,
        signature: str = "serving_default",
        outputs: Sequence[str] = (),
        timeout_s: float | None = None,
    ) -> Prediction:
        """Run a signature of the given version, or of the newest available one."""


@dataclass(frozen=True)
class HeadDescription:
    """What one head version says of itself; ``labels`` are person ids in index order."""

    version: int
    labels: tuple[str, ...]
    meta: HeadMeta


@dataclass(frozen=True)
class HeadAnswer:
    """What one head version says of N faces.

    Attributes:
        version: the only version that had a part in this answer.
        labels: person ids of that version, in index order.
        meta: metadata of that version.
        index: int32[N, K], positions in ``labels``, best first, -1 where padded.
        score: float32[N, K], cosine times length of the prototype, -1.0 where padded.
        known: bool[N], whether the best candidate is named.
    """

    version: int
    labels: tuple[str, ...]
    meta: HeadMeta
    index: NDArray[np.int32]
    score: Float32
    known: NDArray[np.bool_]


class Models:
    """Asks both servables; threads may share it.

    Every method raises ``ServingUnavailable`` (or a kind of it: ``ServingTimeout``, ``ModelNotFound``) when no answer
    that fits the contract comes, and ``ServingRejected`` when Serving refuses the input, as a head does that was
    trained for embeddings of another length.
    """

    def __init__(self, client: Predictor) -> None:
        self._client = client
        self._backbones: _Versions[BackboneMeta] = _Versions()
        self._heads: _Versions[HeadDescription] = _Versions()

    def backbone(self, version: int) -> BackboneMeta:
        """Return what a backbone version says of itself; asked once per version."""
        return self._backbones.get(version, lambda: self._describe_backbone(version))

    def head(self, version: int) -> HeadDescription:
        """Return what a head version says of itself; asked once per version."""
        return self._heads.get(version, lambda: self._describe_head(version))

    def newest_head(self) -> HeadDescription:
        """Return what the newest head version that is ready says of itself.

        Which one that is is always asked, but not for its labels, which are as many as there are people.
        """
        query = {QUERY: np.array([b""], np.object_)}
        asked = self._client.predict(HEAD, query, signature=DESCRIBE_SIGNATURE, outputs=(META_JSON,))
        return self.head(asked.version)

    def embed(self, chips: NDArray[np.uint8], version: int) -> Float32:
        """Return embeddings float32[N, D], L2-normalised, of ``chips`` uint8[N, S, S, 3], RGB, by ``version``."""
        return self._embed(chips, version, PREDICT_SIGNATURE)

    def glance(self, chips: NDArray[np.uint8], version: int) -> Float32:
        """Return embeddings as ``embed`` does, but of the faces alone, for a backbone that states a ``glance_margin``.

        What ``embed`` answers is the mean of this for a face and for its mirror image, brought to length 1.
        """
        return self._embed(chips, version, GLANCE_SIGNATURE)

    def _embed(self, chips: NDArray[np.uint8], version: int, signature: str) -> Float32:
        meta = self.backbone(version)
        rows = [
            self._embed_batch(chips[start : start + MAX_BATCH], version, signature, meta.dim)
            for start in range(0, len(chips), MAX_BATCH)
        ]
        return np.concatenate(rows) if rows else np.zeros((0, meta.dim), np.float32)

    def identify(self, embeddings: Float32, version: int | None = None) -> HeadAnswer:
        """Return who ``embeddings`` float32[N, D] are, by one head version (the newest that is ready, unless given).

        The caller compares ``meta.backbone_version`` of the answer with the version that made the embeddings.
        """
        for attempt in range(_ATTEMPTS):
            try:
                return self._identify(np.asarray(embeddings, np.float32), version)
            except ModelNotFound:
                # The version that answered first was retired before it had answered all; ask its successor.
                if version is not None or attempt == _ATTEMPTS - 1:
                    raise
        raise AssertionError("unreachable")

    def _identify(self, embeddings: Float32, version: int | None) -> HeadAnswer:
        if len(embeddings) == 0:
            head = self.newest_head() if version is None else self.head(version)
            shape = (0, CANDIDATES)
            return _answer(head, [(np.zeros(shape, np.int32), np.zeros(shape, np.float32), np.zeros(0, np.bool_))])
        rows = []
        for start in range(0, len(embeddings), MAX_BATCH):
            batch = embeddings[start : start + MAX_BATCH]
            prediction = self._client.predict(HEAD, {EMBEDDING: batch}, version=version, outputs=(INDEX, SCORE, KNOWN))
            version = prediction.version  # all further faces are asked of the version that answered first
            shape = (len(batch), CANDIDATES)
            index = _output(prediction, HEAD, INDEX, np.int32, shape)
            score = _output(prediction, HEAD, SCORE, np.float32, shape)
            known = _output(prediction, HEAD, KNOWN, np.bool_, shape[:1])
            if not np.isfinite(score).all():
                raise _broken(HEAD, prediction.version, "a score is not finite")
            rows.append((index, score, known))
        assert version is not None
        head = self.head(version)
        if any((index >= len(head.labels)).any() for index, _, _ in rows):
            raise _broken(HEAD, version, f"an index is beyond its {len(head.labels)} labels")
        return _answer(head, rows)

    def _embed_batch(self, chips: NDArray[np.uint8], version: int, signature: str, dim: int) -> Float32:
        prediction = self._client.predict(
            BACKBONE, {IMAGE: chips}, version=version, signature=signature, outputs=(EMBEDDING,)
        )
        rows = _output(prediction, BACKBONE, EMBEDDING, np.float32, (len(chips), dim))
        length = np.linalg.norm(rows, axis=1)
        if not np.isfinite(rows).all() or np.abs(length - 1).max() > _LENGTH_TOLERANCE:
            raise _broken(BACKBONE, prediction.version, "an embedding does not have length 1")
        return rows

    def _describe_backbone(self, version: int) -> BackboneMeta:
        _, _, text = self._describe(BACKBONE, version)
        try:
            return BackboneMeta.from_json(text)
        except ValueError as exc:
            raise _broken(BACKBONE, version, str(exc)) from exc

    def _describe_head(self, version: int) -> HeadDescription:
        answered, labels, text = self._describe(HEAD, version)
        try:
            return HeadDescription(answered, labels, HeadMeta.from_json(text))
        except ValueError as exc:
            raise _broken(HEAD, answered, str(exc)) from exc

    def _describe(self, model: str, version: int) -> tuple[int, tuple[str, ...], str]:
        query = {QUERY: np.array([b""], np.object_)}
        prediction = self._client.predict(model, query, version=version, signature=DESCRIBE_SIGNATURE)
        labels, text = prediction.outputs.get(LABELS), prediction.outputs.get(META_JSON)
        if labels is None or text is None or labels.ndim != 2 or text.shape != (1,) or len(labels) != 1:
            raise _broken(model, prediction.version, "its description has another form than agreed")
        try:
            return prediction.version, tuple(_text(label) for label in labels[0].tolist()), _text(text.tolist()[0])
        except UnicodeDecodeError as exc:
            raise _broken(model, prediction.version, "its description is not UTF-8") from exc


T = TypeVar("T")


class _Versions(Generic[T]):
    """The last few versions seen; a version never changes, so what it said once stays true."""

    def __init__(self) -> None:
        self._known: OrderedDict[int, T] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, version: int, ask: Callable[[], T]) -> T:
        with self._lock:
            if version in self._known:
                self._known.move_to_end(version)
                return self._known[version]
        value = ask()  # outside the lock: a server that hangs must not hold up those who ask for other versions
        with self._lock:
            self._known[version] = value
            while len(self._known) > _REMEMBERED_VERSIONS:
                self._known.popitem(last=False)
        return value


_Rows = tuple[NDArray[np.int32], Float32, NDArray[np.bool_]]


def _answer(head: HeadDescription, rows: Sequence[_Rows]) -> HeadAnswer:
    index, score, known = (np.concatenate(column) for column in zip(*rows, strict=True))
    return HeadAnswer(head.version, head.labels, head.meta, index, score, known)


def _output(prediction: Prediction, model: str, name: str, dtype: Any, shape: tuple[int, ...]) -> NDArray[Any]:
    array = prediction.outputs.get(name)
    if array is None:
        raise _broken(model, prediction.version, f"it did not answer {name!r}")
    if array.shape != shape or array.dtype != np.dtype(dtype):
        wanted = f"{np.dtype(dtype)}{list(shape)}"
        raise _broken(model, prediction.version, f"{name!r} is {array.dtype}{list(array.shape)}, expected {wanted}")
    return array


def _text(value: object) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def _broken(model: str, version: int, what: str) -> ServingUnavailable:
    return ServingUnavailable(f"version {version} of model {model!r} breaks the contract: {what}", model=model)
