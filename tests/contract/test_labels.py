"""Labels name versions, and move only to versions that answer (section 3)."""

import grpc
import numpy as np

from familiar.wire.tensor import decode
from target import X, request


def _assign(target, model, **labels):
    model.config.version_labels.clear()
    model.config.version_labels.update(labels)
    target.configure(model)


def _ask(target, model, label):
    return target.predict(request(model.name, {"x": X}, label=label))


def _labelled(target, new_model):
    model = new_model(1, 2)
    model.wait_until_available(1, 2)
    _assign(target, model, stable=1, canary=2)
    return model


def test_request_by_label_is_answered_by_its_version(target, new_model):
    model = _labelled(target, new_model)
    for label, version in (("stable", 1), ("canary", 2)):
        response = _ask(target, model, label)
        assert response.model_spec.version.value == version
        assert not response.model_spec.HasField("version_label")
        np.testing.assert_array_equal(decode(response.outputs["y"]), X * version)


def test_rest_request_by_label_is_answered_by_its_version(target, new_model):
    model = _labelled(target, new_model)
    reply = target.post(f"/v1/models/{model.name}/labels/stable:predict", {"instances": X.tolist()})
    assert reply.json["predictions"][0]["factor"] == 1


def test_label_moves_to_a_version_that_answers(target, new_model):
    model = _labelled(target, new_model)
    _assign(target, model, stable=2)
    assert _ask(target, model, "stable").model_spec.version.value == 2


def test_label_does_not_move_to_a_version_that_does_not_answer(target, new_model, fails):
    model = _labelled(target, new_model)
    try:
        text = fails(grpc.StatusCode.FAILED_PRECONDITION, lambda: _assign(target, model, stable=77))
        assert f"Request to assign label to version 77 of model {model.name}" in text
        assert _ask(target, model, "stable").model_spec.version.value == 1
    finally:
        model.config.version_labels.clear()


def test_label_left_out_is_gone(target, new_model, fails):
    model = _labelled(target, new_model)
    _assign(target, model)
    text = fails(grpc.StatusCode.INVALID_ARGUMENT, lambda: _ask(target, model, "stable"))
    assert text == "Unrecognized servable version label: stable"


def test_label_of_an_unloaded_version_finds_nothing(target, new_model, fails):
    model = _labelled(target, new_model)
    model.retire(1)
    model.wait_until_available(2)
    text = fails(grpc.StatusCode.NOT_FOUND, lambda: _ask(target, model, "stable"))
    assert text == f"Servable not found for request: Specific({model.name}, 1)"
