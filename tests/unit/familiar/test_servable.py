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


@pytest.mark.parametrize("margin", [0, -0.1, float("nan"), "0.02", [0.02]])
def test_a_glance_that_might_be_trusted_blindly_is_no_metadata(margin) -> None:
    good = BackboneMeta("a", 96, 32, "CC0-1.0", "0", mirrored=True, glance_margin=0.02)
    assert BackboneMeta.from_json(good.to_json()) == good
    with pytest.raises(ValueError, match="margin"):
        BackboneMeta.from_dict({**good.to_dict(), "glance_margin": margin})
    with pytest.raises(ValueError, match="mirror"):
        BackboneMeta.from_dict({**good.to_dict(), "mirrored": False})


def test_metadata_of_an_earlier_release_promise_no_glance() -> None:
    older = {"name": "a", "input_px": 96, "dim": 32, "licence": "CC0-1.0", "weights_sha256": "0", "mirrored": True}
    assert BackboneMeta.from_dict(older).glance_margin is None
