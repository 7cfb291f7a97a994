"""The jobs that RQ calls by name."""

import threading

from familiar.settings import Settings
from familiar_trainer import replay, trainer, training
from familiar_trainer.export.gate import Gate

_lock = threading.Lock()
_trainer: trainer.Trainer | None = None


def use(built: trainer.Trainer) -> None:
    """Let the jobs of this process work with ``built``."""
    global _trainer
    _trainer = built


def run_training(training_id: str) -> str:
    """Bring the training ``training_id`` to its end; safe to run twice, or at once in several processes."""
    return training.run(_built(), training_id)


def run_replay(replay_id: str) -> str:
    """Answer the replay ``replay_id``; safe to run twice, or at once in several processes."""
    return replay.run(_built(), replay_id)


def _built() -> trainer.Trainer:
    with _lock:
        if _trainer is None:  # under a worker of RQ's own, which knows of no trainer
            use(trainer.build(Settings.from_env(), Gate()))
    assert _trainer is not None
    return _trainer
