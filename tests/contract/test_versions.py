"""Which versions are served while folders come and go (sections 2.1 to 2.4)."""

import grpc
import pytest

from familiar.wire import serving_pb2 as pb
from target import ALL, LATEST_1, LATEST_2, ModelFolder, X, request
from waiting import wait_for


def _empty(part):
    for path in sorted(part.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()


def _newest(model):
    return model.scale()[0]


def test_newest_version_answers_when_none_is_named(new_model):
    model = new_model(1)
    model.publish(2)
    model.wait_until_available(1, 2)
    assert model.scale() == (2, 2)


def test_two_versions_stay_loaded(new_model):
    model = new_model(1, 2)
    model.wait_until_available(1, 2)
    model.publish(3)
    model.wait_until_available(2, 3)
    wait_for(lambda: model.states()[1] == "END", 30, "version 1 to end")
    assert (model.factor(2), model.factor(3)) == (2, 3)


def test_one_version_is_replaced_without_a_gap(new_model):
    model = new_model(1, policy=LATEST_1)
    model.publish(2)
    wait_for(lambda: _newest(model) == 2, 30, "version 2 to answer; every answer until then must be right")
    model.wait_until_available(2)


def test_sequence_with_two_versions(new_model):
    """The right column of the table in section 2.4."""
    model = new_model(1)
    model.publish(2, spoil=_empty)
    model.wait_until_failed(2)
    model.keeps_serving(1)

    model.retire(2)
    model.keeps_serving(1)

    model.publish(2)
    model.wait_until_available(1, 2)

    model.publish(3)
    model.wait_until_available(2, 3)

    model.retire(3)
    model.wait_until_available(1, 2)
    assert model.scale() == (2, 2)

    model.retire(2)
    model.retire(1)
    model.wait_until_available()
    with pytest.raises(grpc.RpcError, match="Servable not found for request: Latest"):
        model.scale()


def test_sequence_with_one_version_burns_a_number(new_model):
    """The left column of the table in section 2.4."""
    model = new_model(1, policy=LATEST_1)
    model.publish(2, spoil=_empty)
    model.wait_until_failed(2)
    model.keeps_serving(1)

    model.retire(2)
    model.keeps_serving(1)

    model.publish(2)
    model.keeps_serving(1)

    model.publish(3)
    model.wait_until_available(3)

    model.retire(3)
    model.wait_until_available(2)
    assert model.scale() == (2, 2)


def test_rollback_by_rename_has_no_gap(new_model):
    model = new_model(1, policy=LATEST_1)
    model.publish(2)
    model.wait_until_available(2)
    model.retire(2)
    wait_for(lambda: _newest(model) == 1, 30, "version 1 to answer again; some version must answer until then")
    model.wait_until_available(1)


def test_rolled_back_version_stays_in_the_history(new_model):
    model = new_model(1, 2)
    model.wait_until_available(1, 2)
    model.retire(2)
    model.wait_until_available(1)
    wait_for(lambda: model.states() == {2: "END", 1: "AVAILABLE"}, 30, "version 2 to end")


def test_lower_version_that_appears_late_is_served_beside(new_model):
    model = new_model(5)
    model.publish(3)
    model.wait_until_available(3, 5)
    assert model.scale() == (5, 5)


def test_all_versions_are_served_if_so_configured(new_model):
    model = new_model(1, 2, 3, policy=ALL)
    model.wait_until_available(1, 2, 3)
    model.publish(4)
    model.wait_until_available(1, 2, 3, 4)


def test_specific_versions_are_served_if_so_configured(target, new_model):
    model = new_model(1, 2, 3, policy=pb.ServableVersionPolicy(specific={"versions": [1, 3, 77]}))
    model.wait_until_available(1, 3)
    model.config.model_version_policy.specific.versions[:] = [2]
    target.configure(model)
    model.wait_until_available(2)
    assert model.scale() == (2, 2)


def test_names_that_are_numbers_are_versions_and_others_are_not(target, exports):
    model = ModelFolder(target, exports, ALL)
    for name in ("0002", " 7 ", "+5"):
        model.publish(name, factor=int(name))
    for name in ("1_000", "1.0", "0x10", "3.tmp", "tmp-3", ".3", "３", "9223372036854775808"):
        model.publish(name, factor=1)
    try:
        target.configure(model)
        model.wait_until_available(2, 5, 7)
        model.keeps_serving(2, 5, 7)
        assert {version: model.factor(version) for version in (2, 5, 7)} == {2: 2, 5: 5, 7: 7}
    finally:
        target.discard(model)


def test_of_two_names_for_one_version_the_last_in_text_order_wins(target, exports):
    model = ModelFolder(target, exports, LATEST_2)
    model.publish("0003", factor=4)
    model.publish("3", factor=3)
    try:
        target.configure(model)
        model.wait_until_available(3)
        assert model.scale() == (3, 3)
    finally:
        target.discard(model)


def test_symbolic_link_is_a_version(target, new_model):
    model = new_model(1)
    model.stage(2).rename(model.path / "elsewhere")
    (model.path / "2").symlink_to("elsewhere")
    model.wait_until_available(1, 2)


def test_request_in_flight_ends_on_the_version_it_began_with(target, new_model, steps_per_second):
    model = new_model(1)
    method = target.channel.unary_unary(
        "/tensorflow.serving.PredictionService/Predict",
        request_serializer=lambda message: message.SerializeToString(),
        response_deserializer=pb.PredictResponse.FromString,
    )
    slow = method.future(model.slow_request(4 * steps_per_second, version=1), timeout=120)
    model.publish(2)
    model.publish(3)
    wait_for(lambda: 3 in model.available(), 30, "version 3 to be served")
    if not slow.done():
        assert model.states()[1] in ("AVAILABLE", "UNLOADING")
    assert slow.result().model_spec.version.value == 1
    model.wait_until_available(2, 3)


def test_answers_come_from_a_version_once_it_is_available(target, new_model):
    model = new_model(1)
    model.publish(2)
    wait_for(lambda: 2 in model.available(), 30, "version 2 to be available")
    response = target.predict(request(model.name, {"x": X}))
    assert response.model_spec.version.value == 2
