"""How much room there is for what is kept, as far as somebody can tell."""

import contextlib
from collections.abc import Iterator, Sequence

from familiar.disk import Disk
from familiar.errors import Unavailable
from familiar.queueing import WorkerState
from familiar.records import Database


def known(database: Database, workers: Sequence[WorkerState]) -> Iterator[tuple[str, Disk]]:
    """Yield each by name: the gateway need not see the models, so the last worker to give a sign of life tells."""
    with contextlib.suppress(Unavailable):
        yield "database", database.disk()
    for each in sorted(workers, key=lambda worker: worker.seen or 0.0, reverse=True):
        if each.about.models is not None:
            yield "models", each.about.models
            return
