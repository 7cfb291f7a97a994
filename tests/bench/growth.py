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
from familiar.servable import HeadMeta
from familiar_trainer.export.head_export import head_servable
from familiar_trainer.export.savedmodel import write

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
    size, exported_s = _export(learned.head, _meta(learned, len(gallery)))
    return {
        "learn_s": round(learned_at - start, 2),
        "compare_s": round(compared_at - learned_at, 2),
        "compare_when_half_are_new_s": round(half_compared_at - compared_at, 2),
        "worse": len(worse),
        "export_s": round(exported_s, 2),
        "servable_mb": round(size / 1e6, 2),
        "weights_mb": round(len(learned.head.to_bytes()) / 1e6, 2),
        "report_mb": round(len(json.dumps(learned.people)) / 1e6, 2),
        "identify_one_ms": round(_identify_ms(learned.head), 2),
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
    size, exported_s = _export(head, _meta(Learned(head, threshold, {}, {}, np.zeros(0, np.float32)), 0))
    known = np.concatenate([crowd.faces(centre, 1, seed=i) for i, centre in enumerate(centres[:1_000])])
    return {
        "export_s": round(exported_s, 2),
        "servable_mb": round(size / 1e6, 2),
        "identify_one_ms": round(_identify_ms(head), 2),
        **engine.measure(head, np.concatenate([known, strangers])),
    }


def _first(gallery: Gallery, people: int) -> Gallery:
    rows = gallery.person < people
    return Gallery(gallery.person_ids[:people], gallery.embeddings[rows], gallery.person[rows], gallery.block[rows])


def _half(head: Head) -> Head:
    people = len(head.person_ids) // 2
    return Head(head.person_ids[:people], head.prototypes[:people], head.thresholds[:people])


def _export(head: Head, meta: HeadMeta) -> tuple[int, float]:
    """Return (bytes of the servable, seconds that writing it took)."""
    with tempfile.TemporaryDirectory(prefix="familiar-bench-") as folder:
        start = time.perf_counter()
        write(head_servable(head, meta), Path(folder))
        took_s = time.perf_counter() - start
        return sum(file.stat().st_size for file in Path(folder).rglob("*") if file.is_file()), took_s


def _identify_ms(head: Head) -> float:
    """Return how long the reference computation takes for one face, as the median of 50."""
    faces = crowd.centres(50, seed=2)
    took = []
    for face in faces:
        start = time.perf_counter()
        head.identify(face[None])
        took.append(time.perf_counter() - start)
    return 1000 * float(np.median(took))


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
