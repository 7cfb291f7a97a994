"""The configured models: their versions, their labels, and how requests name them."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from familiar.wire import serving_pb2 as pb
from familiar_modelserver.errors import ServerError
from familiar_modelserver.prediction import Model
from familiar_modelserver.states import StateHistory
from familiar_modelserver.storage import aspired_versions
from familiar_modelserver.versions import Readiness, VersionManager

_LOG = logging.getLogger(__name__)

_WAIT_STEP_S = 0.1


class ServerCore:
    """Watches the folders of all configured models and hands out ready versions."""

    def __init__(
        self,
        manager: VersionManager,
        history: StateHistory,
        *,
        poll_wait_s: float,
        labels_for_unavailable: bool,
    ) -> None:
        """`poll_wait_s` of 0 polls once per configuration, a negative one never."""
        self.history = history
        self._manager = manager
        self._poll_wait_s = poll_wait_s
        self._labels_for_unavailable = labels_for_unavailable
        self._models: dict[str, pb.ModelConfig] = {}
        self._labels: dict[str, dict[str, int]] = {}
        self._lock = threading.Lock()  # guards models and labels
        self._reloading = threading.Lock()  # one configuration at a time
        self._polling = threading.Lock()  # one poll at a time
        self._warned: set[str] = set()
        self._stopping = threading.Event()
        self._poller = threading.Thread(target=self._poll_forever, name="poll", daemon=True)

    def start(self) -> None:
        """Begin polling and moving versions."""
        self._manager.start()
        self._poller.start()

    def stop(self) -> None:
        """Stop polling and start no further transitions."""
        self._stopping.set()
        self._manager.stop()

    # ---- requests --------------------------------------------------------------------------------------

    @contextmanager
    def using(self, spec: pb.ModelSpec) -> Iterator[tuple[int, Model]]:
        """Hold the version a request names for the length of a block; raises ServerError."""
        if not spec.name:
            raise ServerError(pb.INVALID_ARGUMENT, "ModelSpec has no name specified.")
        with self._manager.using(spec.name, self.version_of(spec)) as held:
            yield held

    def version_of(self, spec: pb.ModelSpec) -> int | None:
        """Resolve the version or label of a request, None for the latest; raises ServerError."""
        choice = spec.WhichOneof("version_choice")
        if choice == "version":
            return spec.version.value
        if choice is None:
            return None
        with self._lock:
            version = self._labels.get(spec.name, {}).get(spec.version_label)
        if version is None:
            raise ServerError(pb.INVALID_ARGUMENT, f"Unrecognized servable version label: {spec.version_label}")
        return version

    def knows(self, name: str) -> bool:
        """Tell whether a model is configured."""
        with self._lock:
            return name in self._models

    # ---- configuration ---------------------------------------------------------------------------------

    def configure(self, models: Sequence[pb.ModelConfig]) -> tuple[str, ...]:
        """Replace the configuration and return the names of the models that are new.

        Models no longer listed are unloaded. Raises ServerError, leaving everything as it was, if a label may
        not be assigned.
        """
        with self._reloading:
            labels = {model.name: dict(model.version_labels) for model in models if model.version_labels}
            self._check_labels(labels)
            with self._lock:
                known = self._models
                self._models = {model.name: model for model in models}
                self._labels = labels
                new = tuple(name for name in self._models if name not in known)
            with self._polling:
                for name in known.keys() - self._models.keys():
                    self._manager.set_aspired(name, {})
            if self._poll_wait_s >= 0:
                self._poll()
        return new

    def wait_until_ready(self, names: Sequence[str], give_up: Callable[[], bool]) -> None:
        """Wait until each of these models answers; raises ServerError if one cannot, or when giving up."""
        while True:
            states = {name: self._manager.readiness(name) for name in names}
            failed = {name: error for name, (state, error) in states.items() if state is Readiness.FAILED}
            if failed and not any(state is Readiness.PENDING for state, _ in states.values()):
                reasons = ", ".join(f"{name}: {error}" for name, error in sorted(failed.items()))
                raise ServerError(pb.UNKNOWN, f"{len(failed)} model(s) did not become available: {{{reasons}}}")
            if all(state is Readiness.READY for state, _ in states.values()):
                return
            if give_up():
                raise ServerError(pb.CANCELLED, "gave up waiting for models to become available")
            self._manager.wait_for_change(_WAIT_STEP_S)

    def _check_labels(self, labels: dict[str, dict[str, int]]) -> None:
        for name, wanted in labels.items():
            for label, version in wanted.items():
                current = self._labels.get(name, {}).get(label)
                allowed = self._labels_for_unavailable and current in (None, version)
                if not allowed and not self._manager.is_ready(name, version):
                    raise ServerError(
                        pb.FAILED_PRECONDITION,
                        f"Request to assign label to version {version} of model {name}, which is not currently"
                        " available for inference",
                    )

    # ---- polling ---------------------------------------------------------------------------------------

    def _poll_forever(self) -> None:
        if self._poll_wait_s <= 0:
            return
        while not self._stopping.wait(self._poll_wait_s):
            try:
                self._poll()
            except Exception:
                _LOG.exception("polling the model folders failed; going on")

    def _poll(self) -> None:
        """Look at all folders; if one cannot be read nothing changes for any model."""
        with self._polling:
            with self._lock:
                models = list(self._models.values())
            found: dict[str, dict[int, Path]] = {}
            warnings: set[str] = set()
            for model in models:
                try:
                    found[model.name], texts = aspired_versions(
                        model.name, Path(model.base_path), model.model_version_policy
                    )
                except OSError as exc:
                    self._warn(
                        {
                            "FileSystemStoragePathSource encountered a filesystem access error: Could not find"
                            f" base path {model.base_path} for servable {model.name} with error {exc.strerror}"
                        }
                    )
                    return
                warnings.update(texts)
            self._warn(warnings)
            for name, versions in found.items():
                self._manager.set_aspired(name, versions)

    def _warn(self, warnings: set[str]) -> None:
        """Log what the last poll did not already say."""
        for text in sorted(warnings - self._warned):
            _LOG.warning("%s", text)
        self._warned = warnings
