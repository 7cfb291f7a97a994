"""What tests of remembering have in common: frames sent, and what is remembered of them."""

from typing import Any

from gateway_world import World

JPEG = {"Content-Type": "image/jpeg"}


def show(world: World, *frames: bytes, **query: str) -> dict[str, Any]:
    """Have one frame after the other recognised and wait until they are written down; return the last answer."""
    answer: Any = None
    for frame in frames:
        answer = world.client.post("/v1/recognize", data=frame, headers=JPEG, query_string=query)
        assert answer.status_code == 200, answer.text
    assert world.services.witness.flush()
    return dict(answer.json)


def remembered(world: World, **query: str) -> list[dict[str, Any]]:
    """Return the sightings that fit a query, the newest first."""
    answer = world.client.get("/v1/sightings", query_string=query)
    assert answer.status_code == 200, answer.text
    return list(answer.json["sightings"])
