"""What a one-shot enrolment brings: pictures, one archive of pictures, or one video; as shots in their order.

An archive may bring several people, a folder each.
"""

import contextlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from werkzeug.datastructures import FileStorage

from familiar.errors import InvalidInput, TooLarge
from familiar.seeing import STILL_HEAD_BYTES, Choice, Decoder
from familiar.settings import Settings
from familiar_gateway.enrolling import archives, videos
from familiar_gateway.enrolling.capture import FEW_FRAMES
from familiar_gateway.enrolling.frames import Shot
from familiar_gateway.web import pictures

# Pictures hardly compress: an archive that unpacks to much more than it weighs holds something else.
_MAX_EXPANSION = 2


@dataclass(frozen=True)
class Bundle:
    """What is brought of one person: the name of the folder, if there is one, and the shots."""

    folder: str | None
    shots: Iterator[Shot]


@contextlib.contextmanager
def open_bundles(
    files: list[FileStorage], decoder: Decoder, settings: Settings, choice: Choice | None = None
) -> Iterator[list[Bundle]]:
    """Give what the uploaded files bring, to be read within the block; all but a few pictures take the slow lane.

    ``choice`` is the face that is meant of each picture.

    Raises:
        InvalidInput: there are no files, an archive or a video came beside others or cannot be read, it cannot be told
            whose pictures an archive holds, or a face of a video is chosen.
        TooLarge: there are more frames or bytes than are taken.
        Busy: too many uploads are looked at.
    """
    if not files:
        raise InvalidInput("the form has no file 'frames'", code="missing_field", field="frames")
    most = settings.enroll_max_frames
    if len(files) > most:
        raise TooLarge(f"{len(files)} frames were sent; at most {most} are taken")
    kinds = [_kind(file) for file in files]
    if choice is not None and "video" in kinds:
        raise InvalidInput("'face' chooses in pictures, not in a video", code="invalid_field", field="face")
    with contextlib.ExitStack() as held:
        if kinds == ["archive"]:
            parts = archives.read_people(
                files[0].stream,
                max_pictures=most,
                max_bytes=settings.max_image_bytes,
                max_total_bytes=_MAX_EXPANSION * settings.max_body_bytes,
            )
            bundles = [Bundle(part.folder, _shots(part.pictures, decoder, choice)) for part in parts]
        elif kinds == ["video"]:
            shots = videos.read_shots(files[0].stream, decoder, settings)
            held.callback(shots.close)
            bundles = [Bundle(None, shots)]
        elif set(kinds) == {"picture"}:
            datas = (pictures.read_file(file, settings.max_image_bytes) for file in files)
            bundles = [Bundle(None, _shots(datas, decoder, choice))]
        else:
            raise InvalidInput("an archive or a video must be the only file", code="invalid_field", field="frames")
        if kinds[0] != "picture" or len(files) > FEW_FRAMES:
            held.enter_context(decoder.lane.enter())
        yield bundles


def _shots(datas: Iterable[bytes], decoder: Decoder, choice: Choice | None = None) -> Iterator[Shot]:
    return (Shot.of_picture(data, decoder, choice) for data in datas)


def is_picture(file: FileStorage) -> bool:
    """Whether a file is neither an archive nor a video, as far as its beginning tells; it ends rewound."""
    return _kind(file) == "picture"


def _kind(file: FileStorage) -> str:
    file.stream.seek(0)
    head = file.stream.read(STILL_HEAD_BYTES)
    file.stream.seek(0)
    if archives.is_archive(head):
        return "archive"
    return "video" if videos.is_video(head) else "picture"
