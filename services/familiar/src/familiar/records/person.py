"""People: what a name may be, and the ids everything else refers to."""

import unicodedata
import uuid

from familiar.errors import InvalidInput

MAX_NAME_LENGTH = 80


def new_id() -> str:
    """Return a fresh opaque id (32 hexadecimal digits) for a person, an enrolment, a sample or a training."""
    return uuid.uuid4().hex


def check_id(value: str, what: str) -> str:
    """Return ``value`` if it has the form of an id.

    Raises:
        InvalidInput: it has not; the message names ``what`` was asked for.
    """
    if len(value) == 32 and all(digit in "0123456789abcdef" for digit in value):
        return value
    raise InvalidInput(
        f"{value[:40]!r} is not the id of a {what}: 32 hexadecimal digits are expected", code="invalid_id"
    )


def clean_name(value: object) -> str:
    """Return a person's name in composed form (NFC), trimmed, with inner white space folded to single spaces.

    Raises:
        InvalidInput: not text, empty, over 80 characters, or with control or invisible formatting characters.
    """
    if not isinstance(value, str):
        raise InvalidInput(f"a name must be text, got {type(value).__name__}", code="invalid_name")
    name = " ".join(part for part in unicodedata.normalize("NFC", value).strip().split(" ") if part)
    if not name:
        raise InvalidInput("a name must not be empty", code="invalid_name")
    if len(name) > MAX_NAME_LENGTH:
        raise InvalidInput(f"a name has {MAX_NAME_LENGTH} characters at most, got {len(name)}", code="invalid_name")
    bad = next((char for char in name if unicodedata.category(char) in _FORBIDDEN and char not in _JOINERS), None)
    if bad is not None:
        raise InvalidInput(f"a name must not contain the character U+{ord(bad):04X}", code="invalid_name")
    return name


# Control, format, surrogate, private use, unassigned, line and paragraph separators: nobody's name needs them, and
# they make one name look like another.
_FORBIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
# ... but Persian and several Indian scripts cannot be spelled without the two joiners.
_JOINERS = frozenset("\u200c\u200d")
