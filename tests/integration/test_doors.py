"""The public clients of CompreFace and DeepStack, unchanged, before a running system that asks for keys: every call."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import cv2
import pytest

from architecture.rooms import ROOT
from familiar.records import key, keys
from familiar.scope import Scope
from familiar.seeing.image import Frame
from system import System, wait_until

_CLIENTS = Path(os.environ.get("FAMILIAR_CLIENTS") or Path(sys.prefix) / "clients")
_PROGRAM = Path(__file__).with_name("public_client.py")
_PAGE = (ROOT / "docs" / "doors.md").read_text()
_LEARNED_S = 60
SETTINGS = {"DOORS": "compreface,deepstack", "ACCESS": "keys"}
"""Of the system that these tests share."""

pytestmark = pytest.mark.skipif(
    not _CLIENTS.is_dir(), reason="the public clients are not installed: make installs them beside the tests' packages"
)


class PublicClient:
    """One that is called over a pipe."""

    def __init__(self, which: str, system: System, secret: str) -> None:
        where = ["127.0.0.1", str(system.ports["gateway"]), secret]
        self._process = subprocess.Popen(
            [sys.executable, str(_PROGRAM), which, *where],
            env={**os.environ, "PYTHONPATH": str(_CLIENTS)}, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        self.has: set[str] = set(self._answer())
        self.called: set[str] = set()

    def __call__(self, call: str, *given: Any, **named: Any) -> Any:
        """Make a call; return what it returns.

        Raises:
            RuntimeError: it raised an exception; the message is that of it.
        """
        self.called.add(call)
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps([call, [str(each) if isinstance(each, Path) else each for each in given],
                                              named]) + "\n")  # fmt: skip
        self._process.stdin.flush()
        answer = self._answer()
        if "raised" in answer:
            raise RuntimeError(answer["raised"])
        return answer["returned"]

    def end(self) -> None:
        """End its process."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(20)

    def _answer(self) -> Any:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, "the client has ended"
        return json.loads(line)


@pytest.fixture(scope="module")
def secret(system: System) -> str:
    """The key that the clients have."""
    made = key.new_secret()
    database = system.database()
    with database.write() as session:
        keys.add(session, "clients", [Scope.RECOGNIZE, Scope.ENROLL, Scope.PEOPLE], digest=key.digest(made))
    database.close()
    return made


@pytest.fixture
def client(system: System, secret: str, request: pytest.FixtureRequest) -> Iterator[PublicClient]:
    """The client that a test names, before a system that knows nobody."""
    system.client().call("DELETE", "/api/v1/recognition/subjects", headers={"X-API-Key": secret})
    made = PublicClient(request.param, system, secret)
    yield made
    made.end()


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory, webcam, collins: Frame, hopper: Frame) -> dict[str, list[Path]]:
    """Pictures of two people as files; the first of each is longer than what is read before a key was shown."""
    folder = tmp_path_factory.mktemp("pictures")
    found: dict[str, list[Path]] = {"Ada": [], "Grace": []}
    for (name, paths), portrait, seed in zip(found.items(), (collins, hopper), (1, 2), strict=True):
        for number, data in enumerate(webcam(portrait, seed, range(0, 24, 3))):
            paths.append(folder / f"{name}{number}.jpg")
            paths[-1].write_bytes(data)
        large = cv2.resize(cv2.imread(str(paths[0])), None, fx=2, fy=2)
        paths[0].write_bytes(cv2.imencode(".jpg", large, [cv2.IMWRITE_JPEG_QUALITY, 98])[1].tobytes())
        assert paths[0].stat().st_size > 65_536
    return found


def _until(asked: Callable[[], object], wanted: object, what: str) -> None:
    wait_until(lambda: asked() == wanted, _LEARNED_S, what)


def _every_call_was_made_and_is_in_the_table(client: PublicClient) -> None:
    assert client.called == client.has
    assert [call for call in sorted(client.has) if f"`{call}`" not in _PAGE] == [], "say in docs/doors.md"


