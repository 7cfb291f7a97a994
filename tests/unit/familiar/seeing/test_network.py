"""The network finds the faces that libfacedetection finds, which its weights come from."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import pytest
from libfacedetection import FaceDetection

from familiar.seeing.detectors.network import Found, Network
from familiar.seeing.image import Frame

Picture = np.ndarray

LFW_PICTURES = 200
# The library gives whole percents and pixels, cut off towards zero. What lies this close to one may be cut off to
# either side of it, as sums are rounded in another order.
CLOSE = 1e-3
# Of each height and width up to the first multiples of 32, where the padding changes, and some beyond.
SMALL_SIDES = (1, 2, 3, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65, 95, 97)


@pytest.fixture(scope="module")
def network() -> Network:
    return Network()


@pytest.fixture(scope="module")
def library() -> FaceDetection:
    try:
        return FaceDetection()
    except ImportError as exc:
        pytest.skip(f"the reference is for Linux on x86-64 and Python 3.11: {exc}")


def rows(found: list[Found]) -> np.ndarray:
    """float32[N, 15] in the library's columns: percent, x, y, width, height, landmarks."""
    columns = [[face.confidence * 100, *face.box, *face.landmarks.ravel()] for face in found]
    return np.array(columns, np.float32).reshape(-1, 15)


def faces_seen_alike(network: Network, library: FaceDetection, bgr: Picture) -> int:
    """How many faces there are, after making sure that both find the same ones."""
    ours, theirs = rows(network.search(bgr)), library.detect(bgr)[:, :15].astype(np.float32)
    theirs = theirs[theirs[:, 0] >= 50]  # it goes on down to 20
    assert len(ours) == len(theirs)
    if len(ours):
        # Faces of which it is as sure may come in another order.
        ours = ours[np.abs(theirs[:, None] - np.trunc(ours)).sum(axis=2).argmin(axis=1)]
        assert len(np.unique(ours, axis=0)) == len(ours)
        assert np.abs(ours - theirs).max() < 1 + CLOSE
        alike = (np.trunc(ours - CLOSE) == theirs) | (np.trunc(ours + CLOSE) == theirs)
        assert alike.all(), f"ours {ours[~alike]}, the library's {theirs[~alike]}"
    return len(ours)


def scaled(frame: Frame, width: int, height: int) -> Frame:
    return cv2.resize(frame, (width, height), interpolation=cv2.INTER_AREA)


def turned(frame: Frame, degrees: float) -> Frame:
    height, width = frame.shape[:2]
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1.0)
    return cv2.warpAffine(frame, matrix, (width, height), borderMode=cv2.BORDER_REPLICATE)


def mosaic(frames: list[Frame], side: int, px: int) -> Frame:
    tiles = [scaled(frames[number % len(frames)], px, px) for number in range(side * side)]
    return np.vstack([np.hstack(tiles[row * side : (row + 1) * side]) for row in range(side)])


def noise(height: int, width: int, seed: int = 0) -> Frame:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)


