"""People: what a name may be, when two are the same, and the ids everything else refers to."""

import unicodedata
import uuid

from familiar.errors import InvalidInput

MAX_NAME_LENGTH = 80
_MAX_RAW_LENGTH = 1000
"""Enough for any name in any spelling; more is not looked at."""


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
    """Return a person's name as it is shown: composed (NFC), with single spaces, without what nobody sees.

    Whatever looks like a space becomes one. Joiners, selectors and fillers go, unless the script needs them where they
    stand: Persian and Indic ones joiners, Mongolian its separator, and some ideographs selectors.

    Raises:
        InvalidInput: not text, over 80 characters, nothing to see in it, or with control characters or others without a
            look of their own, such as turn the direction of reading.
    """
    if not isinstance(value, str):
        raise InvalidInput(f"a name must be text, got {type(value).__name__}", code="invalid_name")
    if len(value) > _MAX_RAW_LENGTH:
        raise _too_long(len(value))
    shown = _as_shown(unicodedata.normalize("NFC", value))
    name = unicodedata.normalize("NFC", " ".join(part for part in shown.split(" ") if part))
    if not any(unicodedata.category(char)[0] in _VISIBLE for char in name):
        raise InvalidInput("a name must not be empty, or of characters that nobody sees", code="invalid_name")
    if len(name) > MAX_NAME_LENGTH:
        raise _too_long(len(name))
    bad = next((char for char in name if unicodedata.category(char) in _FORBIDDEN and char not in _SHAPING), None)
    if bad is not None:
        raise InvalidInput(f"a name must not contain the character U+{ord(bad):04X}", code="invalid_name")
    return name


def name_key(name: str) -> str:
    """Return what two names have in common that look the same; ``name`` is clean.

    Wide, narrow and joined forms of letters count as the letters (NFKC), one hyphen or apostrophe as another, and what
    only shapes the letters beside it not at all.
    """
    letters = (char for char in unicodedata.normalize("NFKC", name) if not _is_ignorable(char))
    key = "".join(_APOSTROPHE if char in _APOSTROPHES else _hyphen_or(char) for char in letters)
    return unicodedata.normalize("NFC", " ".join(key.split())) or name


def search_key(text: str) -> str:
    """Return what of a name, or of a part of one, is compared when somebody is looked for: no capitals, no accents."""
    letters = unicodedata.normalize("NFKD", name_key(text).casefold())
    return "".join(char for char in letters if unicodedata.category(char) != "Mn")


def _too_long(length: int) -> InvalidInput:
    return InvalidInput(f"a name has {MAX_NAME_LENGTH} characters at most, got {length}", code="invalid_name")


def _as_shown(text: str) -> str:
    """Return ``text`` with a space for what looks like one, and without what looks like nothing."""
    shown = ""
    for place, char in enumerate(text):
        if unicodedata.category(char) == "Zs" or char in _BLANKS:
            shown += " "
        elif not _is_ignorable(char) or (unicodedata.category(char) == "Cf" and char not in _SHAPING):
            shown += char  # to be refused, if it is one of those
        else:
            after = next((each for each in text[place + 1 :] if not _is_ignorable(each)), "")
            shown += char if shown and _shapes(char, shown[-1], after) else ""
    return shown


def _shapes(char: str, before: str, after: str) -> bool:
    """Whether an invisible character changes how its neighbours look or are read; ``after`` is empty at the end."""
    if char in _JOINERS:
        beside_virama = _is_virama(before) or (after != "" and _is_virama(after))
        return before not in _JOINERS and (beside_virama or (_is_cursive(before) and _is_cursive(after)))
    if char in _MONGOLIAN_SELECTORS:
        return _MONGOLIAN[0] <= before <= _MONGOLIAN[1]
    return char in _SELECTORS and unicodedata.name(before, "").startswith("CJK ")


def _is_virama(char: str) -> bool:
    """Whether this takes the vowel from a consonant of an Indic script, so that a joiner tells how it is written."""
    return unicodedata.combining(char) == 9


def _is_cursive(char: str) -> bool:
    """Whether this is a letter, or a mark upon one, of a script that joins its letters; an empty one is none."""
    return char != "" and unicodedata.name(char, "").startswith(
        ("ARABIC", "SYRIAC", "NKO", "MANDAIC", "MONGOLIAN", "ADLAM", "HANIFI ROHINGYA")
    )


def _is_ignorable(char: str) -> bool:
    return any(first <= char <= last for first, last in _IGNORABLE)


def _hyphen_or(char: str) -> str:
    return "-" if unicodedata.category(char) == "Pd" or char == "\u2212" else char


_VISIBLE = "LNPS"  # letters, numbers, punctuation, symbols; a mark is one only upon something

# Control, format, surrogate, private use, unassigned, line and paragraph separators: nobody's name needs them, and
# they make one name look like another.
_FORBIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})

# Unicode's Default_Ignorable_Code_Point, which Python does not know: nothing is shown for these.
_IGNORABLE = (
    ("\u00ad", "\u00ad"), ("\u034f", "\u034f"), ("\u061c", "\u061c"), ("\u115f", "\u1160"), ("\u17b4", "\u17b5"),
    ("\u180b", "\u180f"), ("\u200b", "\u200f"), ("\u202a", "\u202e"), ("\u2060", "\u206f"), ("\u3164", "\u3164"),
    ("\ufe00", "\ufe0f"), ("\ufeff", "\ufeff"), ("\uffa0", "\uffa0"), ("\ufff0", "\ufff8"),
    ("\U0001bca0", "\U0001bca3"), ("\U0001d173", "\U0001d17a"), ("\U000e0000", "\U000e0fff"),
)  # fmt: skip
# Letters and symbols by their category, and as blank as a space.
_BLANKS = frozenset("\u2800\u3164\uffa0\ufffc\U00013441\U00013442\U0001d159")

_JOINERS = frozenset("\u200c\u200d")
_MONGOLIAN = ("\u1820", "\u18aa")
_MONGOLIAN_SELECTORS = frozenset("\u180b\u180c\u180d\u180e\u180f")
_SELECTORS = frozenset(
    chr(code) for first, last in ((0xFE00, 0xFE0F), (0xE0100, 0xE01EF)) for code in range(first, last + 1)
)
_SHAPING = _JOINERS | _MONGOLIAN_SELECTORS

_APOSTROPHE = "'"
_APOSTROPHES = frozenset("\u02b9\u02bb\u02bc\u02bd\u2018\u2019\u201b\u2032\u0060\u00b4\ua78c")
