"""An archive with folders: one person a folder, and never several made into one."""

import io
import zipfile

import pytest
from gateway_world import World

from familiar.errors import FamiliarError, InvalidInput
from familiar_gateway.enrolling.folders import is_hidden, parts_of, people_of


def archive(contents: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as made:
        for name, data in contents.items():
            made.writestr(zipfile.ZipInfo(name), data)  # of 1980, so that the same contents are the same bytes
    return buffer.getvalue()


def folder(place: str, pictures: list[bytes]) -> dict[str, bytes]:
    return {f"{place}{number}.jpg": data for number, data in enumerate(pictures)}


def send(world: World, contents: dict[str, bytes], headers: dict[str, str] | None = None, **fields: str):
    file = (io.BytesIO(archive(contents)), "people.zip")
    return world.client.post("/v1/enroll", data={**fields, "frames": [file]}, headers=headers or {})


def names(world: World) -> list[str]:
    return [each["name"] for each in world.client.get("/v1/people").json["people"]]


def refused(answer, status: int, code: str) -> dict:
    assert (answer.status_code, answer.json["error"]["code"]) == (status, code), answer.text
    return answer.json["error"]["details"]


def shared(*paths: str) -> list[str | None]:
    return [each.name for each in people_of([parts_of(path) for path in paths])]


@pytest.mark.parametrize(
    "paths,people",
    [
        (["1.jpg", "2.jpg"], [None]),
        (["A/1.jpg", "A/2.jpg"], ["A"]),
        (["export/people/A/1.jpg"], ["A"]),
        (["A/1.jpg", "B/1.jpg"], ["A", "B"]),
        (["people/A/1.jpg", "people/B/1.jpg", "people/C/1.jpg"], ["A", "B", "C"]),
        (["/people/A/1.jpg", "people//B/1.jpg", "./people/./C/1.jpg"], ["A", "B", "C"]),
        (["people\\A\\1.jpg", "people\\B\\1.jpg"], ["A", "B"]),
        (["C:\\people\\A\\1.jpg", "C:/people/B/1.jpg"], ["A", "B"]),
        (["x/A/pics/1.jpg", "x/B/pics/1.jpg"], ["A", "B"]),
        (["Zoe\u0308/1.jpg", "Zo\u00eb/2.jpg"], ["Zo\u00eb"]),
        ([], [None]),
    ],
)
def test_each_folder_is_one_person_called_like_it(paths, people):
    assert shared(*paths) == people


@pytest.mark.parametrize(
    "paths",
    [
        ["A/1.jpg", "2.jpg"],
        ["people/A/1.jpg", "people/2.jpg"],
        ["A/1.jpg", "A/more/2.jpg"],
        ["A/day1/1.jpg", "A/day2/1.jpg", "B/day1/1.jpg"],
        ["team1/A/1.jpg", "team1/B/1.jpg", "team2/C/1.jpg"],
        ["team1/A/1.jpg", "team2/C/1.jpg"],
    ],
)
def test_where_it_cannot_be_told_whose_a_folder_is_nobody_is_made_of_it(paths):
    with pytest.raises(InvalidInput) as error:
        shared(*paths)
    assert error.value.code == "several_people" and isinstance(error.value, FamiliarError)


@pytest.mark.parametrize(
    "path",
    ["__MACOSX/A/._1.jpg", "A/.DS_Store", ".trash/1.jpg", "../1.jpg", "A/@eaDir/1.jpg", "A/Thumbs.db", "A/Desktop.ini"],
)
def test_what_systems_leave_behind_is_nobodys(path):
    assert is_hidden(parts_of(path)) and not is_hidden(parts_of("./A/1.jpg"))


@pytest.mark.parametrize("around", ["", "people/", "a/b/", "people\\"])
def test_everybody_with_a_folder_is_enrolled(world, collins_frames, hopper_frames, around):
    litter = {f"{around}readme.txt": b"not a picture", "__MACOSX/C/._1.jpg": b"x", f"{around}C/": b""}
    contents = folder(f"{around}Eileen/", collins_frames[:6]) | folder(f"{around}Grace/", hopper_frames[:7]) | litter
    answer = send(world, contents)
    assert answer.status_code == 202, answer.text
    told = {each["folder"]: each["enrollment"]["accepted"] for each in answer.json["enrollments"]}
    assert told == {"Eileen": 6, "Grace": 7} and answer.json["refused"] == []
    assert names(world) == ["Eileen", "Grace"]
    first = answer.json["enrollments"][0]["enrollment"]
    assert answer.headers["Location"] == f"/v1/enrollments/{first['id']}"
    world.train()
    assert {each["samples"] for each in world.client.get("/v1/people").json["people"]} == {6, 7}


@pytest.mark.parametrize(
    "name,data",
    [
        ("1.tiff", b"II*\0"), ("1.HIF", b"x"), ("1", b"\0\0\0\x18ftypheic\0\0\0\0mif1heic"), ("1.dng", b"II*\0"),
        ("film.mp4", b"\0\0\0\x14ftyp"), ("1.zip", b"PK\3\4"), ("1.txt", b"x"),
    ],
)  # fmt: skip
def test_nobody_is_left_out_in_silence_whatever_their_folder_holds(world, collins_frames, hopper_frames, name, data):
    contents = folder("people/A/", collins_frames[:6]) | folder("people/B/", hopper_frames[:6])
    beside = {f"people/C/{name}": data, "people/A/more/notes.txt": b"x", "people/about.txt": b"x"}
    answer = send(world, contents | beside)
    assert answer.status_code == 202 and [each["folder"] for each in answer.json["enrollments"]] == ["A", "B"]
    assert [(each["folder"], each["error"]["code"]) for each in answer.json["refused"]] == [("C", "invalid_image")]


def test_several_people_are_never_made_into_one(world, collins_frames, hopper_frames):
    contents = folder("people/A/", collins_frames[:5]) | folder("people/B/", hopper_frames[:5])
    assert refused(send(world, contents, name="A and B"), 400, "several_people")["folders"] == ["A", "B"]
    known = world.enroll("Eileen", collins_frames[10:16])["person"]["id"]
    refused(send(world, contents, person_id=known), 400, "several_people")
    assert names(world) == ["Eileen"]


def test_one_folder_is_one_person_under_its_name_or_another(world, collins_frames, hopper_frames):
    answer = send(world, folder("people/Eileen Collins/", collins_frames[:6]))
    assert answer.status_code == 202 and answer.json["person"]["name"] == "Eileen Collins"
    assert send(world, folder("pictures/", hopper_frames[:6]), name="Grace").json["person"]["name"] == "Grace"
    refused(send(world, folder("", hopper_frames[:6])), 400, "missing_field")


def test_a_name_that_no_flag_says_is_utf8_is_read_as_what_it_is(world, collins_frames, hopper_frames):
    contents = folder("Zo\u00eb/", collins_frames[:6]) | folder("Grace/", hopper_frames[:6])
    data = bytearray(archive(contents))
    for signature, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):  # take the flag out
        place = data.find(signature)
        while place >= 0:
            data[place + at + 1] &= ~0x08
            place = data.find(signature, place + 1)
    answer = world.client.post("/v1/enroll", data={"frames": [(io.BytesIO(bytes(data)), "people.zip")]})
    assert answer.status_code == 202 and names(world) == ["Grace", "Zo\u00eb"]


