"""A folder sent by the camera client, and results unpacked where nothing of somebody else's is lost."""

import io
import json
import stat
import zipfile
from pathlib import Path

import httpx
import pytest

from familiar_camera import photos
from familiar_camera.backoff import Backoff
from familiar_camera.errors import Refused, SortingFailed, SourceError
from familiar_camera.server import Server

OURS = b'<x familiar="https://familiar.invalid/ns/1.0/">Ada</x>'


class Gateway:
    """Answers as the gateway would; ``script`` holds answers that come first."""

    def __init__(self) -> None:
        self.sent: dict[str, bytes] = {}
        self.script: list[httpx.Response] = []
        self.status = "receiving"
        self.ends = "done"
        self.results = b""

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if self.script:
            return self.script.pop(0)
        path = request.url.path
        if path == "/v1/photos":
            assert json.loads(request.content)["upload"]
        elif path.endswith("/pictures"):
            name = request.url.params["path"]
            self.sent[name] = request.content
            return httpx.Response(200, json={"path": name, "code": "invalid_image" if "broken" in name else None})
        elif path.endswith("/resume"):
            self.status = "sorting"
        elif path.endswith("/people"):
            return httpx.Response(200, json={"people": [], "strangers": [], "total_strangers": 0, "total": 0})
        elif path.endswith("/results.zip"):
            return httpx.Response(200, content=self.results)
        elif self.status == "sorting":
            self.status = self.ends
        return httpx.Response(200, json={"id": "0" * 32, "status": self.status, "error": None, "photos": 2})

    def server(self) -> Server:
        return Server("http://here", Backoff(patience_s=0), transport=httpx.MockTransport(self), sleep=lambda _: None)


class Note:
    def __init__(self) -> None:
        self.codes: dict[str, str | None] = {}
        self.stages: list[str] = []

    def begun(self, job, pictures) -> None:
        self.pictures = pictures

    def sent(self, path, code) -> None:
        self.codes[path] = code

    def stage(self, job) -> None:
        self.stages.append(job["status"])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "photos"
    (made / "2024").mkdir(parents=True)
    (made / ".hidden").mkdir()
    (made / "Familiar").mkdir()
    wanted = ("a.jpg", "2024/b.PNG", "broken.jpg", "broken.HEIC")
    for name in (*wanted, ".hidden/c.jpg", "Familiar/d.jpg", "notes.txt", ".e.jpg"):
        (made / name).write_bytes(name.encode())
    (tmp_path / "outside.jpg").write_bytes(b"outside")
    (made / "link.jpg").symlink_to(tmp_path / "outside.jpg")
    (made / "away").symlink_to(tmp_path)
    return made


def test_pictures_of_a_folder_are_sent_and_followed_until_they_are_sorted(folder):
    gateway, note = Gateway(), Note()
    job, found = photos.sort(gateway.server(), folder, note, sleep=lambda _: None)
    assert job["status"] == "done" and found["people"] == [] and note.stages == ["sorting", "done"]
    told = {"a.jpg": None, "2024/b.PNG": None, "broken.jpg": "invalid_image", "broken.HEIC": "invalid_image"}
    assert gateway.sent == {name: name.encode() for name in told}
    assert note.pictures == 4 and note.codes == told


def test_a_job_that_was_cut_off_is_gone_on_with(folder):
    gateway = Gateway()
    gateway.status = "queued"
    gateway.ends = "done"
    with pytest.raises(SortingFailed, match="paused"):
        gateway.status = "paused"
        gateway.script = [httpx.Response(200, json={"id": "1" * 32, "status": "paused"})] * 2
        photos.sort(gateway.server(), folder, Note(), job_id="1" * 32, sleep=lambda _: None)
    assert not gateway.sent


def test_a_job_that_fails_says_why(folder):
    gateway = Gateway()
    gateway.ends = "failed"
    with pytest.raises(SortingFailed, match="not sorted"):
        photos.sort(gateway.server(), folder, Note(), sleep=lambda _: None)


