"""Tables: lists as CSV, for whoever asks for them, with nothing in them that a spreadsheet would compute."""

import re
from typing import Any

from flask import Request

from familiar.errors import InvalidInput

_FORMATS = ("json", "csv")
_FORMULA = re.compile(r"\s*[=+\-@\uff0b\uff0d\uff1d\uff20]|[\t\r\n]")
"""What a spreadsheet takes for the beginning of a formula, some of them also after blanks, or of full width."""


def wants_csv(request: Request) -> bool:
    """Whether a table is wanted: as ``format`` says, or else what the client prefers.

    Raises:
        InvalidInput: ``format`` is another one.
    """
    said = request.args.get("format")
    if said is None:
        return request.accept_mimetypes.best_match(("application/json", "text/csv")) == "text/csv"
    if said not in _FORMATS:
        raise InvalidInput(f"'format' is json or csv, got {said!r:.50}", code="invalid_query", field="format")
    return said == "csv"


def harmless(value: Any) -> Any:
    """Return a text so that no spreadsheet computes it; numbers stay what they are."""
    return f"'{value}" if isinstance(value, str) and _FORMULA.match(value) else value
