"""All at once: people from pictures, an archive or a video in one request, each whole or not at all."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol, Self

from werkzeug.datastructures import FileStorage

from familiar.errors import Busy, Conflict, FamiliarError, NotFound, TooLarge, Unavailable
from familiar.reason import Reason
from familiar.seeing import Choice, Decoder
from familiar.settings import Settings
from familiar_gateway.enrolling import choosing, folders, representations, steps, uploads
from familiar_gateway.enrolling.capture import Also, Capturer
from familiar_gateway.enrolling.frames import SeenFace, Verdicts
from familiar_gateway.enrolling.opening import digests_of
from familiar_gateway.enrolling.steps import Opening
from familiar_gateway.enrolling.uploads import Bundle
from familiar_gateway.web import Json, caller, errors, payload, pictures, services


class _Needs(Protocol):
    """Of the collaborators of the application."""

    settings: Settings
    decoder: Decoder
    capturer: Capturer


_MOST_TRIES = 20
Answer = tuple[Json, int, dict[str, str]]


@dataclass(frozen=True)
class Upload:
    """What a request says and brings."""

    opening: Opening
    files: Sequence[FileStorage]
    choice: Choice | None

    @classmethod
    def of(cls, fields: Mapping[str, str], files: Sequence[FileStorage]) -> Self:
        """Return what the fields of a form say.

        Raises:
            InvalidInput: one has a value that cannot be used.
        """
        opening = Opening(
            fields.get("name"),
            fields.get("person_id"),
            payload.parse_flag("allow_same_name", fields.get("allow_same_name")),
            fields.get("consent"),
            steps.read_answers(fields),
            said={"face": fields["face"]} if "face" in fields else None,
            contents=() if steps.idempotency_key() is None else digests_of(files),
        )
        return cls(opening, files, choosing.of(fields.get("face")))


def enroll(fields: Mapping[str, str], files: Sequence[FileStorage]) -> Answer:
    """Enrol one person, or each of those whose folders an archive holds.

    Of several requests that are the same, key included, each gets the answer that one alone would get.
    """
    for _ in range(_MOST_TRIES):
        try:
            return _enroll(Upload.of(fields, files))
        except NotFound as exc:
            # Another one like this has failed and given the enrolment up under our hands: find out why by ourselves.
            if exc.code != "enrollment_not_found":
                raise
            for file in files:
                file.stream.seek(0)
    raise Busy("this enrolment is given up again and again by others; try again")


def _enroll(upload: Upload) -> Answer:
    its = services(_Needs)
    deadline = its.capturer.deadline()
    with uploads.open_bundles(list(upload.files), its.decoder, its.settings, upload.choice) as bundles:
        said = upload.opening
        if len(bundles) > 1:
            if said.name is not None or said.person_id is not None:
                raise folders.several_people([each.folder or "." for each in bundles])
            return _enroll_each(upload, bundles, deadline)
        if said.name is None and said.person_id is None:
            said = replace(said, name=bundles[0].folder)
        shown = _enroll_one(replace(upload, opening=said), bundles[0], deadline)
    return shown, 202, steps.location(shown["id"])


def _enroll_each(upload: Upload, bundles: Sequence[Bundle], deadline: float) -> Answer:
    """Enrol everybody who can be, under the name of their folder; say why of the others."""
    enrolled: list[Json] = []
    refused: list[tuple[Bundle, FamiliarError]] = []
    away: FamiliarError | None = None
    for bundle in bundles:
        opening = replace(upload.opening, name=bundle.folder, part=bundle.folder)
        try:
            if away is not None:
                raise away
            if time.monotonic() >= deadline:
                raise TooLarge("there was no time to look at this folder: send it in another request")
            shown = _enroll_one(replace(upload, opening=opening), bundle, deadline)
        except NotFound:
            raise
        except FamiliarError as exc:
            away = exc if isinstance(exc, Unavailable) else None
            refused.append((bundle, exc))
        else:
            enrolled.append({"folder": bundle.folder, "enrollment": shown})
    told = [{"folder": bundle.folder, "error": errors.told(exc)} for bundle, exc in refused]
    if not enrolled:
        raise away or Conflict(f"none of {len(refused)} people could be enrolled", code="nobody_enrolled", refused=told)
    return {"enrollments": enrolled, "refused": told}, 202, steps.location(enrolled[0]["enrollment"]["id"])


def enroll_seen(fields: Mapping[str, Any], faces: Sequence[SeenFace], also: Also) -> Answer:
    """Enrol somebody from faces that were seen before; all of it, and what is done ``also``, or nothing.

    ``fields`` are those of a capture that is opened, and of one that is finished. Raises as these do.
    """
    capturer, answers = services(_Needs).capturer, steps.read_answers(fields)
    enrollment_id, _ = steps.open_one(
        Opening(
            fields.get("name"), fields.get("person_id"), fields.get("allow_same_name", False), fields.get("consent"),
            answers,
        )
    )  # fmt: skip
    with steps.given_up_on_failure(enrollment_id):
        verdicts = capturer.add_seen(enrollment_id, faces)
        steps.count(verdicts)
        capturer.finish(enrollment_id, caller(), answers, also=also)
    return _show(enrollment_id, verdicts), 202, steps.location(enrollment_id)


def _enroll_one(upload: Upload, bundle: Bundle, deadline: float) -> Json:
    its = services(_Needs)
    enrollment_id, _ = steps.open_one(upload.opening)
    with steps.given_up_on_failure(enrollment_id):
        verdicts = _add_unless_closed(enrollment_id, bundle, deadline)
        if len(verdicts) == 1 and verdicts[0].reasons == (Reason.SEVERAL_FACES,):
            _ask_for_a_face(upload.files)
        its.capturer.finish(enrollment_id, caller(), upload.opening.answers)
    return _show(enrollment_id, verdicts)


def _show(enrollment_id: str, verdicts: Verdicts) -> Json:
    told = representations.verdicts(_with_left_out(verdicts, enrollment_id))
    return {**told, **steps.show(enrollment_id)}


def _ask_for_a_face(files: Sequence[FileStorage]) -> None:
    """Say which faces there are, if one picture was sent."""
    its = services(_Needs)
    if len(files) == 1 and uploads.is_picture(files[0]):
        raise choosing.choose_one(its.capturer.boxes(pictures.read_file(files[0], its.settings.max_image_bytes)))


def _add_unless_closed(enrollment_id: str, bundle: Bundle, deadline: float) -> Verdicts:
    """Add the shots; if a request like this one has finished the enrolment, say of them what was said to that one."""
    its = services(_Needs)
    try:
        verdicts = its.capturer.add(enrollment_id, bundle.shots, deadline)
    except Conflict as exc:
        if exc.code != "enrollment_closed":
            raise
        return Verdicts(its.capturer.recall(enrollment_id))
    steps.count(verdicts)
    return verdicts


def _with_left_out(verdicts: Verdicts, enrollment_id: str) -> Verdicts:
    """Return what was said of the same frames, now that some may have been left out."""
    said = {each.index: each for each in services(_Needs).capturer.recall(enrollment_id)}
    told = Verdicts(said[each.index] for each in verdicts)
    told.cut_off = verdicts.cut_off
    return told
