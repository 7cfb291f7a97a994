"""Small stand-ins for Serving and the queue: they keep the contract, count what they are asked, and fail on demand."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from familiar.disk import Disk
from familiar.errors import FamiliarError, ModelNotFound, QueueUnavailable, ServingRejected, ServingUnavailable
from familiar.knowing.embedding import normalise
from familiar.knowing.head import Head
from familiar.queueing.queue import QueueState
from familiar.queueing.workers import About, WorkerState
from familiar.servable import (
    BACKBONE,
    DESCRIBE_SIGNATURE,
    EMBEDDING,
    GLANCE_SIGNATURE,
    HEAD,
    IMAGE,
    BackboneMeta,
    HeadMeta,
)
from familiar.serving.client import Prediction, VersionState, VersionStatus


@dataclass(frozen=True)
class FakeBackbone:
    """Sees a face as its grey picture at 12x12, mixed by a fixed matrix; the same person stays alike."""

    meta: BackboneMeta
    seed: int = 0

    def embed(self, chips: NDArray[np.uint8]) -> NDArray[np.float32]:
        """uint8[N, S, S, 3] -> float32[N, D]."""
        small = [
            cv2.resize(cv2.cvtColor(chip, cv2.COLOR_RGB2GRAY), (12, 12), interpolation=cv2.INTER_AREA) for chip in chips
        ]
        rows = np.stack(small).reshape(len(chips), -1).astype(np.float32)
        rows = rows - rows.mean(axis=1, keepdims=True)
        mix = np.random.default_rng(self.seed).standard_normal((144, self.meta.dim)).astype(np.float32)
        return normalise(rows @ mix)


@dataclass(frozen=True)
class FakeMirroringBackbone(FakeBackbone):
    """Looks at a face and at its mirror image; each look alone is led astray by ``lean``, in opposite ways."""

    lean: float = 0.0

    def embed(self, chips: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return the mean of both looks: uint8[N, S, S, 3] -> float32[N, D]."""
        return normalise(self.glance(chips) + self.glance(chips[:, :, ::-1]))

    def glance(self, chips: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return the look at the faces alone: uint8[N, S, S, 3] -> float32[N, D]."""
        mirrored = chips[:, :, ::-1]
        astray = normalise(np.random.default_rng(99).standard_normal(self.meta.dim))
        side = np.sign(chips[:, :, : self.meta.input_px // 2].mean((1, 2, 3)) - chips.mean((1, 2, 3)))
        even = ((chips.astype(np.uint16) + mirrored) // 2).astype(np.uint8)
        return normalise(super().embed(even) + self.lean * side[:, None] * astray)


@dataclass
class FakeServing:
    """Holds versions of both models; ``fault`` is raised by every call until it is taken away."""

    backbones: dict[int, FakeBackbone] = field(default_factory=dict)
    heads: dict[int, tuple[Head, HeadMeta]] = field(default_factory=dict)
    fault: FamiliarError | None = None
    faults: dict[str, FamiliarError] = field(default_factory=dict)
    asked: list[tuple[str, int | None, int]] = field(default_factory=list)
    glances: list[int] = field(default_factory=list)
    shown: list[NDArray[np.uint8]] = field(default_factory=list)
    described: list[tuple[str, tuple[str, ...]]] = field(default_factory=list)
    spoil: dict[str, NDArray[Any]] = field(default_factory=dict)
    before_identify: list[Any] = field(default_factory=list)
    made_of: dict[str, str] = field(default_factory=dict)

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
        self._maybe_fail(model)
        versions: dict[int, Any] = self.backbones if model == BACKBONE else self.heads
        if signature != DESCRIBE_SIGNATURE and model == HEAD and self.before_identify:
            self.before_identify.pop(0)()
        chosen = max(versions, default=None) if version is None else version
        if chosen not in versions:
            raise ModelNotFound(f"no version {chosen} of {model}")
        if signature == DESCRIBE_SIGNATURE:
            told = self._describe(model, chosen)
            self.described.append((model, tuple(outputs or told)))
            return Prediction(chosen, {name: told[name] for name in outputs or told})
        if model == BACKBONE:
            self.shown = list(inputs[IMAGE])
        if signature == GLANCE_SIGNATURE:
            self.glances.append(len(inputs[IMAGE]))
            return Prediction(chosen, {EMBEDDING: self._glance(chosen, inputs[IMAGE])})
        self.asked.append((model, chosen, len(next(iter(inputs.values())))))
        if model == BACKBONE:
            found: dict[str, NDArray[Any]] = {EMBEDDING: self.backbones[chosen].embed(inputs[IMAGE])}
        else:
            head = self.heads[chosen][0]
            if inputs[EMBEDDING].shape[1] != head.dim:
                raise ServingRejected("embeddings of another length")
            said = head.identify(inputs[EMBEDDING])
            found = {"index": said.index, "score": said.score, "known": said.known}
        return Prediction(chosen, {**found, **{name: array for name, array in self.spoil.items() if name in found}})

    def versions(self, model: str, *, timeout_s: float | None = None) -> tuple[VersionStatus, ...]:
        self._maybe_fail(model)
        versions: dict[int, Any] = self.backbones if model == BACKBONE else self.heads
        return tuple(VersionStatus(each, VersionState.AVAILABLE, 0, "") for each in sorted(versions, reverse=True))

    def software(self, *, timeout_s: float | None = None) -> dict[str, str]:
        self._maybe_fail(HEAD)
        return self.made_of

    def available(self, model: str, *, timeout_s: float | None = None) -> int | None:
        return next((each.version for each in self.versions(model)), None)

    def _maybe_fail(self, model: str) -> None:
        fault = self.fault or self.faults.get(model)
        if fault is not None:
            raise fault

    def _glance(self, version: int, chips: NDArray[np.uint8]) -> NDArray[np.float32]:
        backbone = self.backbones[version]
        if not isinstance(backbone, FakeMirroringBackbone):
            raise ServingRejected('Serving signature key "glance" not found.')
        return backbone.glance(chips)

    def _describe(self, model: str, version: int) -> dict[str, NDArray[Any]]:
        if model == BACKBONE:
            labels, text = [], self.backbones[version].meta.to_json()
        else:
            head, meta = self.heads[version]
            labels, text = list(head.person_ids), meta.to_json()
        rows = np.empty((1, len(labels)), np.object_)
        rows[0, :] = [label.encode() for label in labels]
        return {"labels": rows, "meta_json": np.array([text.encode()], np.object_)}


@dataclass
class FakeQueue:
    """Remembers what was put on it."""

    trainings: list[str] = field(default_factory=list)
    replays: list[str] = field(default_factory=list)
    trainers: int = 1
    models: Disk | None = Disk(taken_bytes=24_000_000, free_bytes=50_000_000_000, size_bytes=100_000_000_000)
    away: bool = False

    def put(self, training_id: str) -> None:
        self.check()
        if training_id not in self.trainings:
            self.trainings.append(training_id)

    def put_replay(self, replay_id: str) -> None:
        self.check()
        self.replays.append(replay_id)

    def state(self) -> QueueState:
        self.check()
        return QueueState(waiting=len(self.trainings), running=0, failed=0)

    def workers(self) -> list[WorkerState]:
        self.check()
        about = About({"familiar": "0.0.1", "tensorflow": "2.0.0"}, self.models)
        return [
            WorkerState(f"trainer-{number}", "idle", None, 1_700_000_000.0, 1_700_000_100.0, about)
            for number in range(1, self.trainers + 1)
        ]

    def software(self) -> dict[str, str]:
        self.check()
        return {"redis": "7.0.0"}

    def check(self) -> None:
        if self.away:
            raise QueueUnavailable("the queue does not answer")


def backbone_meta(name: str = "fake", input_px: int = 96, dim: int = 32) -> BackboneMeta:
    """Return what a fake backbone says of itself."""
    return BackboneMeta(name=name, input_px=input_px, dim=dim, licence="CC0-1.0", weights_sha256="0" * 64, source="")


def head_meta(head: Head, backbone_version: int = 1, threshold: float = 0.8) -> HeadMeta:
    """Return what a fake head says of itself."""
    return HeadMeta(
        backbone_version=backbone_version, dim=head.dim, threshold=threshold, data_digest="00", far_target=0.001,
        people=len(head.person_ids), samples=len(head.person_ids), created_at="2026-01-01T00:00:00Z",
        metrics={"rank1": 1.0, "calibrated": True},
    )  # fmt: skip


def meta_dict(meta: BackboneMeta | HeadMeta) -> dict[str, Any]:
    """Return metadata as the database holds it."""
    value: dict[str, Any] = json.loads(meta.to_json())
    return value


class GreyBackbone:
    """Sees the mean grey of a crop, in ``dim`` numbers; may be away, or refuse black ones."""

    away = False

    def __init__(self, dim: int) -> None:
        self._dim = dim

    def backbone(self, version: int) -> BackboneMeta:
        return BackboneMeta("another", 32, self._dim, "CC0-1.0", "0" * 64)

    def embed(self, chips: np.ndarray, version: int) -> np.ndarray:
        if self.away or (chips.mean(axis=(1, 2, 3)) < 5).any():
            raise ServingUnavailable("no answer")
        turn = chips.mean(axis=(1, 2, 3)) / 255 * np.pi
        rest = [np.zeros(len(chips))] * (self._dim - 2)
        return normalise(np.stack([np.cos(turn), np.sin(turn), *rest], axis=1))