def test_a_picture_that_is_too_large_stops_nothing_and_another_refusal_does(folder):
    def refusal(code: str, status: int) -> httpx.Response:
        error = {"code": code, "message": "no", "retryable": False, "details": {}}
        return httpx.Response(status, json={"error": error})

    gateway, note = Gateway(), Note()
    begun = httpx.Response(200, json={"id": "0" * 32, "status": "receiving"})
    gateway.script = [begun, refusal("too_large", 413)]
    photos.sort(gateway.server(), folder, note, sleep=lambda _: None)
    assert list(note.codes.values()).count("too_large") == 1
    gateway.script = [begun, refusal("scope_missing", 403)]
    with pytest.raises(Refused):
        photos.sort(gateway.server(), folder, Note(), sleep=lambda _: None)


def test_no_folder_and_none_with_pictures_are_said(tmp_path):
    for place in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(SourceError):
            photos.sort(Gateway().server(), place, Note())


def packed(files: dict[str, bytes], links: dict[str, str] | None = None) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
        for name, target in (links or {}).items():
            entry = zipfile.ZipInfo(name)
            entry.create_system, entry.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
            archive.writestr(entry, target)
    return made.getvalue()


@pytest.fixture
def place(tmp_path: Path) -> Path:
    made = tmp_path / "place"
    (made / "in").mkdir(parents=True)
    for name in ("a.jpg", "in/b.jpg", "c.jpg"):
        (made / name).write_bytes(b"picture")
    return made


def test_results_are_unpacked_and_put_anew(place):
    files = {"Familiar/faces.csv": b"first", "a.jpg.xmp": OURS, "in/b.jpg.xmp": OURS}
    assert photos.unpack(packed(files, {"Familiar/Ada/a.jpg": "../../a.jpg"}), place) == (4, [])
    assert (place / "Familiar/Ada/a.jpg").read_bytes() == b"picture"
    (place / "Familiar/mine.txt").write_text("mine")
    again = packed({**files, "Familiar/faces.csv": b"second"}, {"Familiar/Grace/b.jpg": "../../in/b.jpg"})
    assert photos.unpack(again, place) == (4, [])
    assert (place / "Familiar/faces.csv").read_bytes() == b"second" and not (place / "Familiar/Ada").exists()
    assert (place / "Familiar/mine.txt").exists() and (place / "Familiar/Grace/b.jpg").is_symlink()


def test_nothing_of_somebody_else_is_replaced(place, tmp_path):
    (place / "a.jpg.xmp").write_text("theirs")
    (tmp_path / "victim").write_text("victim")
    (place / "c.jpg.xmp").symlink_to(tmp_path / "victim")
    (place / "Familiar").mkdir()
    files = {"Familiar/faces.csv": b"x", "a.jpg.xmp": OURS, "c.jpg.xmp": OURS, "nowhere.jpg.xmp": OURS, "run.sh": b"x"}
    written, left_alone = photos.unpack(packed(files), place)
    assert written == 0 and sorted(left_alone) == sorted(files)
    assert (place / "a.jpg.xmp").read_text() == "theirs" and (tmp_path / "victim").read_text() == "victim"
    assert list((place / "Familiar").iterdir()) == []


@pytest.mark.parametrize("name", ["../evil.xmp", "/tmp/evil.xmp", "in/../../evil.xmp", "Familiar\\..\\..\\evil"])
def test_no_name_in_an_archive_leads_out_of_the_folder(place, name):
    with pytest.raises(SortingFailed):
        photos.unpack(packed({name: b"x"}), place)


@pytest.mark.parametrize("target", ["/etc/passwd", "../../../outside", "../.."])
def test_no_link_in_an_archive_leads_out_of_the_folder(place, target):
    with pytest.raises(SortingFailed):
        photos.unpack(packed({}, {"Familiar/Ada/a.jpg": f"{target}/.." if target == "../.." else target}), place)


def test_a_folder_that_is_a_link_is_not_written_through(place, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "b.jpg").write_bytes(b"picture")
    (place / "out").symlink_to(tmp_path / "elsewhere")
    assert photos.unpack(packed({"out/b.jpg.xmp": OURS}), place) == (0, ["out/b.jpg.xmp"])
    assert not (tmp_path / "elsewhere" / "b.jpg.xmp").exists()


def test_what_is_no_archive_is_said(place):
    with pytest.raises(SortingFailed):
        photos.unpack(b"nothing", place)
