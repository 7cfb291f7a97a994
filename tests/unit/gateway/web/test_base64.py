"""A picture as text in JSON: all ways in which programs write base64, and what is said of one that is none."""

import base64
import textwrap
from collections.abc import Callable

import pytest
from gateway_world import World

from familiar.errors import InvalidImage
from familiar_gateway.web.pictures import from_base64, most_bytes

# Each remainder of three, and bytes that need the two characters in which the alphabets differ.
CONTENTS = [bytes(range(256)) * 2 + bytes([0xFB, 0xFF, 0xBF] * 20) + bytes(rest) for rest in range(3)]


def plain(data: bytes) -> str:
    return base64.b64encode(data).decode()


def url_safe(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode()


def in_lines(end: str, width: int = 76) -> Callable[[bytes], str]:
    return lambda data: end.join(textwrap.wrap(plain(data), width))


WAYS: dict[str, Callable[[bytes], str]] = {
    "plain": plain,
    "lines of 76": in_lines("\n"),
    "lines of 64 as in a mail": in_lines("\r\n", 64),
    "lines with an indent": in_lines("\n    "),
    "lines folded with blanks": in_lines(" "),
    "lines of a Mac of old": in_lines("\r"),
    "a line each for parts of any length": lambda data: f"{plain(data)[:40]}\n{plain(data)[40:47]}\n{plain(data)[47:]}",
    "a line end behind": lambda data: plain(data) + "\n",
    "blanks around": lambda data: f"  \r\n{plain(data)}\t ",
    "the other alphabet": url_safe,
    "the other alphabet without padding": lambda data: url_safe(data).rstrip("="),
    "both alphabets": lambda data: plain(data)[:200] + url_safe(data)[200:],
    "without padding": lambda data: plain(data).rstrip("="),
    "with too much padding": lambda data: plain(data).rstrip("=") + "====",
    "a data: URL": lambda data: f"data:image/jpeg;base64,{plain(data)}",
    "a data: URL of no stated kind": lambda data: f"data:;base64,{plain(data)}",
    "a data: URL with parameters": lambda data: f"data:image/jpeg;name=a.jpg;base64,{plain(data)}",
    "a data: URL in capitals": lambda data: f"DATA:IMAGE/JPEG;BASE64,{plain(data)}",
    "a data: URL with blanks": lambda data: f" data:image/png; base64, {plain(data)}\n",
    "a data: URL as addresses are escaped": lambda data: (
        "data:image/webp;base64," + plain(data).replace("+", "%2B").replace("/", "%2f").replace("=", "%3D")
    ),
    "a data: URL in lines, all of it otherwise": lambda data: (
        "data:image/jpeg;base64," + "\n".join(textwrap.wrap(url_safe(data).rstrip("="), 76)) + "\n"
    ),
}


@pytest.mark.parametrize("data", CONTENTS, ids=["0 left", "1 left", "2 left"])
@pytest.mark.parametrize("way", WAYS)
def test_base64_is_read_as_programs_write_it(way: str, data: bytes) -> None:
    assert from_base64("image", WAYS[way](data)) == data


@pytest.mark.parametrize(
    "text,said",
    [
        ("AAAA!AAA", r"the character '!' \(at place 5\)"),
        ("b'AAAA'", r"the character \"'\" \(at place 2\)"),
        ("AAAä", "the character 'ä'"),
        ("AAAA\u200bAAAA", "the character"),
        ("AAAA\0", "the character"),
        ("QQ==QQ==", "more after its padding"),
        ("AAAAA", "cut short"),
        ("AA AAA AAA AAAA", "blanks within"),
        ("data:image/jpeg;base64", "a comma"),
        ("data:image/svg+xml,AAAA", "without ';base64'"),
        ("data:image/jpeg;base64,%zz", "the character '%'"),
        ("http://here/a.jpg", "the character ':'"),
    ],
)
def test_what_is_no_base64_is_told_what_is_wrong(text: str, said: str) -> None:
    with pytest.raises(InvalidImage, match=said) as caught:
        from_base64("image", text)
    assert "'image' is not base64" in caught.value.message and caught.value.details == {"field": "image"}


@pytest.mark.parametrize(
    "address,body",
    [
        ("/v1/recognize", {"images": ["AAAA", "AA!A"]}),
        ("/v1/verify", {"first": "AAAA", "second": "AA!A"}),
        ("/v1/enrollments/{id}/frames", {"frames": ["AAAA", "AA!A"]}),
    ],
)
def test_of_several_it_is_told_which_is_none(world: World, address: str, body: dict[str, object]) -> None:
    opened = world.client.post("/v1/enrollments", json={"name": "Ada"}).json
    told = world.client.post(address.format_map(opened), json=body).json["error"]
    assert told["code"] == "invalid_image" and told["details"]["index"] == 1


def test_lines_that_are_put_between_quotes_as_they_are_are_told_how_json_writes_them(world: World) -> None:
    body = '{"image": "' + in_lines("\n")(CONTENTS[0]) + '"}'
    told = world.client.post("/v1/recognize", data=body, content_type="application/json").json["error"]
    assert told["code"] == "invalid_json" and "line 1 column 88" in told["message"]
    assert told["message"].endswith(r"a line end is written as \n")


def test_nothing_stands_for_nothing() -> None:
    assert from_base64("image", "") == from_base64("image", " \n") == from_base64("image", "data:;base64,") == b""


def test_the_largest_picture_has_room_as_text_in_lines() -> None:
    most = 20_000_000
    characters = -(-most // 3) * 4
    escaped_line_ends, escaped_strokes = characters // 76 * len(r"\r\n"), characters // 64
    assert characters + escaped_line_ends + escaped_strokes < most_bytes(most)