def test_each_is_enrolled_or_refused_by_themselves(world, collins_frames, hopper_frames):
    world.enroll("Grace", hopper_frames[:6])
    contents = folder("Eileen/", collins_frames[:6]) | folder("Few/", collins_frames[10:12])
    contents |= folder("Grace/", hopper_frames[10:16]) | folder("G. H./", hopper_frames[20:26])
    contents |= folder("\u202e/", collins_frames[20:26]) | folder("Broken/", [b"no picture"] * 6)
    answer = send(world, contents)
    assert answer.status_code == 202
    assert [each["folder"] for each in answer.json["enrollments"]] == ["Eileen"]
    assert {each["folder"]: each["error"]["code"] for each in answer.json["refused"]} == {
        "Few": "too_few_samples", "Grace": "name_taken", "G. H.": "already_known", "\u202e": "invalid_name",
        "Broken": "invalid_image",
    }  # fmt: skip
    assert names(world) == ["Eileen", "Grace"]


def test_if_nobody_can_be_enrolled_the_answer_says_why_of_each(world, collins_frames, hopper_frames):
    contents = folder("A/", collins_frames[:2]) | folder("B/", hopper_frames[:2])
    told = refused(send(world, contents), 409, "nobody_enrolled")["refused"]
    assert [(each["folder"], each["error"]["code"]) for each in told] == [
        ("A", "too_few_samples"), ("B", "too_few_samples"),
    ]  # fmt: skip
    assert names(world) == []


def test_sent_again_with_its_key_everybody_is_who_they_were(world, collins_frames, hopper_frames):
    contents = folder("A/", collins_frames[:6]) | folder("B/", hopper_frames[:6])
    key = {"Idempotency-Key": "people-1"}
    first, again = send(world, contents, key), send(world, contents, key)
    assert (first.status_code, again.status_code) == (202, 202), again.text
    assert [each["enrollment"]["id"] for each in first.json["enrollments"]] == [
        each["enrollment"]["id"] for each in again.json["enrollments"]
    ]
    assert names(world) == ["A", "B"]
    other = folder("A/", collins_frames[10:16]) | folder("B/", hopper_frames[:6])
    told = refused(send(world, other, key), 409, "nobody_enrolled")["refused"]
    assert {each["error"]["code"] for each in told} == {"idempotency_key_reused"}


def test_while_a_part_is_away_nobody_else_is_tried(world, collins_frames, hopper_frames):
    from familiar.errors import ServingUnavailable

    world.serving.faults["head"] = ServingUnavailable("away at 10.0.0.1")
    contents = folder("A/", collins_frames[:6]) | folder("B/", hopper_frames[:6])
    answer = send(world, contents)
    assert answer.status_code == 503 and "10.0.0.1" not in answer.text
    assert names(world) == []
    world.serving.faults.clear()
    assert send(world, contents).status_code == 202


def test_what_there_is_no_time_for_is_said(make_world, collins_frames, hopper_frames, monkeypatch):
    world = make_world()
    monkeypatch.setattr(type(world.services.capturer), "deadline", lambda self: 0.001)  # long ago
    contents = folder("A/", collins_frames[:6]) | folder("B/", hopper_frames[:6])
    told = refused(send(world, contents), 409, "nobody_enrolled")["refused"]
    assert [each["error"]["code"] for each in told] == ["too_large", "too_large"]
    assert names(world) == []


def test_of_one_person_no_more_files_are_taken_than_of_anybody(make_world, collins_frames):
    world = make_world(enroll_max_frames=10)
    contents = folder("A/", collins_frames[:6]) | {f"B/{number}.jpg": b"x" for number in range(11)}
    refused(send(world, contents), 413, "too_large")
