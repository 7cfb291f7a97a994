"""Forms that must be refused: fields that lack, that nobody knows, of the wrong kind, and bodies that are no form."""

from collections.abc import Iterator

from bad_input import pictures as bad_pictures
from bad_input.request import FORM, NOBODY, Case, form


def bad_forms() -> Iterator[Case]:
    """Yield every case of a wrong form."""
    data = bad_pictures.encode(".jpg", bad_pictures.face())
    picture = ("image", "a.jpg", data)
    frame = ("frames", "a.jpg", data)
    name = ("name", None, b"Ada")
    recognize, enroll, frames = "/v1/recognize", "/v1/enroll", "/v1/enrollments/{enrollment}/frames"
    bodies: list[tuple[str, str, bytes, tuple[str, ...]]] = [
        ("no field", recognize, form(), ("missing_field",)),
        ("another field", recognize, form(("picture", "a.jpg", data)), ("unknown_field",)),
        ("a field too many", recognize, form(picture, ("threshold", None, b"0")), ("unknown_field",)),
        ("eleven frames", recognize, form(*[picture] * 11), ("invalid_field",)),
        ("a frame that is none", recognize, form(picture, ("image", "b.jpg", data[:100])), ("invalid_image",)),
        ("an empty frame", recognize, form(("image", "b.jpg", b""), picture), ("invalid_image",)),
        ("a frame as text", recognize, form(picture, ("image", None, b"x")), ("invalid_field",)),
        ("the picture as text", recognize, form(("image", None, b"x")), ("invalid_field",)),
        ("no field", frames, form(), ("missing_field",)),
        ("another field", frames, form(("image", "a.jpg", data)), ("unknown_field",)),
        ("no field", enroll, form(), ("missing_field",)),
        ("no frames", enroll, form(name), ("missing_field",)),
        ("no name", enroll, form(frame), ("missing_field",)),
        ("frames as text", enroll, form(name, ("frames", None, b"x")), ("invalid_field",)),
        ("name as file", enroll, form(("name", "a.txt", b"Ada"), frame), ("invalid_field",)),
        ("two names", enroll, form(name, name, frame), ("invalid_field",)),
        ("a name that is not UTF-8", enroll, form(("name", None, b"Zo\xeb"), frame), ("invalid_field",)),
        ("another field", enroll, form(name, frame, ("age", None, b"7")), ("unknown_field",)),
        ("another word for if_not_alike", enroll, form(name, frame, ("if_not_alike", None, b"x")), ("invalid_field",)),
        ("no index for face", enroll, form(name, frame, ("face", None, b"left")), ("invalid_field",)),
        ("half a point for face", enroll, form(name, frame, ("face", None, b"1,")), ("invalid_field",)),
        ("a point of no number for face", enroll, form(name, frame, ("face", None, b"nan,0")), ("invalid_field",)),
        ("no index for face", frames, form(frame, ("face", None, b"-1")), ("invalid_field",)),
        ("another word for if_known", enroll, form(name, frame, ("if_known", None, b"x")), ("invalid_field",)),
        (
            "another word for allow_same_name",
            enroll,
            form(name, frame, ("allow_same_name", None, b"1")),
            ("invalid_field",),
        ),
        ("a person's id of another form", enroll, form(("person_id", None, b"7"), frame), ("invalid_id",)),
        ("nobody's id", enroll, form(("person_id", None, NOBODY.encode()), frame), ("person_not_found",)),
    ]
    for what, path, body, codes in bodies:
        yield Case(f"form {path}: {what}", "POST", path, body, {"Content-Type": FORM}, (400, 404), codes)
    for path in (recognize, enroll, frames):
        whole = form(picture)
        yield Case(f"form {path}: no boundary", "POST", path, whole, {"Content-Type": "multipart/form-data"})
        yield Case(f"form {path}: cut short", "POST", path, whole[:200], {"Content-Type": FORM})
        yield Case(f"form {path}: no parts", "POST", path, b"nothing of the kind", {"Content-Type": FORM})
        for kind in (
            "text/plain",
            "application/xml",
            "application/x-www-form-urlencoded",
            "video/mp4",
            "nonsense",
            "*/*",
        ):
            yield Case(
                f"{path} as {kind}", "POST", path, data, {"Content-Type": kind}, (415,), ("unsupported_media_type",)
            )
        yield Case(f"{path} as nothing", "POST", path, data, {"Content-Type": ""}, (415,), ("unsupported_media_type",))
    for method, path in (("POST", "/v1/enrollments"), ("PATCH", "/v1/people/{person}")):
        for kind in ("text/plain", "image/jpeg", FORM, "application/xml"):
            yield Case(
                f"{method} {path} as {kind}", method, path, b'{"name": "Ada"}', {"Content-Type": kind}, (415,),
                ("unsupported_media_type",),
            )  # fmt: skip
