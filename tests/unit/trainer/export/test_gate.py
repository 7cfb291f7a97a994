import os
import shutil
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from familiar.servable import DESCRIBE_SIGNATURE, EMBEDDING, LABELS, META_JSON, PREDICT_SIGNATURE, QUERY
from familiar.wire.warmup import WARMUP_FILE, write_warmup
from familiar_trainer.export.errors import GateFailed
from familiar_trainer.export.gate import Gate
from familiar_trainer.export.savedmodel import write
from familiar_trainer.export.servable import Outputs, Port, Probe, Servable, close_to
from familiar_trainer.tf_runtime import load_tensorflow
from processes import is_running

SIZE_PX = 8


@pytest.fixture
def export(pristine: Path, tmp_path: Path) -> Path:
    """A good export that a test may spoil."""
    return shutil.copytree(pristine, tmp_path / "export")


@pytest.fixture
def own_gate(monkeypatch: pytest.MonkeyPatch) -> Iterator[Gate]:
    """A gate whose child a test may harm, with the kernels that a new processor gets: they die of a wrong shape."""
    monkeypatch.setenv("TF_ENABLE_ONEDNN_OPTS", "1")
    with Gate() as gate:
        yield gate


def test_a_good_export_passes_again_and_again(gate: Gate, servable: Servable, export: Path) -> None:
    first = gate.child_pid
    for _ in range(3):
        gate.check(export, servable)
    assert gate.child_pid == first


@pytest.mark.parametrize("size", [0, 1, 100, -1])
def test_a_truncated_graph_fails(size: int, gate: Gate, servable: Servable, export: Path) -> None:
    path = export / "saved_model.pb"
    path.write_bytes(path.read_bytes()[:size])
    with pytest.raises(GateFailed):
        gate.check(export, servable)


def test_an_empty_folder_fails(gate: Gate, servable: Servable, tmp_path: Path) -> None:
    with pytest.raises(GateFailed, match="does not load"):
        gate.check(tmp_path, servable)


def test_an_export_of_another_head_fails(gate: Gate, export: Path, make_head, make_servable) -> None:
    with pytest.raises(GateFailed, match="answered wrongly"):
        gate.check(export, make_servable(make_head(7, seed=1)))


def test_an_export_with_other_thresholds_fails(gate: Gate, export: Path, make_head, make_servable) -> None:
    with pytest.raises(GateFailed, match="known"):
        gate.check(export, make_servable(make_head(7, threshold=0.1)))


def test_an_export_with_other_labels_fails(gate: Gate, servable: Servable, export: Path) -> None:
    with pytest.raises(GateFailed, match="labels"):
        gate.check(export, replace(servable, labels=("somebody else", *servable.labels[1:])))


def test_an_export_with_other_metadata_fails(gate: Gate, servable: Servable, export: Path) -> None:
    with pytest.raises(GateFailed, match="metadata"):
        gate.check(export, replace(servable, meta_json="{}"))


def test_missing_warmup_records_fail(gate: Gate, servable: Servable, export: Path) -> None:
    (export / WARMUP_FILE).unlink()
    with pytest.raises(GateFailed, match="warm-up records are for"):
        gate.check(export, servable)


def test_damaged_warmup_records_fail(gate: Gate, servable: Servable, export: Path) -> None:
    path = export / WARMUP_FILE
    path.write_bytes(path.read_bytes()[:-5])
    with pytest.raises(GateFailed, match="warm-up records cannot be read"):
        gate.check(export, servable)


def test_a_warmup_record_that_fails_on_the_server_fails(gate: Gate, servable: Servable, export: Path) -> None:
    requests = [(PREDICT_SIGNATURE, {EMBEDDING: np.zeros((1, 3), np.float32)})] * len(servable.warmup)
    write_warmup(export, [*requests, (DESCRIBE_SIGNATURE, {QUERY: [b""]})])
    with pytest.raises(GateFailed, match="warm-up record 0 fails"):
        gate.check(export, servable)


