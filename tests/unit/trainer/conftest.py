import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from familiar.knowing.embedding import normalise
from familiar.knowing.head import Head
from familiar.servable import HeadMeta
from familiar_trainer.export.gate import Gate
from familiar_trainer.export.head_export import head_servable
from familiar_trainer.export.savedmodel import write
from familiar_trainer.export.servable import Servable

MakeHead = Callable[..., Head]
MakeServable = Callable[[Head], Servable]


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The data that is shared beside the checkout, or where $FAMILIAR_DATA points."""
    folder = Path(os.environ.get("FAMILIAR_DATA", Path(__file__).parents[4] / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"no shared data at {folder}; set FAMILIAR_DATA")
    return folder


@pytest.fixture(scope="session")
def gate() -> Iterator[Gate]:
    with Gate() as gate:
        yield gate


@pytest.fixture(scope="session")
def make_head() -> MakeHead:
    def make(people: int, dim: int = 128, threshold: float = 0.6, seed: int = 0) -> Head:
        rows = np.random.default_rng(seed).standard_normal((people, dim)).astype(np.float32)
        ids = tuple(f"person-{index}" for index in range(people))
        return Head(ids, normalise(rows), np.full(people, threshold, np.float32))

    return make


@pytest.fixture(scope="session")
def make_servable() -> MakeServable:
    def make(head: Head) -> Servable:
        meta = HeadMeta(
            backbone_version=1,
            dim=head.dim,
            threshold=0.6,
            data_digest="0123456789abcdef",
            far_target=0.001,
            people=len(head.person_ids),
            samples=10 * len(head.person_ids),
            created_at="2026-01-01T00:00:00Z",
        )
        return head_servable(head, meta)

    return make


@pytest.fixture(scope="session")
def servable(make_head: MakeHead, make_servable: MakeServable) -> Servable:
    """A head of seven people."""
    return make_servable(make_head(7))


@pytest.fixture(scope="session")
def pristine(servable: Servable, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The export of ``servable``; to be copied, not changed."""
    folder = tmp_path_factory.mktemp("export")
    write(servable, folder)
    return folder


@pytest.fixture(scope="session")
def wait_until() -> Callable[..., None]:
    def wait(condition: Callable[[], bool], *, timeout_s: float) -> None:
        deadline = time.monotonic() + timeout_s
        while not condition():
            assert time.monotonic() < deadline, f"not within {timeout_s} s"
            time.sleep(0.05)

    return wait
