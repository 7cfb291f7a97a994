"""Our messages and the official ones are the same on the wire."""

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import pytest
from dump_official_descriptors import DUMP, describe_enum, describe_message
from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor
from official_names import NOT_IN_THE_PACKAGE, OFFICIAL_ENUMS, OFFICIAL_NAMES

from familiar.wire import serving_pb2 as pb

_PACKAGE = "familiar.serving.v1."
_OFFICIAL = json.loads(DUMP.read_text())


def _ours() -> dict[str, Descriptor]:
    found, todo = {}, list(pb.DESCRIPTOR.message_types_by_name.values())
    while todo:
        message = todo.pop()
        if not message.GetOptions().map_entry:
            found[message.full_name.removeprefix(_PACKAGE)] = message
        todo.extend(message.nested_types)
    return found


def _enums() -> dict[str, EnumDescriptor]:
    return {
        "DataType": pb.DataType.DESCRIPTOR,
        "Code": pb.Code.DESCRIPTOR,
        "ModelVersionStatus.State": pb.ModelVersionStatus.State.DESCRIPTOR,
    }


def test_every_message_of_ours_is_compared():
    assert _ours().keys() - NOT_IN_THE_PACKAGE == OFFICIAL_NAMES.keys()
    assert sum(len(message.fields) for message in _ours().values()) > 60


@pytest.mark.parametrize("name", OFFICIAL_NAMES)
def test_every_field_equals_the_official_one(name):
    official = _OFFICIAL["messages"][OFFICIAL_NAMES[name]]
    fields = describe_message(_ours()[name])
    for number, field in fields.items():
        assert number in official, f"{name}.{field['name']} has a number the official message does not know"
        _assert_equal(field, official[number])


def _assert_equal(ours, official):
    if ours["name"] == "error_message":
        # A string to others, and the same on the wire: it comes with whatever bytes were read, see serving.proto.
        assert (ours["type"], official["type"]) == (FieldDescriptor.TYPE_BYTES, FieldDescriptor.TYPE_STRING)
        ours = {**ours, "type": official["type"]}
    for key in ("name", "type", "repeated", "oneof"):
        assert ours[key] == official[key], (ours, official)
    if ours["message"] is not None:
        _assert_same_message(ours["message"], official["message"])
    if ours["enum"] is not None:
        assert OFFICIAL_ENUMS[ours["enum"].removeprefix(_PACKAGE)] == official["enum"]


def _assert_same_message(ours, official):
    short = ours.removeprefix(_PACKAGE)
    if short == ours:  # google.protobuf.*
        assert ours == official
    elif short.endswith("Entry"):
        fields = describe_message(pb.DESCRIPTOR.pool.FindMessageTypeByName(ours))
        for number, field in fields.items():
            _assert_equal(field, _OFFICIAL["messages"][official][number])
    else:
        assert OFFICIAL_NAMES[short] == official


@pytest.mark.parametrize("name", OFFICIAL_ENUMS)
def test_every_enum_value_equals_the_official_one(name):
    official = _OFFICIAL["enums"][OFFICIAL_ENUMS[name]]
    ours = describe_enum(_enums()[name])
    assert ours
    assert ours.items() <= official.items()


def test_repeated_numbers_are_packed_as_officially():
    for field in pb.Tensor.DESCRIPTOR.fields:
        if field.is_repeated and field.type != FieldDescriptor.TYPE_BYTES:
            assert field.GetOptions().packed or field.is_packed, field.name


@pytest.mark.skipif(
    importlib.util.find_spec("tensorflow_serving") is None, reason="tensorflow-serving-api is not installed"
)
def test_committed_dump_equals_the_installed_official_descriptors():
    script = Path(__file__).with_name("dump_official_descriptors.py")
    done = subprocess.run(
        [sys.executable, str(script), "--print"], capture_output=True, text=True, timeout=120, check=True
    )
    assert json.loads(done.stdout) == _OFFICIAL