@pytest.mark.parametrize("client", ["compreface"], indirect=True)
def test_every_call_of_comprefaces_client(client: PublicClient, pictures: dict[str, list[Path]]) -> None:
    ada, grace = pictures["Ada"], pictures["Grace"]

    def named(picture: Path) -> list[str]:
        (face,) = client("RecognitionService.recognize", str(picture))["result"]
        assert all(0.8 <= each["similarity"] <= 1 for each in face["subjects"])
        return [each["subject"] for each in face["subjects"]]

    assert client("Subjects.list") == {"subjects": []} and named(ada[0]) == []
    assert client("Subjects.add", "Ada") == {"subject": "Ada"}
    assert client("Subjects.add", "Ada")["code"] == 43
    first = client("FaceCollection.add", str(ada[0]), "Ada")
    assert set(first) == {"image_id", "subject"} and first["subject"] == "Ada"
    _until(lambda: named(ada[5]), ["Ada"], "one picture is learned")
    assert named(grace[5]) == []
    more = [client("FaceCollection.add", str(each), "Ada", {"det_prob_threshold": 0.8}) for each in ada[1:3]]
    assert client("FaceCollection.add", str(grace[0]), "Grace Hopper")["subject"] == "Grace Hopper"
    _until(lambda: named(grace[5]), ["Grace Hopper"], "another one is learned")
    assert client("Subjects.list") == {"subjects": ["Ada", "Grace Hopper"]}
    listed = client("FaceCollection.list")
    assert listed["total_elements"] == 4 and listed["faces"][0] == first

    whole = client("RecognitionService.recognize", str(ada[5]), options={"face_plugins": "landmarks", "limit": 1,
                   "prediction_count": 3, "status": True, "det_prob_threshold": 0.5})  # fmt: skip
    assert len(whole["result"][0]["landmarks"]) == 5 and set(whole["plugins_versions"]) == {"detector", "calculator"}
    (found,) = client("DetectionService.detect", str(ada[5]), options={"face_plugins": "landmarks"})["result"]
    assert found["box"]["probability"] > 0.5
    for other, same in ((ada[6], True), (grace[6], False)):
        (made,) = client("VerificationService.verify", str(ada[5]), str(other), options={"limit": 1})["result"]
        (stored,) = client("FaceCollection.verify", str(other), first["image_id"])["result"]
        for similarity in (made["face_matches"][0]["similarity"], stored["similarity"]):
            assert similarity >= 0.8 if same else similarity < 0.4

    assert client("Subjects.update", "Grace Hopper", "Grace") == {"updated": True}
    assert named(grace[5]) == ["Grace"]
    assert client("FaceCollection.delete", more[0]["image_id"]) == more[0]
    assert client("FaceCollection.delete", more[0]["image_id"])["code"] == 11
    assert client("FaceCollection.delete_all", "Ada") == {"deleted": 2}
    _until(lambda: named(ada[5]), [], "what was deleted is forgotten")
    assert client("Subjects.delete", "Ada") == {"subject": "Ada"}
    assert client("Subjects.delete", "Ada")["code"] == 42
    assert client("Subjects.delete_all") == {"deleted": 1}
    assert client("Subjects.list") == {"subjects": []} and named(grace[5]) == []
    _every_call_was_made_and_is_in_the_table(client)


@pytest.mark.parametrize("client", ["deepstack_python"], indirect=True)
def test_every_call_of_the_client_of_home_assistants_integration(
    client: PublicClient, pictures: dict[str, list[Path]]
) -> None:
    ada, grace = pictures["Ada"], pictures["Grace"]

    def named(picture: Path) -> list[str]:
        return [each["userid"] for each in client("DeepstackFace.recognize", str(picture))]

    assert client("DeepstackFace.get_registered_faces") == [] and named(ada[0]) == ["unknown"]
    assert client("DeepstackFace.register", "Ada", str(ada[0])) == "face added"
    assert client("DeepstackFace.register", "Ada", str(ada[1])) == "face updated"
    _until(lambda: named(ada[5]), ["Ada"], "two pictures are learned")
    assert named(grace[5]) == ["unknown"]
    assert client("DeepstackFace.get_registered_faces") == ["Ada"]
    (face,) = client("DeepstackFace.detect", str(ada[5]))
    assert set(face) == {"confidence", "x_min", "y_min", "x_max", "y_max"}
    _every_call_was_made_and_is_in_the_table(client)


@pytest.mark.parametrize("client", ["deepstack_sdk"], indirect=True)
def test_every_call_of_deepstacks_own_client(
    client: PublicClient, pictures: dict[str, list[Path]], tmp_path: Path
) -> None:
    ada, grace = pictures["Ada"], pictures["Grace"]

    def named(picture: Path) -> list[str]:
        return [each["userid"] for each in client("Face.recognizeFace", str(picture))]

    assert client("Face.listFaces") == []
    assert client("Face.registerFace", [str(each) for each in grace[:4]], "Grace") is True
    _until(lambda: named(grace[5]), ["Grace"], "four pictures are learned")
    assert named(ada[5]) == ["unknown"] and client("Face.listFaces") == ["Grace"]
    (face,) = client("Face.detectFace", str(ada[5]))
    assert face["confidence"] > 0.5
    film = _film(tmp_path / "grace.avi", grace[5:7])
    frames = client("Face.recognizeFaceVideo", str(film), output=str(tmp_path / "named"))
    assert [[each["userid"] for each in frame] for frame in frames.values()] == [["Grace"], ["Grace"]]
    frames = client("Face.detectFaceVideo", str(film), output=str(tmp_path / "found"))
    assert [len(frame) for frame in frames.values()] == [1, 1]
    assert client("Face.deleteFace", "Grace") is True
    _until(lambda: named(grace[5]), ["unknown"], "who was deleted is unknown")
    _every_call_was_made_and_is_in_the_table(client)


def test_a_key_that_is_wrong_lets_nobody_in(system: System, pictures: dict[str, list[Path]]) -> None:
    compreface, deepstack = (PublicClient(which, system, "fam_wrong") for which in ("compreface", "deepstack_python"))
    for picture in map(str, pictures["Ada"][:2]):  # a long one, which is asked for by its head alone, and a short one
        assert compreface("RecognitionService.recognize", picture)["code"] == 10
        with pytest.raises(RuntimeError, match="status code: 401"):
            deepstack("DeepstackFace.recognize", picture)
    for client in (compreface, deepstack):
        client.end()
    assert "fam_wrong" not in system.log("gateway")


def _film(path: Path, pictures: Sequence[Path]) -> Path:
    """Write pictures as a film that OpenCV reads."""
    frames = [cv2.imread(str(each)) for each in pictures]
    height, width = frames[0].shape[:2]
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"MJPG"), 5, (width, height))
    for frame in frames:
        writer.write(frame)
    writer.release()
    return path