CHANGES: dict[str, tuple[Callable[[Frame], Frame], int]] = {
    "as it is": (lambda frame: frame, 1),
    "1280x960": (lambda frame: scaled(frame, 1280, 960), 1),
    "480x480": (lambda frame: scaled(frame, 480, 480), 1),
    "250x250": (lambda frame: scaled(frame, 250, 250), 1),
    "odd": (lambda frame: scaled(frame, 321, 287), 1),
    "odd and narrow": (lambda frame: scaled(frame, 97, 131), 1),
    "a pixel more than 96": (lambda frame: scaled(frame, 97, 97), 1),
    "a pixel less than 96": (lambda frame: scaled(frame, 95, 95), 1),
    "tiny": (lambda frame: scaled(frame, 40, 40), 0),
    "strip across": (lambda frame: scaled(frame[60:180], 480, 120), 0),
    "strip across, low": (lambda frame: scaled(frame[100:160], 480, 30), 0),
    "strip down": (lambda frame: np.ascontiguousarray(frame[:, 150:290]), 0),
    "strip down, narrow": (lambda frame: scaled(frame, 30, 480), 0),
    "cut at the edge": (lambda frame: frame[60:, 215:], 0),
    "tilted to the left": (lambda frame: turned(frame, 20), 1),
    "tilted to the right": (lambda frame: turned(frame, -35), 1),
    "lying": (lambda frame: np.rot90(frame), 0),
    "mirrored": (lambda frame: frame[:, ::-1], 1),
    "dark": (lambda frame: frame // 8, 0),
    "in noise": (lambda frame: cv2.addWeighted(frame, 0.6, noise(*frame.shape[:2]), 0.4, 0), 0),
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("portrait", ["collins", "hopper"])
def test_a_portrait_shows_the_face_that_the_library_finds(
    portrait: str, change: str, network: Network, library: FaceDetection, request: pytest.FixtureRequest
) -> None:
    apply, at_least = CHANGES[change]
    picture = apply(request.getfixturevalue(portrait)[:, :, ::-1])
    assert faces_seen_alike(network, library, picture) >= at_least


@pytest.mark.parametrize(("side", "px"), [(2, 240), (3, 160), (4, 120), (4, 60), (6, 90)])
def test_many_faces_are_those_that_the_library_finds(
    side: int, px: int, network: Network, library: FaceDetection, collins: Frame, hopper: Frame
) -> None:
    picture = mosaic([collins[:300, 60:360, ::-1], hopper[:512, :, ::-1]], side, px)
    assert faces_seen_alike(network, library, picture) >= side * side // 2


@pytest.mark.parametrize("px", [160, 250, 480])
@pytest.mark.parametrize("portrait", ["collins", "hopper"])
def test_of_faces_that_overlap_those_stay_that_the_library_keeps(
    portrait: str, px: int, network: Network, library: FaceDetection, request: pytest.FixtureRequest
) -> None:
    picture = scaled(request.getfixturevalue(portrait)[:, :, ::-1], px, px)
    seen = set()
    for right in range(2, px // 4, 4):
        for down in (0, right // 2, right):
            twice = cv2.addWeighted(picture, 0.5, np.roll(picture, (down, right), (0, 1)), 0.5, 0)
            seen.add(faces_seen_alike(network, library, twice))
    assert {1, 2} <= seen


@pytest.mark.lfw
@pytest.mark.parametrize("folder", ["lfw", "lfw_color"])
def test_pictures_of_lfw_show_the_faces_that_the_library_finds(
    folder: str, network: Network, library: FaceDetection, lfw: Path
) -> None:
    files = sorted((lfw.parent / folder).glob("*/*.jpg"))
    if not files:
        pytest.skip(f"no pictures in {folder}/")
    chosen = files[:: max(1, len(files) // LFW_PICTURES)][:LFW_PICTURES]
    pictures = [cv2.imread(str(path), cv2.IMREAD_COLOR) for path in chosen]
    faces = sum(faces_seen_alike(network, library, picture) for picture in pictures)
    faces += sum(faces_seen_alike(network, library, mosaic(pictures[n : n + 9], 3, 130)) for n in range(0, 180, 9))
    assert faces > 1.5 * len(pictures)


def test_a_picture_of_any_size_is_searched(network: Network, hopper: Frame) -> None:
    for height in SMALL_SIDES:
        for width in SMALL_SIDES:
            for face in network.search(scaled(hopper[:, :, ::-1], width, height)):
                assert np.isfinite(rows([face])).all()


def test_a_picture_of_any_size_shows_what_the_library_finds(
    network: Network, library: FaceDetection, hopper: Frame
) -> None:
    for height in SMALL_SIDES:
        for width in SMALL_SIDES:
            faces_seen_alike(network, library, scaled(hopper[:, :, ::-1], width, height))


EXTREMES = {
    "black": np.zeros((100, 130, 3), np.uint8),
    "white": np.full((100, 130, 3), 255, np.uint8),
    "one colour": np.tile(np.array([255, 0, 0], np.uint8), (100, 130, 1)),
    "noise": noise(200, 330),
    "noise of black and white": noise(200, 330) // 128 * 255,
    "stripes": np.tile(np.arange(130, dtype=np.uint8)[None, :, None] % 2 * 255, (100, 1, 3)),
    "chequers": np.tile((np.indices((100, 130)).sum(axis=0) % 2 * 255).astype(np.uint8)[:, :, None], (1, 1, 3)),
}


@pytest.mark.parametrize("kind", EXTREMES)
def test_a_picture_of_nothing_shows_no_face(kind: str, network: Network) -> None:
    assert network.search(EXTREMES[kind]) == []


@pytest.mark.parametrize("kind", EXTREMES)
def test_a_picture_of_nothing_shows_no_face_to_the_library_either(
    kind: str, network: Network, library: FaceDetection
) -> None:
    assert faces_seen_alike(network, library, EXTREMES[kind]) == 0


def test_what_an_earlier_picture_showed_leaves_no_trace(network: Network, collins: Frame) -> None:
    small, large = scaled(collins, 90, 90)[:, :, ::-1], scaled(collins, 96, 96)[:, :, ::-1]  # both are padded to 96
    fresh = rows(Network().search(small))
    for before in (large, np.full_like(large, 255), EXTREMES["noise"]):
        network.search(before)
        assert np.array_equal(rows(network.search(small)), fresh)


def test_several_threads_find_what_one_finds(network: Network, collins: Frame, hopper: Frame) -> None:
    sizes = [(120, 160), (160, 160), (97, 131), (240, 200)]
    pictures = [
        turned(scaled(frame[:, :, ::-1], *size), 3 * n)
        for n, size in enumerate(sizes * 4)
        for frame in (collins, hopper)
    ]
    alone = [rows(network.search(picture)) for picture in pictures]
    assert sum(map(len, alone)) > len(pictures) / 2
    together = threading.Barrier(4)

    def search_all(start: int) -> bool:
        together.wait(timeout=60)
        order = [*range(start, len(pictures)), *range(start)]
        return all(np.array_equal(rows(network.search(pictures[n])), alone[n]) for n in order)

    with ThreadPoolExecutor(4) as threads:
        assert all(threads.map(search_all, (0, 5, 10, 15)))


def test_searching_pictures_of_many_sizes_keeps_no_memory(collins: Frame) -> None:
    import psutil

    network, numbers = Network(), np.random.default_rng(0)

    def grown_bytes(calls: int) -> int:
        before = psutil.Process().memory_info().rss
        for width, height in numbers.integers(20, 200, (calls, 2)):
            network.search(scaled(collins[:, :, ::-1], int(width), int(height)))
        return psutil.Process().memory_info().rss - before

    grown_bytes(150)
    # An interpreter takes some MiB, and nearly every call needs another one than is there.
    assert grown_bytes(450) < 30 << 20
