"""What a name and an id may be, and which names are the same."""

import unicodedata

import pytest

from familiar.errors import InvalidInput
from familiar.records import person

SPACES = [chr(code) for code in range(0x110000) if unicodedata.category(chr(code)) == "Zs"]
BLANK_LETTERS_AND_SYMBOLS = list("\u2800\u3164\uffa0\U00013441\U0001d159")
UNSEEN_LETTERS_AND_MARKS = list("\u034f\u115f\u1160\u17b4\u180b\u200c\u200d\ufe0f\U000e0100")
UNSEEN = list(
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u180b\u180e\u200b\u200c\u200d\u200e\u200f\u2060\ufe0f\ufeff\U000e0100"
)
TURNING_OR_HIDING = list(
    "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u206a\U000e0041\U000e007f\u00ad\u200b\u200e\u200f\u2060\ufeff\u061c"
)


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ("Ada", "Ada"),
        ("  Ada   Lovelace ", "Ada Lovelace"),
        ("José", "José"),
        ("Jose\u0301", "José"),
        ("Ægir Ó'Súilleabháin-Müller", "Ægir Ó'Súilleabháin-Müller"),
        ("李小龍", "李小龍"),
        ("x" * 80, "x" * 80),
        ("x" * 80 + "\u200d" * 80, "x" * 80),
    ],
)
def test_a_name_is_trimmed_and_composed(given: str, name: str) -> None:
    assert person.clean_name(given) == name


@pytest.mark.parametrize(
    "name",
    [
        "مهدی\u200cزاده",  # Persian: two parts, not joined
        "عبد\u200cالله",
        "র\u200d\u09cdয\u09beচেল",  # Bengali: Rachel, with the joiner before the virama
        "ශ\u0dca\u200dරී",  # Sinhala
        "അനില\u0d4d\u200d",  # Malayalam: a name that ends in a joiner
        "ക\u0d4d\u200cഷ",
        "葛\U000e0100城",  # a Japanese family name that tells which form of its ideograph
        "ᠠᠨ\u180eᠠ",  # Mongolian: the vowel separator
    ],
)
def test_a_script_keeps_what_its_names_are_spelled_with(name: str) -> None:
    assert person.clean_name(name) == unicodedata.normalize("NFC", name)
    doubled = "".join(char * 2 if char in "\u200c\u200d" else char for char in name)
    assert person.clean_name(doubled) == unicodedata.normalize("NFC", name)


@pytest.mark.parametrize(
    "given", ["", "   ", "x" * 81, "a\x00b", "a\nb", "a\tb", "a\ud800", "\ue000", "a\u2028b", "\u0378"]
)
def test_a_text_that_is_no_name_is_refused(given: str) -> None:
    assert_refused(given)


@pytest.mark.parametrize("given", [7, None, ["Ada"], b"Ada", True, {"name": "Ada"}])
def test_a_name_that_is_no_text_is_refused(given: object) -> None:
    assert_refused(given)


@pytest.mark.parametrize(
    "char", [*SPACES, *BLANK_LETTERS_AND_SYMBOLS, *UNSEEN, "\u0301"], ids=lambda char: f"{ord(char):x}"
)
@pytest.mark.parametrize("many", [1, 3])
def test_a_name_of_which_nothing_is_seen_is_refused(char: str, many: int) -> None:
    assert_refused(char * many)
    assert_refused(f" {char} {char}\u200d")


@pytest.mark.parametrize("char", [*SPACES, *BLANK_LETTERS_AND_SYMBOLS], ids=lambda char: f"{ord(char):x}")
def test_whatever_looks_like_a_space_is_one(char: str) -> None:
    assert person.clean_name(f"{char}Ada{char}{char}Lovelace{char}") == "Ada Lovelace"


@pytest.mark.parametrize("char", UNSEEN_LETTERS_AND_MARKS, ids=lambda char: f"{ord(char):x}")
@pytest.mark.parametrize("name", ["Ada Lovelace", "李小龍", "Адам", "שלמה"])
def test_what_looks_like_nothing_is_nothing(char: str, name: str) -> None:
    with_it = char + char.join(name) + char
    assert person.name_key(person.clean_name(with_it)) == person.name_key(name)
    if name.isascii():
        assert person.clean_name(with_it) == name


@pytest.mark.parametrize("char", TURNING_OR_HIDING, ids=lambda char: f"{ord(char):x}")
@pytest.mark.parametrize("given", ["{}adA", "Ad{}a", "Ada{}", "مهد{}ی"])
def test_what_turns_the_direction_or_hides_a_text_is_refused(char: str, given: str) -> None:
    assert_refused(given.format(char))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Ada Lovelace", "Ada\u00a0Lovelace"),
        ("Ada", "Ａｄａ"),
        ("Jean-Luc", "Jean\u2010Luc"),
        ("Jean-Luc", "Jean\u2011Luc"),
        ("O'Brien", "O\u2019Brien"),
        ("ミナ", "ﾐﾅ"),
        ("Steffi", "Steﬃ"),
        ("مهدی\u200cزاده", "مهدیزاده"),
        ("葛\U000e0100城", "葛城"),
        ("Zoë", "Zoe\u0308"),
    ],
)
def test_names_that_look_the_same_are_the_same(one: str, other: str) -> None:
    assert person.name_key(person.clean_name(one)) == person.name_key(person.clean_name(other))


@pytest.mark.parametrize(
    ("one", "other"), [("Ada", "ada"), ("Ada", "Adam"), ("José", "Jose"), ("AdaLovelace", "Ada Lovelace")]
)
def test_names_that_look_different_are_different(one: str, other: str) -> None:
    assert person.name_key(person.clean_name(one)) != person.name_key(person.clean_name(other))


def assert_refused(given: object) -> None:
    with pytest.raises(InvalidInput) as caught:
        person.clean_name(given)
    assert caught.value.code == "invalid_name"


def test_ids_have_one_form() -> None:
    assert person.check_id(person.new_id(), "person")
    for bad in ("", "1", "../../etc/passwd", "A" * 32, "g" * 32, "0" * 33):
        with pytest.raises(InvalidInput, match="person"):
            person.check_id(bad, "person")