Embed = Callable[..., object]


def write_picture_model(folder: Path, make_embed: Callable[[object], Embed], *, shape: list[int | None]) -> Servable:
    """Write a SavedModel of somebody else's making, and return what it claims to be."""
    tf = load_tensorflow()

    class Module(tf.Module):
        pass

    module = Module()
    embed = make_embed(module)

    @tf.function(input_signature=[tf.TensorSpec(shape, tf.uint8, name="image")], autograph=False)
    def serving_default(image):
        return {EMBEDDING: embed(tf.cast(image, tf.float32))}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name=QUERY)], autograph=False)
    def describe(query):
        rows = tf.shape(query)[0]
        return {LABELS: tf.zeros([rows, 0], tf.string), META_JSON: tf.fill([rows], "{}")}

    module.serving_default, module.describe = serving_default, describe
    signatures = {PREDICT_SIGNATURE: serving_default, DESCRIBE_SIGNATURE: describe}
    tf.saved_model.save(module, str(folder), signatures=signatures)
    image = np.ones((1, SIZE_PX, SIZE_PX, 3), np.uint8)
    write_warmup(folder, [(PREDICT_SIGNATURE, {"image": image}), (DESCRIBE_SIGNATURE, {QUERY: [b""]})])
    expected: Outputs = {EMBEDDING: serving_default(tf.constant(image))[EMBEDDING].numpy()}
    return Servable(
        graphs={PREDICT_SIGNATURE: lambda image: {EMBEDDING: embed(image)}},
        takes=Port("image", "uint8", tuple(shape)),
        answers=(Port(EMBEDDING, "float32", (None, 4)),),
        labels=(),
        meta_json="{}",
        warmup=(Probe({"image": image}, close_to(expected, 1e-4)),),
        probes=(),
        malformed=(np.zeros((SIZE_PX, SIZE_PX, 3), np.uint8),),
    )


def convolution(_: object) -> Embed:
    tf = load_tensorflow()
    kernel = tf.ones((3, 3, 3, 4))
    return lambda pixels: tf.reduce_mean(tf.nn.conv2d(pixels, kernel, 1, "SAME"), [1, 2])


def test_a_graph_that_kills_its_server_fails_with_the_reason(own_gate: Gate, tmp_path: Path) -> None:
    shape = [None, SIZE_PX, SIZE_PX, 3]
    servable = write_picture_model(tmp_path, lambda module: convolution(module), shape=shape)
    first = own_gate.child_pid
    with pytest.raises(GateFailed, match=r"died \(SIGABRT\) while refusing an input of shape \[8, 8, 3\]"):
        own_gate.check(tmp_path, servable)
    assert own_gate.child_pid != first


def test_a_graph_that_answers_pictures_of_a_wrong_size_fails(gate: Gate, tmp_path: Path) -> None:
    servable = write_picture_model(tmp_path, convolution, shape=[None, SIZE_PX, SIZE_PX, 3])
    wrong = np.zeros((1, SIZE_PX + 1, SIZE_PX, 3), np.uint8)
    with pytest.raises(GateFailed, match=r"an input of shape \[1, 9, 8, 3\] is answered instead of refused"):
        gate.check(tmp_path, replace(servable, malformed=(wrong,)))


@pytest.mark.parametrize("weightless", [False, True])
def test_a_graph_with_variables_fails_with_or_without_them(weightless: bool, gate: Gate, tmp_path: Path) -> None:
    tf = load_tensorflow()

    def with_variable(module) -> Embed:
        module.kernel = tf.Variable(tf.ones((3, 3, 3, 4)))
        return lambda pixels: tf.reduce_mean(tf.nn.conv2d(pixels, module.kernel, 1, "SAME"), [1, 2])

    servable = write_picture_model(tmp_path, with_variable, shape=[None, SIZE_PX, SIZE_PX, 3])
    if weightless:
        shutil.rmtree(tmp_path / "variables")
    with pytest.raises(GateFailed, match=r"ReadVariableOp|not a valid checkpoint"):
        gate.check(tmp_path, servable)


