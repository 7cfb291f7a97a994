"""Print the official message descriptors as JSON; needs tensorflow-serving-api and TensorFlow.

Run `python tests/unit/familiar/wire/dump_official_descriptors.py` to write `official_descriptors.json` anew.
"""

import importlib
import json
import pkgutil
from pathlib import Path

DUMP = Path(__file__).with_name("official_descriptors.json")


def describe_enum(enum):
    return {value.name: value.number for value in enum.values}


def describe_message(message):
    """Return what matters on the wire and in text files, by field number."""
    return {
        str(field.number): {
            "name": field.name,
            "type": field.type,
            "repeated": field.is_repeated,
            "oneof": field.containing_oneof.name if field.containing_oneof else None,
            "message": field.message_type.full_name if field.message_type else None,
            "enum": field.enum_type.full_name if field.enum_type else None,
        }
        for field in message.fields
    }


def official_files():
    import tensorflow_serving

    for module in pkgutil.walk_packages(tensorflow_serving.__path__, "tensorflow_serving."):
        # The files of services hold no messages, and do not load under protobuf 5 or 6.
        if module.name.endswith("_pb2") and not module.name.endswith("_service_pb2"):
            yield importlib.import_module(module.name).DESCRIPTOR


def dump(names):
    """Describe these messages, their enums and the entries of their maps."""
    from google.protobuf import descriptor_pool

    list(official_files())  # registers them
    pool = descriptor_pool.Default()
    messages, enums, todo = {}, {}, [pool.FindMessageTypeByName(name) for name in names]
    while todo:
        message = todo.pop()
        if message.full_name in messages:
            continue
        messages[message.full_name] = describe_message(message)
        for field in message.fields:
            if field.enum_type:
                enums[field.enum_type.full_name] = describe_enum(field.enum_type)
            if field.message_type and field.message_type.GetOptions().map_entry:
                todo.append(field.message_type)
    return {"messages": messages, "enums": enums}


def as_text(names):
    return json.dumps(dump(names), indent=1, sort_keys=True) + "\n"


if __name__ == "__main__":
    import sys

    sys.path.insert(0, str(DUMP.parent))
    from official_names import OFFICIAL_NAMES

    text = as_text(OFFICIAL_NAMES.values())
    if sys.argv[1:] == ["--print"]:
        print(text, end="")
    else:
        DUMP.write_text(text)
