"""What a head costs when more and more people are enrolled: simulated embeddings, 40 samples each, as of 150 frames."""

import json
import resource
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

import crowd
from familiar.knowing.head import Head
from familiar.learning import learned as learning
from familiar.learning.learned import Learned
from familiar.servable import HeadMeta
from familiar_trainer.export.head_export import head_servable
from familiar_trainer.export.savedmodel import write

Figures = dict[str, float | int | str]

PEOPLE = (10, 100, 1_000, 10_000)
SAMPLES = 40
FAR_TARGET = 0.001


def growth() -> dict[str, Figures]:
    """Return the figures by number of people; the largest takes a minute and a gigabyte or two."""
    return {f"a head of {count:,} people": _measure(count) for count in PEOPLE}


def _measure(people: int) -> Figures:
    gallery = crowd.gallery(crowd.centres(people, seed=1), SAMPLES)
    start = time.perf_counter()
    learned = learning.learn(gallery, crowd.STRANGERS, FAR_TARGET)
    learned_at = time.perf_counter()
    worse = learning.worse_than(learned.head, learned.head, gallery, crowd.STRANGERS)
    compared_at = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="familiar-bench-") as folder:
        write(head_servable(learned.head, _meta(learned, len(gallery))), Path(folder))
        exported_at = time.perf_counter()
        size = sum(file.stat().st_size for file in Path(folder).rglob("*") if file.is_file())
    assert not worse
    return {
        "learn_s": round(learned_at - start, 2),
        "compare_s": round(compared_at - learned_at, 2),
        "export_s": round(exported_at - compared_at, 2),
        "servable_mb": round(size / 1e6, 2),
        "weights_mb": round(len(learned.head.to_bytes()) / 1e6, 2),
        "report_mb": round(len(json.dumps(learned.people)) / 1e6, 2),
        "identify_one_ms": round(_identify_ms(learned.head), 2),
        "peak_of_the_process_so_far_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
    }


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
