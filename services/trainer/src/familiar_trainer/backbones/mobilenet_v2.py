"""MobileNetV2 with ImageNet weights: a general picture backbone, weak on faces, kept for comparison.

Method: Sandler et al., "MobileNetV2: Inverted Residuals and Linear Bottlenecks", 2018.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from familiar_trainer.backbones.backbone import BackboneError
from familiar_trainer.tf_runtime import load_tensorflow

if TYPE_CHECKING:
    import keras

INPUT_PX = 224
DIM = 1280
LICENCE = "Apache-2.0"


def build(weights: Path | None) -> keras.Model:
    """Return ``image uint8[N,224,224,3] -> pooled features float32[N,1280]``, not normalised.

    Without a ``weights`` file Keras fetches its own. BackboneError if either does not work.
    """
    load_tensorflow()
    import keras

    if weights is not None and not weights.is_file():
        raise BackboneError(f"the weights file {weights} does not exist")
    image = keras.Input((INPUT_PX, INPUT_PX, 3), dtype="uint8", name="image")
    pixels = keras.ops.cast(image, "float32") / 127.5 - 1.0
    try:
        features = keras.applications.MobileNetV2(
            input_shape=(INPUT_PX, INPUT_PX, 3),
            include_top=False,
            pooling="avg",
            weights="imagenet" if weights is None else str(weights),
        )
    except Exception as error:  # Keras raises bare Exception when a download fails
        if weights is None:
            raise BackboneError(
                f"Keras could not fetch the ImageNet weights of MobileNetV2; name a file as weights: {error}"
            ) from error
        raise BackboneError(f"{weights} does not hold MobileNetV2's weights: {error}") from error
    return keras.Model(image, features(pixels), name="mobilenet_v2_imagenet")


def digest(model: keras.Model) -> str:
    """Return a SHA-256 over the parameters, for weights that came without a file of ours."""
    sha256 = hashlib.sha256()
    for variable in model.variables:
        sha256.update(variable.numpy().tobytes())
    return sha256.hexdigest()
