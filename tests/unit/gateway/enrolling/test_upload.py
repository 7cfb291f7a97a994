"""POST /v1/enroll: pictures, an archive or a video; all of it or nothing."""

import io
import zipfile
from pathlib import Path

import cv2
import numpy as np
import pytest
from gateway_world import World, files
from sqlalchemy import func, select

from familiar.errors import ServingUnavailable
from familiar.records.schema import Enrollment, Person, Sample
from familiar.seeing.image import decode


def enroll(world: World, pictures: list[bytes], headers: dict[str, str] | None = None, **fields: str):
    return world.client.post(
        "/v1/enroll", data={"name": "Eileen Collins", **fields, "frames": files(pictures)}, headers=headers or {}
    )


def rows(world: World, table: type) -> int:
    with world.database.read() as session:
        return session.scalar(select(func.count()).select_from(table)) or 0


def archive(contents: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as made:
        for name, data in contents.items():
            made.writestr(name, data)
    return buffer.getvalue()


def test_pictures_in_one_request_enrol_a_person(world, collins_frames):
    answer = enroll(world, [*collins_frames[:7], b"no picture"])
    assert answer.status_code == 202
    assert answer.headers["Location"] == f"/v1/enrollments/{answer.json['id']}"
    assert answer.json["accepted"] == 7 and answer.json["rejected"] == [{"index": 7, "reasons": ["invalid_image"]}]
    assert [each["accepted"] for each in answer.json["frames"]] == [True] * 7 + [False]
    assert world.queue.trainings == [answer.json["job"]]


def test_the_field_may_be_called_as_php_forms_call_it(world, collins_frames):
    answer = world.client.post("/v1/enroll", data={"name": "Eileen", "frames[]": files(collins_frames[:6])})
    assert answer.status_code == 202


def test_one_archive_of_pictures_enrols_a_person(world, collins_frames):
    contents = {f"face/{index}.jpg": data for index, data in enumerate(collins_frames[:6])}
    contents |= {"__MACOSX/face/._0.jpg": b"x", "face/.DS_Store": b"x", "notes.txt": b"not a picture", "empty/": b""}
    answer = enroll(world, [archive(contents)])
    assert answer.status_code == 202, answer.text
    assert answer.json["accepted"] == 6 and [each["reasons"] for each in answer.json["rejected"]] == [["invalid_image"]]


@pytest.mark.parametrize("suffix,codec", [(".avi", "MJPG"), (".mp4", "mp4v")])
def test_one_video_enrols_a_person(world, collins_frames, tmp_path: Path, suffix, codec):
    path = tmp_path / f"video{suffix}"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*codec), 10, (320, 320))
    if not writer.isOpened():
        pytest.skip(f"this OpenCV writes no {codec}")
    for data in collins_frames[:8]:
        writer.write(cv2.cvtColor(decode(data), cv2.COLOR_RGB2BGR))
    writer.release()
    answer = enroll(world, [path.read_bytes()])
    assert answer.status_code == 202, answer.text
    assert answer.json["received"] == 8 and answer.json["accepted"] >= 5


def test_a_long_video_is_sampled_over_its_whole_length(make_world, collins_frames, tmp_path: Path):
    world = make_world(enroll_frames=8)
    path = tmp_path / "video.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"MJPG"), 10, (320, 320))
    for index in range(24):
        writer.write(cv2.cvtColor(decode(collins_frames[index]), cv2.COLOR_RGB2BGR))
    writer.release()
    assert enroll(world, [path.read_bytes()]).json["received"] == 8


def test_too_few_good_pictures_leave_nothing_behind(world, collins_frames):
    answer = enroll(world, collins_frames[:3])
    assert answer.status_code == 409 and answer.json["error"]["code"] == "too_few_samples"
    assert [rows(world, table) for table in (Person, Enrollment, Sample)] == [0, 0, 0]
    assert enroll(world, collins_frames[:6]).status_code == 202  # the name is free


def test_a_face_already_known_leaves_nothing_behind_unless_told_what_to_do(world, collins_frames):
    known = world.enroll("Eileen Collins", collins_frames[:8])["person"]
    answer = enroll(world, collins_frames[8:15], name="Somebody")
    assert answer.status_code == 409 and answer.json["error"]["details"]["person"] == known
    assert rows(world, Person) == 1 and rows(world, Sample) == 8
    answer = enroll(world, collins_frames[8:15], name="Somebody", if_known="add")
    assert answer.status_code == 202 and answer.json["person"] == known
    assert enroll(world, collins_frames[15:21], name="Twin", if_known="new").status_code == 202


