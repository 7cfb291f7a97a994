"""Reads a video in a process of its own: a decoder asks for whatever a stream states, and cannot be told to stop.

    python -P video_reader.py MAX_FRAMES MAX_PIXELS MAX_SECONDS MEMORY_BYTES TIME_S < video > messages

The file is standard input and needs no name. What its streams state is not believed: its pictures are counted, without
decoding them, before some of them are taken, evenly over the whole. Memory and time are limits of the process, which
hold whatever a picture turns out to be; a frame that does not fit is left out. A message is a kind and two numbers:

| kind | numbers | |
|---|---|---|
| `F` | height, width | a frame; its pixels follow, uint8[H, W, 3], RGB |
| `S` | height, width | all frames have that size, which is too large |
| `L` | seconds | it lasts too long |
| `E` | | the end: all was looked at |

This is started as a file, so that it imports nothing of ours.
"""

import contextlib
import os
import resource
import struct
import sys

import cv2

MESSAGE = struct.Struct("<cII")
_FILE = "/dev/fd/0"
_UNDECODED = -1
# More pictures than at 240 a second in the longest video taken.
_MAX_PICTURES = 72_000


def main(max_frames: int, max_pixels: int, max_seconds: int, memory_bytes: int, time_s: int) -> None:
    """Read the video; of one that cannot be read nothing comes but the end."""
    confine(memory_bytes, time_s)
    pictures, seconds = count_pictures(cv2.CAP_PROP_FORMAT, _UNDECODED)
    if not pictures:
        pictures, seconds = count_pictures(cv2.CAP_PROP_N_THREADS, 1)
    if seconds > max_seconds or pictures >= _MAX_PICTURES:
        tell(b"L", max(int(seconds), max_seconds + 1))
    else:
        take(pictures, max_frames, max_pixels)


def confine(memory_bytes: int, time_s: int) -> None:
    """Bound what this process may take, and have everybody else come first."""
    cv2.setNumThreads(1)
    os.nice(10)
    with contextlib.suppress(OSError), open("/proc/self/oom_score_adj", "w") as score:
        score.write("1000")
    for limit, most, at_last in (
        (resource.RLIMIT_DATA, _memory_in_use() + memory_bytes, 0),
        (resource.RLIMIT_CPU, time_s, 1),  # the signal before the last is not SIGKILL, which comes from others alone
        (resource.RLIMIT_FSIZE, 0, 0),
        (resource.RLIMIT_CORE, 0, 0),
    ):
        allowed = resource.getrlimit(limit)[1]
        hard = most + at_last if allowed == resource.RLIM_INFINITY else min(most + at_last, allowed)
        resource.setrlimit(limit, (min(most, hard), hard))


def _memory_in_use() -> int:
    with contextlib.suppress(OSError), open("/proc/self/status") as status:
        return next(1024 * int(line.split()[1]) for line in status if line.startswith("VmData:"))
    return 0


def count_pictures(setting: int, value: int) -> tuple[int, float]:
    """Return how many pictures the video has, up to some number, and how many seconds lie between first and last."""
    video = opened(setting, value)
    pictures, first, last = 0, 0.0, 0.0
    while pictures < _MAX_PICTURES and video.grab():
        last = video.get(cv2.CAP_PROP_POS_MSEC)
        first = last if not pictures else first
        pictures += 1
    video.release()
    return pictures, (last - first) / 1000


def take(pictures: int, max_frames: int, max_pixels: int) -> None:
    """Send up to ``max_frames`` frames, evenly spaced."""
    video = opened(cv2.CAP_PROP_N_THREADS, 1)
    height, width = (int(video.get(key)) for key in (cv2.CAP_PROP_FRAME_HEIGHT, cv2.CAP_PROP_FRAME_WIDTH))
    if width * height > max_pixels:
        tell(b"S", height, width)
        return
    for position in range(pictures):
        # One that cannot be decoded is left out, and does not end the video.
        its_turn = position == 0 or position * max_frames // pictures > (position - 1) * max_frames // pictures
        if video.grab() and its_turn:
            send(video, max_pixels)
    tell(b"E")


def opened(setting: int, value: int) -> cv2.VideoCapture:
    """Return the video from its beginning, or one that has no picture."""
    os.lseek(0, 0, os.SEEK_SET)
    return cv2.VideoCapture(_FILE, cv2.CAP_FFMPEG, [setting, value])


def send(video: cv2.VideoCapture, max_pixels: int) -> None:
    """Send the frame at which the video is, if there is one and it fits."""
    try:
        bgr = video.retrieve()[1]
        if bgr is None or bgr.shape[0] * bgr.shape[1] > max_pixels:
            return
        rgb = cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB)
    except (cv2.error, MemoryError):
        return
    tell(b"F", *rgb.shape[:2])
    sys.stdout.buffer.write(rgb.data)
    sys.stdout.buffer.flush()


def tell(kind: bytes, first: int = 0, second: int = 0) -> None:
    """Send a message."""
    sys.stdout.buffer.write(MESSAGE.pack(kind, first, second))
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
