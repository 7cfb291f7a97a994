"""Start the trainer: ``python -m familiar_trainer``."""

import contextlib
import logging
import os
import sys
import tempfile
from pathlib import Path

# Before NumPy is imported: its threads would spin on cores that those who recognise need, and gain nothing here.
os.environ.setdefault("OMP_NUM_THREADS", "1")

from familiar.errors import FamiliarError
from familiar.knowing import Head
from familiar.servable import HeadMeta
from familiar.settings import Settings
from familiar_trainer import patience, priority, trainer, worker
from familiar_trainer.export import savedmodel
from familiar_trainer.export.gate import Gate
from familiar_trainer.export.head_export import head_servable
from familiar_trainer.reconciler import Reconciler
from familiar_trainer.scratch import SCRATCH, temporary_files_in
from familiar_trainer.stopwatch import Stopwatch

_log = logging.getLogger(__name__)
_ANY_DIM = 8


def main() -> int:
    """Train until told to stop; the exit status is 0 after SIGTERM or SIGINT, 1 if it could not start."""
    try:
        settings = Settings.from_env()
    except FamiliarError as exc:
        print(f"familiar-trainer: {exc}", file=sys.stderr)
        return 1
    logging.basicConfig(level=settings.log_level, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    priority.give_way()
    with temporary_files_in(settings.models_dir / SCRATCH), contextlib.ExitStack() as ending:
        try:
            gate = ending.enter_context(Gate())
            built = trainer.build(settings, gate)
        except (FamiliarError, OSError) as exc:
            print(f"familiar-trainer: {exc}", file=sys.stderr)
            return 1
        patience.handle_signals(lambda *_: built.stop.set())
        worker.wait_for_database(built)
        if not built.stop.is_set():
            with contextlib.suppress(FamiliarError):
                built.silent()  # who is dead already falls silent now, and not when we are warm
            _warm(gate)
            reconciler = Reconciler(built).start()
            worker.serve(built)
            reconciler.join(timeout=settings.serving_timeout_s)
    built.database.close()
    return 0


def _warm(gate: Gate) -> None:
    """Export a head for nobody into a folder that nobody serves: what is slow the first time is slow here."""
    watch = Stopwatch()
    meta = HeadMeta(0, _ANY_DIM, 1.0, "", 0.001, 0, 0, "")
    try:
        with tempfile.TemporaryDirectory() as folder, watch.step("warm-up"):
            servable = head_servable(Head.empty(_ANY_DIM), meta)
            savedmodel.write(servable, Path(folder))
            gate.check(Path(folder), servable)
    except (FamiliarError, OSError) as exc:  # a training will find out, and say so where it is seen
        _log.warning("warming up failed: %s", exc)
    _log.info("ready after %s", watch)


if __name__ == "__main__":
    sys.exit(main())