def test_a_taken_name_is_refused_before_any_frame_is_kept(world, collins_frames, hopper_frames):
    world.enroll("Eileen Collins", collins_frames[:8])
    answer = enroll(world, hopper_frames[:6])
    assert answer.status_code == 409 and answer.json["error"]["code"] == "name_taken"
    assert rows(world, Sample) == 8
    assert enroll(world, hopper_frames[:6], allow_same_name="true").status_code == 202


def test_an_upload_repeated_with_its_key_is_one_enrolment(world, collins_frames):
    headers = {"Idempotency-Key": "upload-1"}
    first = enroll(world, collins_frames[:6], headers)
    again = enroll(world, collins_frames[:6], headers)
    assert again.status_code == 202 and again.json["id"] == first.json["id"]
    assert rows(world, Enrollment) == 1 and rows(world, Sample) == 6
    world.train()
    assert enroll(world, collins_frames[:6], headers).json["status"] == "live"


def test_an_upload_interrupted_by_a_fault_goes_on_with_its_key(world, collins_frames):
    headers = {"Idempotency-Key": "upload-1"}
    world.serving.faults["head"] = ServingUnavailable("away")  # everything is stored, but nobody says who it is
    answer = enroll(world, collins_frames[:10], headers)
    assert answer.status_code == 503 and rows(world, Sample) == 10
    world.serving.faults.clear()
    again = enroll(world, collins_frames[:10], headers)
    assert again.status_code == 202 and rows(world, Sample) == 10 and rows(world, Enrollment) == 1


def test_an_upload_interrupted_by_a_fault_without_a_key_leaves_nothing_behind(world, collins_frames):
    world.serving.faults["head"] = ServingUnavailable("away")
    assert enroll(world, collins_frames[:10]).status_code == 503
    assert [rows(world, table) for table in (Person, Enrollment, Sample)] == [0, 0, 0]


def refused(world: World, data: bytes, status: int, code: str) -> None:
    answer = enroll(world, [data])
    assert (answer.status_code, answer.json["error"]["code"]) == (status, code), answer.text
    assert [rows(world, table) for table in (Person, Enrollment, Sample)] == [0, 0, 0]


def test_an_archive_that_unpacks_to_far_too_much_is_refused_unread(make_world):
    world = make_world(max_body_bytes=1_000_000)
    bomb = archive({f"{index}.jpg": b"\0" * 1_000_000 for index in range(3)})
    assert len(bomb) < 10_000
    refused(world, bomb, 413, "too_large")


def test_an_entry_that_lies_about_its_size_is_cut_off(make_world, collins_frames):
    world = make_world(max_image_bytes=50_000)
    data = bytearray(
        archive({"bomb.jpg": b"\0" * 10_000_000, **{f"{i}.jpg": d for i, d in enumerate(collins_frames[:6])}})
    )
    at = data.index(b"PK\x01\x02", 0)
    while data[at + 46 : at + 54] != b"bomb.jpg":
        at = data.index(b"PK\x01\x02", at + 1)
    data[at + 24 : at + 28] = (1000).to_bytes(4, "little")  # uncompressed size, in the list of contents
    answer = enroll(world, [bytes(data)])
    assert answer.status_code == 202 and answer.json["accepted"] == 6
    assert len(answer.json["rejected"]) == 1


def test_an_archive_with_too_many_files_is_refused(make_world):
    world = make_world(enroll_max_frames=10)
    refused(world, archive({f"{index}.jpg": b"x" for index in range(11)}), 413, "too_large")


@pytest.mark.parametrize("name", ["", "/", "\0", "../../etc/passwd", "a" * 65_000, "ä\u202e", "con"])
def test_a_picture_may_have_any_name_within_an_archive(world, collins_frames, name):
    frames = {f"{index}.jpg": data for index, data in enumerate(collins_frames[:6])}
    answer = enroll(world, [archive({zipfile.ZipInfo(name): collins_frames[6], **frames})])
    assert answer.status_code == 202, answer.text
    assert answer.json["accepted"] == (6 if name in ("/", "../../etc/passwd") else 7)  # a folder, a hidden file


@pytest.mark.parametrize("place", ["ZipFile", "ZipFile.infolist", "ZipFile.open"])
def test_an_archive_that_nobody_foresaw_is_a_refusal_and_a_line_in_the_log(
    world, collins_frames, monkeypatch, caplog, place
):
    def fail(*_, **__):
        raise IndexError("a defect")

    made = archive({f"{index}.jpg": data for index, data in enumerate(collins_frames[:6])})
    monkeypatch.setattr(f"zipfile.{place}", fail)
    refused(world, made, 400, "invalid_image" if place == "ZipFile.open" else "invalid_archive")
    assert "defect" in caplog.text


def test_an_archive_with_an_endless_list_of_contents_is_refused_unread(world):
    refused(world, archive({f"{index:060}": b"" for index in range(45_000)}), 413, "too_large")


def test_an_empty_archive_is_refused(world):
    refused(world, archive({}), 400, "invalid_archive")


