"""Find the versions of a model on disk and decide which of them should be served."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from familiar.wire import serving_pb2 as pb

_VERSION_NAME: Final = re.compile(r"[ \t\n\v\f\r]*([+-]?[0-9]+)[ \t\n\v\f\r]*", re.ASCII)
_INT64: Final = range(-(1 << 63), 1 << 63)


def version_of(name: str) -> int | None:
    """Read a folder name as a version, None if it is not one (`0001` is 1, `1.tmp` is none)."""
    match = _VERSION_NAME.fullmatch(name)
    if match is None or (digits := match[1]) is None or len(digits) > 4000:
        return None
    version = int(digits)
    return version if version in _INT64 else None


def aspired_versions(
    model: str, base_path: Path, policy: pb.ServableVersionPolicy
) -> tuple[dict[int, Path], tuple[str, ...]]:
    """List the versions that should be served, with warnings for a person.

    Raises OSError if the base path cannot be read.
    """
    serve_all = policy.WhichOneof("policy_choice") == "all"
    found, warnings = _versions_on_disk(base_path, first_wins=serve_all)
    if not found:
        warnings.append(
            f"No versions of servable {model} found under base path {base_path}. Did you forget to name your"
            " leaf directory as a number (eg. '/1/')?"
        )
    if serve_all:
        return found, tuple(warnings)
    if policy.WhichOneof("policy_choice") == "specific":
        chosen = set(policy.specific.versions)
        if not chosen:
            warnings.append(f"No specific versions requested for servable {model}.")
        warnings += [
            f"Version {version} of servable {model}, which was requested as a 'specific' version, was not found."
            for version in sorted(chosen - found.keys())
        ]
    else:
        count = max(policy.latest.num_versions, 1)
        chosen = set(sorted(found, reverse=True)[:count])
    return {version: path for version, path in found.items() if version in chosen}, tuple(warnings)


def _versions_on_disk(base_path: Path, *, first_wins: bool) -> tuple[dict[int, Path], list[str]]:
    found: dict[int, Path] = {}
    warnings = []
    for path in sorted(base_path.iterdir(), key=lambda child: child.name):
        version = version_of(path.name)
        if version is None:
            continue
        if version in found:
            kept, ignored = (found[version], path) if first_wins else (path, found[version])
            warnings.append(
                f"Duplicate version directories detected. Version {version} will be loaded from {kept},"
                f" {ignored} will be ignored."
            )
            path = kept
        found[version] = path
    return found, warnings
