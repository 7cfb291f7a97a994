"""A broken export never takes the place of a good one."""

import shutil

import numpy as np
import pytest

from familiar.serving.client import ServingClient, VersionState
from familiar.wire import serving_pb2 as pb
from familiar.wire.tensor import encode
from familiar.wire.tfrecord import write_records
from familiar.wire.warmup import WARMUP_FILE, write_warmup

_GOOD = ("serving_default", {"x": np.zeros((1, 3), np.float32)})


def _cut(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def _cut_model(part):
    _cut(part / "saved_model.pb")


def _cut_weights(part):
    (data,) = (part / "variables").glob("*.data-*")
    _cut(data)


def _without_weights(part):
    for data in (part / "variables").glob("*.data-*"):
        data.unlink()


def _without_variables_but_with_warmup(part):
    shutil.rmtree(part / "variables")
    write_warmup(part, [_GOOD])


def _warmup_of_unknown_signature(part):
    write_warmup(part, [_GOOD, ("nope", {"x": np.zeros((1, 3), np.float32)})])


def _warmup_of_wrong_shape(part):
    write_warmup(part, [("convolve", {"image": np.zeros((1, 4, 4, 3), np.uint8)})])


def _warmup_of_other_bytes(part):
    path = part / WARMUP_FILE
    path.parent.mkdir()
    write_records(path, [b"\xff\xff\xff"])


def _cut_warmup(part):
    write_warmup(part, [_GOOD])
    _cut(part / WARMUP_FILE)


def _too_many_warmups(part):
    record = pb.PredictionLog()
    record.predict_log.request.inputs["x"].CopyFrom(encode(np.zeros((1, 3), np.float32)))
    path = part / WARMUP_FILE
    path.parent.mkdir()
    write_records(path, [record.SerializeToString()] * 1001)


def _only_rubbish(part):
    (part / "saved_model.pb").write_bytes(b"\x00rubbish\xff" * 1000)


_BROKEN = [
    ("frozen", _cut_model),
    ("frozen", _only_rubbish),
    ("variables", _cut_weights),
    ("variables", _without_weights),
    ("variables", _without_variables_but_with_warmup),
    ("frozen", _warmup_of_unknown_signature),
    ("frozen", _warmup_of_wrong_shape),
    ("frozen", _warmup_of_other_bytes),
    ("frozen", _cut_warmup),
    ("frozen", _too_many_warmups),
]


@pytest.mark.parametrize(("kind", "spoil"), _BROKEN, ids=[spoil.__name__.strip("_") for _, spoil in _BROKEN])
def test_broken_version_fails_and_the_good_one_goes_on(new_model, kind, spoil):
    model = new_model(1)
    model.publish(2, kind=kind, spoil=spoil)
    error = model.wait_until_failed(2)
    assert error.error_message
    model.keeps_serving(1)
    assert model.scale() == (1, 1)


def test_empty_folder_is_reported_as_not_found(new_model):
    model = new_model(1)
    (model.path / "2").mkdir()
    assert model.wait_until_failed(2).error_code == pb.NOT_FOUND
    assert model.scale() == (1, 1)


def test_cut_model_is_reported_as_out_of_range(new_model):
    model = new_model(1)
    model.publish(2, spoil=_cut_model)
    assert model.wait_until_failed(2).error_code == pb.OUT_OF_RANGE


@pytest.mark.usefixtures("embedded")
def test_weightless_version_is_refused_even_without_a_warmup_record(new_model):
    """Intended difference: the real server makes it available, and every request fails."""
    model = new_model(1)
    model.publish(2, kind="variables", spoil=lambda part: shutil.rmtree(part / "variables"))
    model.wait_until_failed(2)
    assert model.scale() == (1, 1)


def test_constants_need_no_variables_folder(new_model):
    model = new_model(1)
    model.publish(2, spoil=lambda part: shutil.rmtree(part / "variables"))
    model.wait_until_available(1, 2)
    assert model.scale() == (2, 2)


def test_model_with_variables_is_served(new_model):
    model = new_model(1)
    model.publish(2, kind="variables")
    model.wait_until_available(1, 2)
    assert model.scale() == (2, 2)


def test_version_with_good_warmups_is_served(new_model):
    def warm(part):
        write_warmup(part, [("serving_default", {"x": np.zeros((rows, 3), np.float32)}) for rows in (1, 2, 4, 8)])

    model = new_model(1)
    model.publish(2, spoil=warm)
    model.wait_until_available(1, 2)
    assert model.scale() == (2, 2)


def test_export_killed_before_its_rename_is_invisible(new_model):
    model = new_model(1)
    part = model.stage(2)
    _cut_model(part)
    part.rename(model.path / ".tmp-2-4711")
    model.keeps_serving(1)
    assert set(model.states()) == {1}


@pytest.mark.parametrize("rubbish", [b"\xff\xff\xff", b"\xff" * 5000, b"\0\x80\n\xc3("], ids=["short", "long", "odd"])
def test_whatever_bytes_are_in_a_bad_version_it_alone_is_seen_as_failed(target, new_model, rubbish):
    def spoil(part):
        path = part / WARMUP_FILE
        path.parent.mkdir()
        write_records(path, [rubbish])

    model = new_model(1)
    model.publish(2, spoil=spoil)
    assert rubbish[:3] in model.wait_until_failed(2).error_message, "the bytes are sent as they are"
    with ServingClient(target.address, timeout_s=10) as client:
        seen = {each.version: each for each in client.versions(model.name)}
    assert seen[1].state is VersionState.AVAILABLE and seen[2].state is VersionState.END
    assert seen[2].error_code and "\ufffd" in seen[2].error_message and "\0" not in seen[2].error_message
    assert target.http("GET", f"/v1/models/{model.name}").status == 200
    model.keeps_serving(1)


def test_next_good_version_is_served_after_a_broken_one(new_model):
    model = new_model(1)
    model.publish(2, spoil=_cut_model)
    model.wait_until_failed(2)
    model.publish(3)
    model.wait_until_available(3)
    assert model.scale() == (3, 3)
