"""A backbone that can glance, as an export: two signatures over the same weights."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from familiar.knowing import normalise
from familiar.servable import EMBEDDING, GLANCE_SIGNATURE, IMAGE, PREDICT_SIGNATURE, BackboneMeta
from familiar_trainer.backbones import Backbone, BackboneError, Looks
from familiar_trainer.export.backbone_export import backbone_servable
from familiar_trainer.export.errors import GateFailed
from familiar_trainer.export.gate import Gate
from familiar_trainer.export.savedmodel import write
from familiar_trainer.export.servable import Servable
from familiar_trainer.tf_runtime import Session, load_tensorflow

SIZE_PX, DIM = 24, 128
META = BackboneMeta("small", SIZE_PX, DIM, "CC0-1.0", "0" * 64, mirrored=True, glance_margin=0.02)
WEIGHTS_BYTES = SIZE_PX * SIZE_PX * 3 * DIM * 4


@pytest.fixture(scope="module")
def looks() -> Looks:
    tf = load_tensorflow()
    rows = np.random.default_rng(0).standard_normal((SIZE_PX * SIZE_PX * 3, DIM)).astype(np.float32)
    kernel = tf.Variable(rows)

    def glance(image: Any) -> Any:
        pixels = tf.reshape(tf.cast(image, tf.float32) - 127.0, (-1, SIZE_PX * SIZE_PX * 3))
        return tf.math.l2_normalize(tf.matmul(pixels, kernel), axis=-1)

    def embed(image: Any) -> Any:
        return tf.math.l2_normalize(glance(image) + glance(tf.reverse(image, axis=[2])), axis=-1)

    return Looks(embed, glance)


@pytest.fixture(scope="module")
def servable(looks: Looks) -> Servable:
    return backbone_servable(Backbone(META, lambda: looks))


@pytest.fixture(scope="module")
def export(servable: Servable, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("export")
    write(servable, folder)
    return folder


def test_it_passes_the_gate(gate: Gate, servable: Servable, export: Path) -> None:
    gate.check(export, servable)


def test_two_glances_make_an_embedding(export: Path) -> None:
    chips = np.random.default_rng(1).integers(0, 256, (3, SIZE_PX, SIZE_PX, 3), np.uint8)
    session = Session(export)
    try:
        embedding = session.run(PREDICT_SIGNATURE, {IMAGE: chips})[EMBEDDING]
        face, mirrored = (
            session.run(GLANCE_SIGNATURE, {IMAGE: view})[EMBEDDING] for view in (chips, chips[:, :, ::-1])
        )
    finally:
        session.close()
    np.testing.assert_allclose(normalise(face + mirrored), embedding, atol=1e-5)
    assert ((face * embedding).sum(axis=1) < 0.95).all()


def test_weights_that_both_signatures_use_are_stored_once(export: Path) -> None:
    stored = sum(path.stat().st_size for path in export.rglob("*.pb"))
    assert WEIGHTS_BYTES < stored < 1.5 * WEIGHTS_BYTES


def test_an_export_without_the_glance_fails(gate: Gate, servable: Servable, tmp_path: Path) -> None:
    graphs = {PREDICT_SIGNATURE: servable.graphs[PREDICT_SIGNATURE]}
    warmup = tuple(probe for probe in servable.warmup if probe.signature in graphs)
    write(replace(servable, graphs=graphs, warmup=warmup), tmp_path)
    with pytest.raises(GateFailed, match="no signature 'glance'"):
        gate.check(tmp_path, servable)


def test_an_export_whose_signatures_were_mixed_up_fails(gate: Gate, servable: Servable, tmp_path: Path) -> None:
    first, second = servable.graphs
    write(replace(servable, graphs={first: servable.graphs[second], second: servable.graphs[first]}), tmp_path)
    with pytest.raises(GateFailed, match="answered wrongly"):
        gate.check(tmp_path, servable)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda backbone, looks: replace(backbone, build=lambda: Looks(looks.embed)), "no glance"),
        (lambda backbone, looks: replace(backbone, meta=replace(META, glance_margin=None)), "no glance"),
        (lambda backbone, looks: replace(backbone, build=lambda: Looks(looks.glance, looks.embed)), "mean"),
    ],
)
def test_a_backbone_that_is_not_what_it_says_is_not_exported(
    change: Callable[[Backbone, Looks], Backbone], message: str, looks: Looks
) -> None:
    with pytest.raises(BackboneError, match=message):
        backbone_servable(change(Backbone(META, lambda: looks), looks))
