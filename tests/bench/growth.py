"""What a head costs when more and more people are enrolled: simulated embeddings, 40 samples each, as of 150 frames."""

import json
import resource
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

import crowd
from bench import engine
from familiar.knowing.head import Head
from familiar.learning import learned as learning
from familiar.learning.comparison import worse_than
from familiar.learning.gallery import Gallery
from familiar.learning.learned import Learned
from familiar.servable import EMBEDDING, PREDICT_SIGNATURE, HeadMeta
from familiar_trainer.export.head_export import head_servable
from familiar_trainer.export.savedmodel import write
from familiar_trainer.tf_runtime import Session

Figures = dict[str, float | int | str]

PEOPLE = (10, 100, 1_000, 10_000)
BEYOND = 100_000
SAMPLES = 40
FAR_TARGET = 0.001


def growth() -> dict[str, Figures]:
    """Return the figures by number of people; the largest takes a minute and a gigabyte or two."""
    figures = {f"a head of {count:,} people": _measure(count) for count in PEOPLE}
    return {**figures, f"a head of {BEYOND:,} people, not learned": _beyond()}


def _measure(people: int) -> Figures:
    """Enrol one person more than ``people``, whom the live head knows."""
    gallery = crowd.gallery(crowd.centres(people + 1, seed=1), SAMPLES)
    live = learning.learn(_first(gallery, people), crowd.STRANGERS, FAR_TARGET).head
    start = time.perf_counter()
    learned = learning.learn(gallery, crowd.STRANGERS, FAR_TARGET)
    learned_at = time.perf_counter()
    worse = worse_than(live, learned, gallery)
    compared_at = time.perf_counter()
    worse_than(_half(live), learned, gallery)
    half_compared_at = time.perf_counter()
    exported = _export(learned.head, _meta(learned, len(gallery)))
    return {
        "learn_s": round(learned_at - start, 2),
        "compare_s": round(compared_at - learned_at, 2),
        "compare_when_half_are_new_s": round(half_compared_at - compared_at, 2),
        "worse": len(worse),
        **exported,
        "weights_mb": round(len(learned.head.to_bytes()) / 1e6, 2),
        "report_mb": round(len(json.dumps(learned.people)) / 1e6, 2),
        "peak_of_the_process_so_far_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
    }


def _beyond() -> Figures:
    """Return what one head of very many people costs whoever asks it, beside an engine in its place.

    The head is made of the people as they are: a prototype is where a person's samples are, and learning is left out.
    """
    centres = crowd.centres(BEYOND, seed=3)
    ids = tuple(f"{i:032x}" for i in range(BEYOND))
    strangers = crowd.STRANGERS.strangers(2_000, seed=9)
    threshold = float(np.quantile((strangers @ centres.T).max(axis=1), 1 - FAR_TARGET))
    head = Head(ids, centres, np.full(BEYOND, threshold, np.float32))
    exported = _export(head, _meta(Learned(head, threshold, {}, {}, np.zeros(0, np.float32)), 0))
    known = np.concatenate([crowd.faces(centre, 1, seed=i) for i, centre in enumerate(centres[:1_000])])
    return {
        **exported,
        **engine.measure(head, np.concatenate([known, strangers])),
    }


def _first(gallery: Gallery, people: int) -> Gallery:
    rows = gallery.person < people
    return Gallery(gallery.person_ids[:people], gallery.embeddings[rows], gallery.person[rows], gallery.block[rows])


def _half(head: Head) -> Head:
    people = len(head.person_ids) // 2
    return Head(head.person_ids[:people], head.prototypes[:people], head.thresholds[:people])


def _export(head: Head, meta: HeadMeta) -> Figures:
    """Return what writing the servable costs, and how long what was written takes to identify one face."""
    with tempfile.TemporaryDirectory(prefix="familiar-bench-") as folder:
        start = time.perf_counter()
        write(head_servable(head, meta), Path(folder))
        took_s = time.perf_counter() - start
        size = sum(file.stat().st_size for file in Path(folder).rglob("*") if file.is_file())
        session = Session(Path(folder))
        one_ms = [_took_ms(session, face) for face in crowd.centres(50, seed=2)]
        session.close()
    return {
        "export_s": round(took_s, 2),
        "servable_mb": round(size / 1e6, 2),
        "identify_one_ms": round(float(np.median(one_ms)), 2),
    }


def _took_ms(session: Session, face: np.ndarray) -> float:
    start = time.perf_counter()
    session.run(PREDICT_SIGNATURE, {EMBEDDING: face[None]})
    return 1000 * (time.perf_counter() - start)


def _meta(learned: Learned, samples: int) -> HeadMeta:
    return HeadMeta(
        backbone_version=1,
        dim=learned.head.dim,
        threshold=learned.threshold,
        data_digest="",
        far_target=FAR_TARGET,
        people=len(learned.head.person_ids),
        samples=samples,
        created_at=datetime.now(UTC).isoformat(timespec="seconds"),
        metrics=learned.metrics,
    )
