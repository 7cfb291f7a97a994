"""Bare stages: a recognition in this process, by the gateway's own code, with neither HTTP nor gRPC in between."""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from typing import Any, Self

from numpy.typing import NDArray

from familiar.seeing import Decoder, ImageLimits, Observer, detectors
from familiar.servable import BACKBONE, HEAD
from familiar.serving import Models
from familiar.serving.client import Prediction
from familiar.settings import Settings
from familiar_gateway.recognizing import Recognizer
from familiar_modelserver.engine import SavedModel
from familiar_modelserver.prediction import run_signature
from system import System


class LoadedModels:
    """Runs the newest backbone and the newest head of a folder where they are loaded: here."""

    def __init__(self, system: System, held: ExitStack) -> None:
        self._models: dict[str, tuple[int, SavedModel]] = {}
        for name in (BACKBONE, HEAD):
            version = max(int(each.name) for each in (system.models / name).iterdir() if each.name.isdigit())
            # As the model server is started by the tests.
            model = SavedModel(system.models / name / str(version), intra_op_threads=1, inter_op_threads=2)
            held.callback(model.close)
            self._models[name] = version, model

    def predict(
        self,
        model: str,
        inputs: Mapping[str, NDArray[Any]],
        *,
        version: int | None = None,
        signature: str = "serving_default",
        outputs: Sequence[str] = (),
        timeout_s: float | None = None,
    ) -> Prediction:
        """Run a signature; there is one version of each model."""
        loaded, saved = self._models[model]
        assert version in (None, loaded)
        return Prediction(loaded, run_signature(saved, saved.signatures[signature], inputs, outputs, timeout_s))


class BareStages:
    """Answers like the gateway of a running system, from the same models and the same database."""

    def __init__(self, system: System) -> None:
        settings = Settings.from_env(system.env)
        self._held = ExitStack()
        database = system.database()
        self._held.callback(database.close)
        self._recognizer = Recognizer(
            Decoder(ImageLimits(settings.max_image_bytes, settings.max_image_pixels)),
            Observer(detectors.create(settings.detector)),
            Models(LoadedModels(system, self._held)),
            database,
            settings.max_faces,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._held.close()

    def timings_ms(self, picture: bytes) -> Mapping[str, float]:
        """Return how long each stage of a recognition takes; ``total`` is their sum and nothing else."""
        return self._recognizer.recognize(picture).timings_ms
