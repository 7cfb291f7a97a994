"""Tables: nothing in them is computed by a spreadsheet, and nothing else is changed."""

import pytest

from familiar_gateway.web import harmless


@pytest.mark.parametrize(
    "text", ["=1+1", "+1", "-1", "@A1", "\t=1", "\n=1", "\rx", " =1+1", "\u00a0+1", "\uff1d1", "\uff20A1"]
)
def test_a_text_that_would_be_computed_is_none_any_more(text: str) -> None:
    assert harmless(text) == f"'{text}"


@pytest.mark.parametrize("value", ["Ada", "'=1", "a=b", "Jean-Luc", "", " Ada", 7, -7, 0.5, None])
def test_anything_else_stays_what_it_is(value: object) -> None:
    assert harmless(value) == value