def test_a_graph_that_calls_python_fails(gate: Gate, tmp_path: Path) -> None:
    tf = load_tensorflow()

    def with_python(_: object) -> Embed:
        def embed(pixels):
            rows = tf.py_function(lambda x: x[:, 0, 0, :], [pixels], tf.float32)
            return tf.pad(tf.ensure_shape(rows, [None, 3]), [[0, 0], [0, 1]])

        return embed

    servable = write_picture_model(tmp_path, with_python, shape=[None, SIZE_PX, SIZE_PX, 3])
    with pytest.raises(GateFailed, match="EagerPyFunc"):
        gate.check(tmp_path, servable)


def harmed(servable: Servable, harm: Callable[[], object]) -> Servable:
    """Return ``servable`` with a first warm-up record in whose judgement ``harm`` happens."""

    def judge(outputs: Outputs) -> str | None:
        harm()
        return None

    return replace(servable, warmup=(replace(servable.warmup[0], judge=judge), *servable.warmup[1:]))


def signalled(gate: Gate, number: signal.Signals) -> Callable[[], object]:
    return lambda: os.kill(gate.child_pid, number)


def test_a_child_killed_in_a_check_fails_it_and_is_replaced(own_gate: Gate, servable, export: Path) -> None:
    first = own_gate.child_pid
    with pytest.raises(GateFailed, match=r"died \(SIGKILL\)"):
        own_gate.check(export, harmed(servable, signalled(own_gate, signal.SIGKILL)))
    assert own_gate.child_pid != first
    own_gate.check(export, servable)


def test_a_child_that_hangs_fails_the_check_by_its_deadline_and_is_replaced(own_gate: Gate, servable, export) -> None:
    first = own_gate.child_pid
    started = time.monotonic()
    own_gate.check(export, servable)  # so that the child is past its start
    with pytest.raises(GateFailed, match="did not answer in time"):
        own_gate.check(export, harmed(servable, signalled(own_gate, signal.SIGSTOP)), timeout_s=2.0)
    assert time.monotonic() - started < 100
    with pytest.raises(ProcessLookupError):
        os.kill(first, 0)
    own_gate.check(export, servable)


def test_a_child_that_died_between_checks_is_replaced(own_gate: Gate, servable: Servable, export: Path) -> None:
    own_gate.check(export, servable)
    first = own_gate.child_pid
    os.kill(first, signal.SIGKILL)
    deadline = time.monotonic() + 10
    while own_gate.child_pid == first and time.monotonic() < deadline:
        try:
            own_gate.check(export, servable)
        except GateFailed:  # the kill may still have been under way
            continue
    assert own_gate.child_pid != first
    own_gate.check(export, servable)


def test_a_closed_gate_has_no_child_and_checks_nothing(servable: Servable, export: Path) -> None:
    gate = Gate()
    pid = gate.child_pid
    gate.close()
    gate.close()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    with pytest.raises(GateFailed, match="closed"):
        gate.check(export, servable)


def test_the_child_ends_when_its_trainer_is_gone(tmp_path: Path, wait_until) -> None:
    reading, writing = os.pipe()
    trainer = os.fork()
    if trainer == 0:
        gate = Gate()
        os.write(writing, str(gate.child_pid).encode())
        os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(trainer, 0)
    child = int(os.read(reading, 32))
    os.close(reading), os.close(writing)
    wait_until(lambda: not is_running(child), timeout_s=60)


def test_an_unwritable_folder_is_an_error_of_ours(servable: Servable, tmp_path: Path) -> None:
    from familiar_trainer.export.errors import ExportFailed

    target = tmp_path / "file"
    target.write_text("in the way")
    with pytest.raises(ExportFailed):
        write(servable, target)
