"""What a name and an id may be."""

import pytest

from familiar.errors import InvalidInput
from familiar.records import person


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ("Ada", "Ada"),
        ("  Ada   Lovelace ", "Ada Lovelace"),
        ("José", "José"),
        ("Ægir Ó'Súilleabháin-Müller", "Ægir Ó'Súilleabháin-Müller"),
        ("李小龍", "李小龍"),
        ("مهدی\u200cزاده", "مهدی\u200cزاده"),
        ("x" * 80, "x" * 80),
    ],
)
def test_a_name_is_trimmed_and_composed(given: str, name: str) -> None:
    assert person.clean_name(given) == name


@pytest.mark.parametrize(
    "given", ["", "   ", "x" * 81, "a\x00b", "a\nb", "a\tb", "\u202eadA", "a\ud800", "\ue000", 7, None, ["Ada"], b"Ada"]
)
def test_a_name_that_is_none_is_refused(given: object) -> None:
    with pytest.raises(InvalidInput) as caught:
        person.clean_name(given)
    assert caught.value.code == "invalid_name"


def test_ids_have_one_form() -> None:
    assert person.check_id(person.new_id(), "person")
    for bad in ("", "1", "../../etc/passwd", "A" * 32, "g" * 32, "0" * 33):
        with pytest.raises(InvalidInput, match="person"):
            person.check_id(bad, "person")
