"""A nearest-neighbour engine in the place of one head's matrix product: FAISS, where ``faiss-cpu`` is installed.

No part of the product and of no lock file: ``pip install faiss-cpu`` beside it to measure. What it would replace is
``Head.identify``, and in what is exported the product and ``top_k`` of ``head_export``: the nearest few prototypes by
inner product. Threshold and decision stay as they are.
"""

import time

import numpy as np

from familiar.knowing.head import Head
from familiar.servable import CANDIDATES

Figures = dict[str, float | int | str]

LINKS, WIDTH = 32, 128
"""Neighbours of each person in the graph, and how many are kept in sight while it is walked."""


def measure(head: Head, faces: np.ndarray) -> Figures:
    """Return what a graph over the prototypes costs, and for how many ``faces`` [N, D] it decides as the head does."""
    try:
        import faiss
    except ModuleNotFoundError:
        return {"engine": "faiss-cpu is not installed"}
    faiss.omp_set_num_threads(1)
    index = faiss.IndexHNSWFlat(head.dim, LINKS, faiss.METRIC_INNER_PRODUCT)
    index.hnsw.efConstruction, index.hnsw.efSearch = 2 * WIDTH, WIDTH
    start = time.perf_counter()
    index.add(head.prototypes)
    built_s = time.perf_counter() - start
    start = time.perf_counter()
    answers = [index.search(face[None], CANDIDATES) for face in faces]
    took_s = time.perf_counter() - start
    score = np.concatenate([score[:, 0] for score, _ in answers])
    best = np.concatenate([position[:, 0] for _, position in answers])
    exact = np.concatenate([(faces[i : i + 500] @ head.prototypes.T).argmax(axis=1) for i in range(0, len(faces), 500)])
    exactly = np.einsum("nd,nd->n", faces, head.prototypes[exact])
    named, named_exactly = score >= head.thresholds[best], exactly >= head.thresholds[exact]
    same = (named == named_exactly) & (~named_exactly | (best == exact))
    return {
        "engine": f"faiss {faiss.__version__}",
        "engine_build_s": round(built_s, 1),
        "engine_mb": round(faiss.serialize_index(index).nbytes / 1e6, 1),
        "engine_identify_one_ms": round(1000 * took_s / len(faces), 3),
        "engine_same_decision_percent": round(100 * float(same.mean()), 2),
        "engine_named_who_is_not": int((named & ~named_exactly).sum()),
    }
