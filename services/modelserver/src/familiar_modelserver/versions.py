"""Load, serve and unload versions so that a model that served once goes on serving."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import Enum, auto
from pathlib import Path
from typing import Final

from familiar.wire import serving_pb2 as pb
from familiar_modelserver.errors import ServerError
from familiar_modelserver.policy import Stage, to_load, to_unload
from familiar_modelserver.prediction import Model
from familiar_modelserver.states import State, StateHistory

_LOG = logging.getLogger(__name__)

TICK_S: Final = 0.1

LoadModel = Callable[[str, int, Path], Model]
"""Load one version (model name, version, folder) ready to answer, or raise ServerError."""


class Readiness(Enum):
    """Whether a model answers requests, will, or will not."""

    PENDING = auto()
    READY = auto()
    FAILED = auto()


@dataclass(eq=False)
class ManagedVersion:
    """One version the manager knows; all fields are guarded by the manager's lock."""

    name: str
    version: int
    path: Path
    aspired: bool = True
    stage: Stage = Stage.NEW
    model: Model | None = None
    users: int = 0
    unwanted: threading.Event = field(default_factory=threading.Event)
    error: ServerError | None = None


class VersionManager:
    """Moves versions towards what is aspired, one step every 100 ms, unloading before loading.

    Loads and unloads run in threads of their own, so neither a slow load nor a stuck request holds up the rest.
    """

    def __init__(
        self,
        load: LoadModel,
        history: StateHistory,
        *,
        retries: int,
        retry_interval_s: float,
        load_threads: int,
    ) -> None:
        self._load = load
        self._history = history
        self._attempts = max(retries, 0) + 1
        self._retry_interval_s = retry_interval_s
        self._load_slots = max(load_threads, 1)
        self._changed = threading.Condition()
        self._managed: dict[str, dict[int, ManagedVersion]] = {}
        self._pending: dict[str, Mapping[int, Path]] = {}
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="versions", daemon=True)

    def start(self) -> None:
        """Begin moving versions."""
        self._thread.start()

    def stop(self) -> None:
        """Start nothing new and give up retries; versions stay loaded until the process ends."""
        self._stopping.set()
        with self._changed:
            for version in self._all():
                version.unwanted.set()
        self._thread.join()

    def set_aspired(self, name: str, versions: Mapping[int, Path]) -> None:
        """Say which versions of a model should be served; the last word wins."""
        with self._changed:
            self._pending[name] = dict(versions)

    @contextmanager
    def using(self, name: str, version: int | None = None) -> Iterator[tuple[int, Model]]:
        """Hold a ready version (the highest if none is named) for one request.

        Raises ServerError NOT_FOUND if it is not ready. The version stays loaded until the block ends.
        """
        with self._changed:
            ready = {v.version: v for v in self._managed.get(name, {}).values() if v.stage is Stage.READY}
            held = ready.get(max(ready, default=0) if version is None else version)
            if held is None or held.model is None:
                wanted = f"Latest({name})" if version is None else f"Specific({name}, {version})"
                raise ServerError(pb.NOT_FOUND, f"Servable not found for request: {wanted}")
            held.users += 1
            model = held.model
        try:
            yield held.version, model
        finally:
            with self._changed:
                held.users -= 1
                self._changed.notify_all()

    def is_ready(self, name: str, version: int) -> bool:
        """Tell whether this version answers requests."""
        with self._changed:
            found = self._managed.get(name, {}).get(version)
            return found is not None and found.stage is Stage.READY

    def readiness(self, name: str) -> tuple[Readiness, ServerError | None]:
        """Tell whether a model answers, and why not if every aspired version failed."""
        with self._changed:
            versions = self._managed.get(name, {}).values()
            if any(v.stage is Stage.READY for v in versions):
                return Readiness.READY, None
            aspired = [v for v in versions if v.aspired]
            if aspired and name not in self._pending and all(v.stage is Stage.FAILED for v in aspired):
                return Readiness.FAILED, aspired[-1].error
            return Readiness.PENDING, None

    def wait_for_change(self, timeout_s: float) -> None:
        """Return after the next transition, or after the timeout."""
        with self._changed:
            self._changed.wait(timeout_s)

    # ---- the loop --------------------------------------------------------------------------------------

    def _run(self) -> None:
        while not self._stopping.wait(TICK_S):
            try:
                with self._changed:
                    self._forget_ended()
                    self._accept_pending()
                    self._step()
            except Exception:
                _LOG.exception("version manager: a step failed; going on")

    def _forget_ended(self) -> None:
        for versions in self._managed.values():
            for version in list(versions.values()):
                if not version.aspired and version.stage in (Stage.NEW, Stage.FAILED):
                    del versions[version.version]
                    if version.stage is Stage.NEW:
                        self._history.record(version.name, version.version, State.END)

    def _accept_pending(self) -> None:
        for name, wanted in list(self._pending.items()):
            versions = self._managed.setdefault(name, {})
            if any(not v.aspired and v.version in wanted for v in versions.values()):
                continue  # a version on its way out must be gone before it can come back
            del self._pending[name]
            for version in versions.values():
                if version.version not in wanted:
                    version.aspired = False
                    version.unwanted.set()
            for number, path in wanted.items():
                if number not in versions:
                    versions[number] = ManagedVersion(name, number, path)
                    self._history.record(name, number, State.START)

    def _step(self) -> None:
        for versions in self._managed.values():
            if (surplus := to_unload(versions.values())) is not None:
                # Published first: whoever sees the version gone must be able to learn why.
                self._history.record(surplus.name, surplus.version, State.UNLOADING)
                surplus.stage = Stage.UNLOADING
                self._in_thread(self._unload_version, surplus)
                return
        if sum(v.stage is Stage.LOADING for v in self._all()) >= self._load_slots:
            return
        for versions in self._managed.values():
            if (fresh := to_load(versions.values())) is not None:
                fresh.stage = Stage.LOADING
                self._history.record(fresh.name, fresh.version, State.LOADING)
                self._in_thread(self._load_version, fresh)
                return

    def _in_thread(self, work: Callable[[ManagedVersion], None], version: ManagedVersion) -> None:
        name = f"{work.__name__.strip('_')}-{version.name}-{version.version}"
        threading.Thread(target=work, args=(version,), name=name, daemon=True).start()

    def _all(self) -> list[ManagedVersion]:
        return [version for versions in self._managed.values() for version in versions.values()]

    # ---- transitions, each in a thread of its own ------------------------------------------------------

    def _load_version(self, version: ManagedVersion) -> None:
        label = f"{version.name} version {version.version}"
        model, error = None, ServerError(pb.CANCELLED, "Loading of servable cancelled")
        for attempt in range(1, self._attempts + 1):
            if attempt > 1 and version.unwanted.wait(self._retry_interval_s):
                break
            try:
                model = self._load(version.name, version.version, version.path)
                break
            except ServerError as exc:
                error = exc
            except Exception as exc:
                error = ServerError(pb.UNKNOWN, f"{type(exc).__name__}: {exc}")
            _LOG.warning("loading %s failed (attempt %d of %d): %s", label, attempt, self._attempts, error)
        with self._changed:
            if model is not None and not version.unwanted.is_set():
                version.model, version.stage = model, Stage.READY
                self._history.record(version.name, version.version, State.AVAILABLE)
                _LOG.info("%s is available", label)
            else:
                version.error, version.stage = error, Stage.FAILED
                self._history.record(version.name, version.version, State.END, error)
                _LOG.error("%s will not be available: %s", label, error)
            ended = version.stage is Stage.FAILED
            self._changed.notify_all()
        if ended and model is not None:
            model.close()

    def _unload_version(self, version: ManagedVersion) -> None:
        with self._changed:
            while version.users:
                self._changed.wait()
            model, version.model = version.model, None
        if model is not None:
            model.close()
        with self._changed:
            del self._managed[version.name][version.version]
            self._history.record(version.name, version.version, State.END)
            self._changed.notify_all()
        _LOG.info("%s version %d is unloaded", version.name, version.version)
