"""The lease on a training: who works on it, for how long without a sign of life, and whether that still holds."""

import logging
import threading
from types import TracebackType
from typing import Self

from sqlalchemy.orm import Session

from familiar.errors import DatabaseUnavailable, FamiliarError
from familiar.records import Database, Training, trainings

_log = logging.getLogger(__name__)
_RENEWALS_PER_LEASE = 3


class LeaseLost(FamiliarError):
    """Another trainer has taken the training over; nothing may be changed any more."""

    code = "lease_lost"


class Lease:
    """The right to work on one training, kept alive by a thread while the lease is entered.

    A process that is stopped or cut off for too long loses the lease without noticing. Therefore every change asks for
    the training through the lease, within the transaction that makes the change.
    """

    def __init__(self, database: Database, training_id: str, owner: str, lease_s: float) -> None:
        self.training_id = training_id
        self._database = database
        self._owner = owner
        self._lease_s = lease_s
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._keep_alive, name="lease", daemon=True)

    def training(self, session: Session) -> Training:
        """Return the training, locked for the transaction.

        Raises:
            LeaseLost: it is no longer ours, or has ended.
        """
        training = trainings.held(session, self.training_id, self._owner)
        if training is None:
            raise LeaseLost(f"training {self.training_id} is no longer ours")
        return training

    def give_back(self, after_s: float = 0.0) -> None:
        """Leave the training to the next try, in ``after_s`` seconds at the earliest, by whomever."""
        self._end()
        try:
            self._database.retry(lambda session: trainings.give_back(self.training(session), after_s))
        except LeaseLost:
            pass
        except DatabaseUnavailable:
            _log.warning("training %s: could not be given back; its lease will run out", self.training_id)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()

    def _end(self) -> None:
        self._ended.set()
        if self._thread.is_alive():
            self._thread.join()

    def _keep_alive(self) -> None:
        while not self._ended.wait(self._lease_s / _RENEWALS_PER_LEASE):
            try:
                if not self._database.retry(self._renew):
                    return
            except DatabaseUnavailable:
                _log.warning("training %s: the lease could not be renewed", self.training_id)

    def _renew(self, session: Session) -> bool:
        return trainings.renew(session, self.training_id, self._owner, self._lease_s)
