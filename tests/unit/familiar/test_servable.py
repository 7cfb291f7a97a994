"""What a servable says of itself."""

import json

import pytest

from familiar.servable import BackboneMeta, HeadMeta


def test_metadata_survives_json_and_newer_fields() -> None:
    meta = HeadMeta(1, 128, 0.9, "abc", 0.001, 3, 90, "2026-01-01T00:00:00Z", {"fnir": 0.01})
    text = json.dumps({**json.loads(meta.to_json()), "later": 1})
    assert HeadMeta.from_json(text) == meta
    for bad in ("[]", "{}", "nonsense"):
        with pytest.raises(ValueError):
            BackboneMeta.from_json(bad)
