"""Every failure has the one error body, and tells clients no more than they need."""

import errno
import os
import tempfile

import pytest
from gateway_world import files

from familiar import errors as domain
from familiar.errors import FamiliarError, ServingUnavailable
from familiar.records import faults
from familiar_gateway.web import errors


def subclasses(kind: type[FamiliarError]) -> set[type[FamiliarError]]:
    return {kind}.union(*(subclasses(each) for each in kind.__subclasses__()))


def test_a_defect_is_a_500_without_a_traceback_and_the_log_has_it(world, caplog, monkeypatch):
    def broken():
        raise ZeroDivisionError("secret")

    monkeypatch.setattr(world.database, "read", broken)
    answer = world.client.get("/v1/people", headers={"X-Request-Id": "abc"})
    assert answer.status_code == 500
    error = answer.json["error"]
    assert (error["code"], error["retryable"], error["request_id"]) == ("internal", False, "abc")
    assert "secret" not in answer.text and "Zero" not in answer.text
    assert "ZeroDivisionError" in caplog.text and "request abc" in caplog.text


def test_what_serving_says_of_itself_is_not_told_to_clients(world, collins_frames):
    world.serving.fault = ServingUnavailable("model server at 10.0.0.7:8500 answered UNAVAILABLE", model="head")
    answer = world.client.post("/v1/recognize", data=collins_frames[0], content_type="image/jpeg")
    assert answer.status_code == 503 and "10.0.0.7" not in answer.text


@pytest.mark.parametrize("fault", [fault for fault in vars(faults).values() if isinstance(fault, faults.Fault)])
def test_the_log_says_which_database_it_is_and_what_to_do_and_clients_are_not_told(world, caplog, monkeypatch, fault):
    def broken():
        raise faults.unavailable(fault, "/state/familiar.db", "what it said itself")

    monkeypatch.setattr(world.database, "read", broken)
    answer = world.client.get("/v1/people", headers={"X-Request-Id": "abc"})
    assert answer.status_code == 503 and answer.json["error"]["message"] == fault.sentence
    assert answer.json["error"]["details"] == {}
    (line,) = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    for said in (fault.code, fault.sentence, "/state/familiar.db", "what it said itself", fault.remedy, "request abc"):
        assert said in line


def test_a_method_not_allowed_names_those_that_are(world):
    answer = world.client.put("/v1/people")
    assert answer.status_code == 405 and "GET" in answer.headers["Allow"]


def test_every_domain_error_has_a_status_that_fits():
    for kind in subclasses(FamiliarError):
        status = errors.status_of(kind("x"))
        assert 400 <= status < 600
        assert kind.retryable is (status in (429, 503)), kind
    assert errors.status_of(domain.AlreadyKnown("x")) == 409
    assert errors.status_of(domain.ServingTimeout("x")) == 503


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EMFILE, errno.ENFILE])
def test_a_form_that_finds_no_room_here_may_be_sent_again(world, collins_frames, monkeypatch, number):
    def full(*_arguments, **_named):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(tempfile, "SpooledTemporaryFile", full)
    answer = world.client.post("/v1/recognize", data={"image": files(collins_frames[:1])})
    assert answer.status_code == 503 and answer.json["error"]["retryable"] and answer.headers["Retry-After"]
    monkeypatch.undo()
    assert world.client.post("/v1/recognize", data={"image": files(collins_frames[:1])}).status_code == 200