def test_an_archive_of_folders_only_is_refused(world):
    refused(world, archive({"a/": b"", "a/b/": b""}), 400, "invalid_archive")


@pytest.mark.parametrize("keep", [0.2, 0.5, 0.9, 0.99])
def test_an_archive_cut_short_is_refused(world, collins_frames, keep):
    whole = archive({f"{index}.jpg": data for index, data in enumerate(collins_frames[:6])}, zipfile.ZIP_STORED)
    refused(world, whole[: int(len(whole) * keep)], 400, "invalid_archive")


@pytest.mark.parametrize("method", [zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2])
def test_packing_methods_that_can_ask_for_any_amount_of_memory_are_refused(world, collins_frames, method):
    refused(world, archive({"1.jpg": collins_frames[0]}, method), 400, "invalid_archive")


def test_an_archive_within_an_archive_is_no_picture(world, collins_frames):
    inner = archive({"1.jpg": collins_frames[0]})
    refused(world, archive({"inner.zip": inner}), 400, "invalid_image")


def test_an_archive_beside_other_files_is_refused(world, collins_frames):
    answer = enroll(world, [archive({"1.jpg": collins_frames[0]}), collins_frames[1]])
    assert answer.status_code == 400 and answer.json["error"]["code"] == "invalid_field"


@pytest.mark.parametrize(
    "data",
    [b"\0\0\0\x18ftypmp42" + b"\0" * 100, b"\x1aE\xdf\xa3" + b"\0" * 100, b"RIFF\0\0\0\0AVI LIST" + b"\0" * 100],
    ids=["mp4", "webm", "avi"],
)
def test_a_broken_video_is_refused(world, data):
    refused(world, data, 400, "invalid_video")


def test_a_playlist_never_reaches_the_video_decoder(world):
    refused(world, b"#EXTM3U\n#EXTINF:1,\n/etc/passwd\n#EXT-X-ENDLIST\n", 400, "invalid_image")


def still(brand: bytes, *further: bytes) -> bytes:
    """Return a file of the form of MP4 with these brands, as phones make them of a picture."""
    brands = b"".join(further)
    return (16 + len(brands)).to_bytes(4, "big") + b"ftyp" + brand + b"\0\0\0\0" + brands + bytes(2000)


@pytest.mark.parametrize("count", [1, 6])
@pytest.mark.parametrize(
    "brands,kind",
    [
        ((b"heic", b"mif1", b"heic"), "HEIC"), ((b"heix", b"mif1", b"heix"), "HEIC"), ((b"mif1",), "HEIC"),
        ((b"mif1", b"heic"), "HEIC"), ((b"hevc", b"msf1"), "HEIC"), ((b"msf1", b"hevc"), "HEIC"),
        ((b"mp42", b"isom", b"heic"), "HEIC"), ((b"isom", b"mif1"), "HEIC"), ((b"iso8", b"miaf", b"avif"), "AVIF"),
        ((b"avif", b"mif1", b"miaf"), "AVIF"), ((b"mif1", b"miaf", b"avif"), "AVIF"), ((b"avis",), "AVIF"),
    ],
)  # fmt: skip
def test_a_phones_pictures_are_no_films_and_told_what_to_do(world, brands, kind, count):
    answer = enroll(world, [still(*brands)] * count)
    assert (answer.status_code, answer.json["error"]["code"]) == (400, "invalid_image")
    assert f" {kind} picture" in answer.json["error"]["message"] and "as JPEG" in answer.json["error"]["message"]
    assert rows(world, Person) == 0


def test_a_phones_picture_gets_its_verdict_beside_others(world, collins_frames):
    answer = enroll(world, [*collins_frames[:6], still(b"heic", b"mif1")])
    assert answer.status_code == 202 and answer.json["rejected"] == [{"index": 6, "reasons": ["invalid_image"]}]
    contents = {f"{index}.jpg": data for index, data in enumerate(collins_frames[6:12])}
    answer = enroll(world, [archive({**contents, "IMG_0001.HEIC": still(b"heic")})], name="Eileen again")
    assert answer.status_code == 202 and [each["reasons"] for each in answer.json["rejected"]] == [["invalid_image"]]


def test_a_film_of_any_other_brand_is_one(world):
    for brand in (b"isom", b"mp42", b"qt  ", b"M4V ", b"3gp5", b"dash", b"hvc1"):
        refused(world, still(brand, b"isom"), 400, "invalid_video")


def test_a_video_of_frames_too_large_is_refused(make_world, tmp_path: Path):
    world = make_world(max_image_pixels=10_000)
    path = tmp_path / "video.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"MJPG"), 10, (320, 320))
    writer.write(np.zeros((320, 320, 3), np.uint8))
    writer.release()
    refused(world, path.read_bytes(), 413, "too_large")
