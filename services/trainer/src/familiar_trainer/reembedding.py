"""Re-embedding: let a backbone version see the stored crops that it has not seen yet."""

import functools
import logging
import threading
from collections.abc import Callable, Mapping
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from familiar.errors import InvalidInput, ServingRejected, ServingUnavailable
from familiar.records import Database, quarantine, samples
from familiar.seeing import Frame, decode, resize
from familiar.servable import BackboneMeta
from familiar_trainer.loading import Interrupted

_log = logging.getLogger(__name__)
_BATCH = 32
_GREY = 128
Float32 = NDArray[np.float32]


class Embedder(Protocol):
    """The part of ``familiar.serving.models.Models`` that is needed here."""

    def backbone(self, version: int) -> BackboneMeta:
        """Return what a backbone version says of itself."""

    def embed(self, chips: NDArray[np.uint8], version: int) -> Float32:
        """Return embeddings float32[N, D] of ``chips`` uint8[N, S, S, 3]."""


def embed_missing(database: Database, models: Embedder, version: int, stop: threading.Event) -> int:
    """Embed and store what backbone ``version`` has not seen; return how many samples that were.

    What is done is stored batch by batch, so that an interrupted run loses little. A crop that cannot be read, or that
    the backbone does not embed while it embeds others, is passed over with a warning.

    Raises:
        ServingUnavailable: Serving has not got that version, or does not answer.
        Interrupted: ``stop`` was set meanwhile.
    """
    done, after = 0, ""
    while True:
        if stop.is_set():
            raise Interrupted("told to stop while embedding stored crops")
        with database.read() as session:
            batch = list(samples.crops_without(session, version, _BATCH, after))
        if not batch:
            return done
        after = batch[-1][0]
        size_px = models.backbone(version).input_px
        chips = {
            sample_id: chip for sample_id, crop in batch if (chip := chip_of(sample_id, crop, size_px)) is not None
        }
        vectors = embedded(models, chips, version)
        if vectors:
            database.retry(_storing(vectors, version))
        done += len(vectors)


def embedded(models: Embedder, chips: Mapping[str, Frame], version: int) -> dict[str, Float32]:
    """Return the embeddings of all ``chips`` that have one; both by sample.

    Raises:
        ServingUnavailable: it does not embed a plain grey picture either.
    """
    if not chips:
        return {}
    try:
        return dict(zip(chips, models.embed(np.stack(list(chips.values())), version), strict=True))
    except (ServingUnavailable, ServingRejected):
        grey = np.full_like(next(iter(chips.values()))[None], _GREY)
        models.embed(grey, version)
    found = {}
    for sample_id, chip in chips.items():
        try:
            found[sample_id] = models.embed(chip[None], version)[0]
        except (ServingUnavailable, ServingRejected) as exc:
            models.embed(grey, version)
            _log.warning("%s is left out, the backbone does not embed it: %s", sample_id, exc)
    return found


def see_again(models: Embedder, crops: Mapping[str, bytes], version: int) -> dict[str, Float32 | None]:
    """Return what a backbone version makes of ``crops``, float32[D] by id; None of one that it cannot see.

    Raises:
        ServingUnavailable: Serving has not got that version, or does not answer.
    """
    size_px = models.backbone(version).input_px
    chips = {each: chip for each, crop in crops.items() if (chip := chip_of(each, crop, size_px)) is not None}
    vectors = embedded(models, chips, version)
    return {each: vectors.get(each) for each in crops}


def embed_spoken_of(database: Database, models: Embedder, version: int) -> None:
    """Have a backbone version see all faces of which somebody has said something; raises as ``see_again`` does."""
    while True:
        with database.read() as session:
            crops = quarantine.unseen(session, version, _BATCH, said=True)
        if not crops:
            return
        vectors = see_again(models, crops, version)
        database.retry(functools.partial(quarantine.see, backbone_version=version, vectors=vectors))


def _storing(vectors: Mapping[str, Float32], version: int) -> Callable[[Session], None]:
    def store(session: Session) -> None:
        for sample_id, vector in vectors.items():
            samples.add_vector(session, sample_id, version, vector)

    return store


def chip_of(sample_id: str, crop: bytes, size_px: int) -> Frame | None:
    """Return a stored crop as the chip uint8[S, S, 3], RGB, that a backbone takes; None if it cannot be read."""
    try:
        return resize(decode(crop), size_px)
    except InvalidInput as exc:
        _log.warning("a crop of %s cannot be read and is left out: %s", sample_id, exc)
        return None
