"""Options: what a request says in its address of the faces that it wants, and what it wants to know of each."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from flask import request

from familiar.errors import InvalidInput
from familiar.seeing import Observation
from familiar_gateway.translating import faults, values
from familiar_gateway.web import Json

NAMES: tuple[str, ...] = ("limit", "prediction_count", "det_prob_threshold", "face_plugins", "status", "detect_faces")
"""What clients may say; ``detect_faces`` changes nothing, for faces are always looked for."""

_MOST = 10**6
_Face = TypeVar("_Face")


@dataclass(frozen=True)
class Options:
    """What is wanted: so many faces at most, 0 for all, of which the detector is so sure.

    ``plugins`` are what clients want to know of each. Of those we have two; what is not installed is left out with
    CompreFace as well.
    """

    limit: int
    least_confidence: float
    plugins: frozenset[str]
    status: bool

    def choose(self, faces: Sequence[_Face], seen: Callable[[_Face], Observation]) -> list[_Face]:
        """Return the faces that are wanted, one at least.

        Raises:
            Unfit: there is none.
        """
        sure = [each for each in faces if seen(each).face.confidence >= self.least_confidence]
        if not sure:
            raise faults.Unfit("no_face")
        return sure[: self.limit or None]

    def show(self, seen: Observation, timings_ms: Mapping[str, float]) -> Json:
        """Show a face."""
        quality = seen.quality.to_dict()
        shown: Json = {"box": {"probability": round(seen.face.confidence, 5), **values.pixels(seen.face.box)}}
        if "landmarks" in self.plugins:
            shown["landmarks"] = [[round(float(x)), round(float(y))] for x, y in seen.face.landmarks]
        if "pose" in self.plugins:
            shown["pose"] = {name: quality[f"{name}_deg"] for name in ("pitch", "roll", "yaw")}
        if self.status:
            shown["execution_time"] = {
                "detector": round(timings_ms.get("detect", 0.0), 1),
                "calculator": round(timings_ms.get("embed", 0.0), 1),
            }
        return shown

    def versions(self, backbone_version: int | None = None) -> Json:
        """Show which software answers, if that was asked for; without a backbone nothing was compared."""
        told = {"detector": "familiar.detector"}
        if backbone_version is not None:
            told["calculator"] = f"familiar.backbone-{backbone_version}"
        return {"plugins_versions": told} if self.status else {}


def read() -> Options:
    """Return what the address says.

    Raises:
        InvalidInput: something in it has a value that cannot be used.
    """
    _number("prediction_count", 1, 1)  # there is one whom we would name, or nobody
    _flag("detect_faces")
    plugins = frozenset(each.strip() for each in request.args.get("face_plugins", "").split(","))
    return Options(_number("limit", 0, 0), _share("det_prob_threshold"), plugins, _flag("status"))


def _number(name: str, default: int, least: int) -> int:
    text = request.args.get(name, "") or str(default)
    if text.isascii() and text.isdigit() and len(text) < 10 and least <= int(text) <= _MOST:
        return int(text)
    raise _wrong(name, f"a whole number from {least}", text)


def _share(name: str) -> float:
    text = request.args.get(name, "") or "0"
    value = values.share(text)
    if value is None:
        raise _wrong(name, "a number from 0 to 1", text)
    return value


def _flag(name: str) -> bool:
    text = (request.args.get(name, "") or "false").lower()  # Python's clients write True
    if text in ("true", "false"):
        return text == "true"
    raise _wrong(name, "true or false", text)


def _wrong(name: str, wanted: str, got: str) -> InvalidInput:
    return InvalidInput(f"{name} must be {wanted}, got {got!r:.50}", code="invalid_query", field=name)
