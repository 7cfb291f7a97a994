"""How CompreFace's clients ask, for tests."""

import io
import uuid

import numpy as np
from flask.testing import FlaskClient
from gateway_world import World
from werkzeug.test import TestResponse

from familiar.seeing.image import encode_jpeg

NOBODY = str(uuid.UUID(int=7))


def blank() -> bytes:
    return encode_jpeg(np.full((200, 200, 3), 127, np.uint8))


def send(client: FlaskClient, path: str, **pictures: bytes) -> TestResponse:
    files = {name: (io.BytesIO(data), "image.jpg") for name, data in (pictures or {}).items()}
    return client.post(f"/api/v1{path}", data=files, content_type="multipart/form-data")


def teach(client: FlaskClient, world: World, subject: str, *pictures: bytes) -> list[str]:
    """Add examples one by one, as clients do, and learn them; return their ids."""
    ids = []
    for picture in pictures:
        answer = send(client, f"/recognition/faces?subject={subject}", file=picture)
        assert answer.status_code == 201 and answer.json["subject"] == subject, answer.text
        ids.append(answer.json["image_id"])
        world.train()
    return ids


def fault(answer: TestResponse) -> tuple[int, int]:
    """Return status and number of a fault, which has nothing beside them but a sentence."""
    assert set(answer.json) == {"message", "code"} and answer.json["message"], answer.text
    return answer.status_code, answer.json["code"]
