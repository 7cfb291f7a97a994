"""What a one-shot enrolment brings: pictures, one archive of pictures, or one video; as shots in their order."""

import contextlib
from collections.abc import Iterator

from werkzeug.datastructures import FileStorage

from familiar.errors import InvalidInput, TooLarge
from familiar.seeing import Decoder
from familiar.settings import Settings
from familiar_gateway.enrolling import archives, videos
from familiar_gateway.enrolling.capture import FEW_FRAMES, Shot
from familiar_gateway.web import pictures

_HEAD_BYTES = 16
# Pictures hardly compress: an archive that unpacks to much more than it weighs holds something else.
_MAX_EXPANSION = 2


@contextlib.contextmanager
def open_shots(files: list[FileStorage], decoder: Decoder, settings: Settings) -> Iterator[Iterator[Shot]]:
    """Give the shots of the uploaded files, to be read within the block; all but a few pictures take the slow lane.

    Raises:
        InvalidInput: there are no files, or an archive or a video came beside others or cannot be read.
        TooLarge: there are more frames or bytes than are taken.
        Busy: too many uploads are looked at.
    """
    if not files:
        raise InvalidInput("the form has no file 'frames'", code="missing_field", field="frames")
    most = settings.enroll_max_frames
    if len(files) > most:
        raise TooLarge(f"{len(files)} frames were sent; at most {most} are taken")
    kinds = [_kind(file) for file in files]
    with contextlib.ExitStack() as held:
        if kinds == ["archive"]:
            datas = archives.read_pictures(
                files[0].stream,
                max_pictures=most,
                max_bytes=settings.max_image_bytes,
                max_total_bytes=_MAX_EXPANSION * settings.max_body_bytes,
            )
            shots = (Shot.of_picture(data, decoder) for data in datas)
        elif kinds == ["video"]:
            shots = videos.read_shots(files[0].stream, decoder, settings)
            held.callback(shots.close)
        elif set(kinds) == {"picture"}:
            datas = (pictures.read_file(file, settings.max_image_bytes) for file in files)
            shots = (Shot.of_picture(data, decoder) for data in datas)
        else:
            raise InvalidInput("an archive or a video must be the only file", code="invalid_field", field="frames")
        if kinds[0] != "picture" or len(files) > FEW_FRAMES:
            held.enter_context(decoder.lane.enter())
        yield shots


def _kind(file: FileStorage) -> str:
    head = file.stream.read(_HEAD_BYTES)
    file.stream.seek(0)
    if archives.is_archive(head):
        return "archive"
    return "video" if videos.is_video(head) else "picture"
