"""A public client of another system, unchanged, in a process of its own: a line of JSON in for each call, one out.

``python public_client.py compreface|deepstack_python|deepstack_sdk HOST PORT KEY``, with the clients on the path. A
call is ``["Subjects.add", ["Ada"], {}]``; the answer ``{"returned": ...}`` or ``{"raised": "..."}``. The first line
out names all calls that the client has about faces.
"""

import inspect
import json
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

Calls = Mapping[str, Callable[..., Any]]
_LOCAL = {"get_available_functions", "get_face_collection", "get_subjects"}  # these ask nobody


def compreface(host: str, port: str, key: str) -> Calls:
    """Return the calls of CompreFace's client."""
    from compreface import CompreFace

    made = CompreFace(f"http://{host}", port, {"limit": 0, "status": True, "det_prob_threshold": 0.5})
    recognition = made.init_face_recognition(key)
    of = (
        recognition,
        recognition.get_face_collection(),
        recognition.get_subjects(),
        made.init_face_verification(key),
        made.init_face_detection(key),
    )
    return {name: call for each in of for name, call in _calls_of(each).items()}


def deepstack_python(host: str, port: str, key: str) -> Calls:
    """Return the calls of the client of Home Assistant's integration; pictures come as paths, and go as bytes."""
    from deepstack.core import DeepstackFace

    made = _calls_of(DeepstackFace(host, int(port), key))
    return {name: lambda *given, ask=call: ask(*map(_read, given)) for name, call in made.items()}


def deepstack_sdk(host: str, port: str, key: str) -> Calls:
    """Return the calls of DeepStack's own client."""
    import cv2
    from deepstack_sdk import Face, ServerConfig

    cv2.waitKey = lambda _: -1  # an OpenCV without windows has none
    return _calls_of(Face(ServerConfig(f"http://{host}:{port}", api_key=key)))


def _calls_of(made: object) -> dict[str, Callable[..., Any]]:
    return {
        f"{type(made).__name__}.{name}": call
        for name, call in inspect.getmembers(made, inspect.ismethod)
        if not name.startswith("_") and name not in _LOCAL
    }


def _read(given: Any) -> Any:
    return Path(given).read_bytes() if str(given).endswith(".jpg") else given


def _as_json(value: Any) -> Any:
    """Return what a client returns as JSON: its objects as what they hold."""
    return value.list if hasattr(value, "list") else getattr(value, "detections", vars(value))


def main() -> None:
    """Make one call after the other."""
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    sys.stdout = sys.stderr  # where the clients print what they like
    which, *where = sys.argv[1:]
    calls = {each.__name__: each for each in (compreface, deepstack_python, deepstack_sdk)}[which](*where)
    print(json.dumps(sorted(calls)), file=answers)
    for line in sys.stdin:
        name, given, named = json.loads(line)
        try:
            told = {"returned": calls[name](*given, **named)}
        except Exception as exc:
            told = {"raised": str(exc)}
        print(json.dumps(told, default=_as_json), file=answers)


if __name__ == "__main__":
    main()
