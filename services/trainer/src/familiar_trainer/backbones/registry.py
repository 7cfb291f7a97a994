"""The backbones by name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from familiar.learning import Metric, metric
from familiar.servable import BackboneMeta
from familiar.settings import Settings
from familiar_trainer.backbones import dlib_weights, face_resnet, mobilenet_v2, saved_model
from familiar_trainer.backbones.backbone import Backbone, BackboneError, Embedder, Looks, normalised, sha256_of

if TYPE_CHECKING:
    import keras

DEFAULT = "face_resnet"
_GLANCE_MARGIN = 0.008
"""Of 260 pictures, 30 heads and 21 thresholds each none was decided otherwise at a glance, nor with 0.007; see
docs/adr/0012-the-mirror-image-where-it-matters.md."""
_UNKNOWN_LICENCE = "NOASSERTION"  # SPDX's word for a licence that nobody has stated


def load(name_or_path: str, weights: Path | None = None) -> Backbone:
    """Return the backbone of that name, or the SavedModel at that path.

    ``weights`` replaces the file a named backbone would find by itself. BackboneError if the name is
    unknown, or a file is absent or not what it should be.
    """
    if name_or_path in _NAMED:
        return _NAMED[name_or_path](weights)
    path = Path(name_or_path)
    if not path.is_dir():
        names = ", ".join(NAMES)
        raise BackboneError(f"{name_or_path!r} is neither a backbone ({names}) nor a folder with a SavedModel")
    if weights is not None:
        raise BackboneError("a SavedModel brings its own weights: leave the weights file out")
    return _saved_model(path)


def named_by(settings: Settings) -> Backbone:
    """Return the backbone that the settings name; raises as ``load`` does."""
    return load(settings.backbone, Path(settings.backbone_weights) if settings.backbone_weights else None)


def _face_resnet(weights: Path | None) -> Backbone:
    return face_resnet_in(metric.load(DEFAULT), weights)


def face_resnet_in(chosen: Metric | None, weights: Path | None = None) -> Backbone:
    """Return the default backbone in another metric than the one that ships, or in none: to fit one, or to compare.

    BackboneError if the weights are not what they should be.
    """
    net = dlib_weights.read(dlib_weights.locate() if weights is None else weights)
    meta = BackboneMeta(
        name=DEFAULT,
        input_px=face_resnet.INPUT_PX,
        dim=face_resnet.DIM,
        licence=dlib_weights.LICENCE,
        weights_sha256=dlib_weights.SHA256,
        source=f"{dlib_weights.FILE_NAME} of {dlib_weights.DISTRIBUTION}",
        mirrored=True,
        glance_margin=_GLANCE_MARGIN,
        metric=chosen.digest if chosen else "",
    )
    return Backbone(meta, lambda: _mirroring(face_resnet.build(net), chosen))


def _mobilenet_v2(weights: Path | None) -> Backbone:
    model = mobilenet_v2.build(weights)
    meta = BackboneMeta(
        name="mobilenet_v2_imagenet",
        input_px=mobilenet_v2.INPUT_PX,
        dim=mobilenet_v2.DIM,
        licence=mobilenet_v2.LICENCE if weights is None else _UNKNOWN_LICENCE,
        weights_sha256=mobilenet_v2.digest(model) if weights is None else sha256_of(weights),
        source="keras.applications" if weights is None else weights.name,
    )
    return Backbone(meta, lambda: Looks(_normalising(model)))


def _saved_model(path: Path) -> Backbone:
    loaded = saved_model.load(path)
    meta = BackboneMeta(
        name=path.resolve().name,
        input_px=loaded.input_px,
        dim=loaded.dim,
        licence=_UNKNOWN_LICENCE,
        weights_sha256=sha256_of(path),
        source="SavedModel",
    )
    return Backbone(meta, lambda: Looks(loaded.embed))


def _normalising(model: keras.Model, chosen: Metric | None = None) -> Embedder:
    def embed(image: Any) -> Any:
        rows = normalised(model(image, training=False))
        return rows if chosen is None else normalised(rows @ chosen.matrix)

    return embed


def _mirroring(model: keras.Model, chosen: Metric | None) -> Looks:
    """Embed the picture and its mirror image in one batch, and answer the mean of both directions; glance at it alone.

    A face is much the same in the mirror; what the network makes of light and pose from one side is not, and cancels.
    The metric comes before the mean: so two glances make an embedding, whoever adds them up.
    """
    import tensorflow as tf

    glance = _normalising(model, chosen)

    def embed(image: Any) -> Any:
        both = glance(tf.concat([image, tf.reverse(image, axis=[2])], axis=0))
        return normalised(tf.add(*tf.split(both, 2)))

    return Looks(embed, glance)


_NAMED: dict[str, Callable[[Path | None], Backbone]] = {
    DEFAULT: _face_resnet,
    "mobilenet_v2_imagenet": _mobilenet_v2,
}
NAMES = tuple(_NAMED)
