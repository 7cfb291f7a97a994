"""Frames of any size are searched finely enough to find who can be named, and never at more pixels than allowed."""

import threading
from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import pytest

import scenes
from familiar.seeing.detection import Face
from familiar.seeing.detectors import SEARCH_PIXELS, YuNet
from familiar.seeing.detectors.network import Found, Network
from familiar.seeing.detectors.searching import Searcher
from familiar.seeing.image import Frame
from familiar.seeing.observation import Observer
from familiar.settings import Settings

SIZES = [
    (480, 360), (480, 480), (640, 480), (481, 480), (1280, 720), (1366, 768), (1920, 1080), (1080, 1920), (3840, 2160),
    (4032, 3024), (7680, 4320), (6000, 6000), (17, 33),
]  # fmt: skip
STRIPS = [(40_000, 900), (16, 9_000), (60_000, 16)]


class Watcher:
    """A search that notes what it was shown, and finds what it was told to, in pixels of the frame."""

    def __init__(self) -> None:
        self.shown: list[tuple[int, int]] = []
        self.pictures: list[Frame] = []

    def __call__(self, bgr: Frame) -> list[Found]:
        self.shown.append(bgr.shape[:2])
        self.pictures.append(bgr)
        return []


@pytest.fixture(scope="module")
def yunet() -> YuNet:
    return YuNet()


@pytest.fixture(scope="module")
def threads():
    with ThreadPoolExecutor(2) as pool:
        yield pool


def middle(face: Face) -> np.ndarray:
    return np.array([face.box.x_min + face.box.x_max, face.box.y_min + face.box.y_max]) / 2


def counts(faces, middles, within_px: float) -> list[int]:
    """How many of the faces lie at each of the places."""
    return [sum(bool(np.hypot(*(middle(face) - place)) < within_px) for face in faces) for place in np.array(middles)]


def empty(width: int, height: int) -> Frame:
    return np.zeros((height, width, 3), np.uint8)


@pytest.mark.parametrize("px", [40, 60, 90])
@pytest.mark.parametrize(("width", "height"), [(1280, 720), (1920, 1080), (1080, 1920), (3840, 2160)])
def test_small_faces_in_large_frames_are_found_once_each(yunet, collins, hopper, px, width, height):
    frame, middles = scenes.wide([collins, hopper] * 3, px, width, height)
    faces = yunet.search(frame)
    assert counts(faces, middles, px / 3) == [1] * 6
    settled = yunet.settle(frame, faces)
    assert counts(settled, middles, px / 3) == [1] * 6
    heights = [face.box.height for face in settled if max(counts([face], middles, px / 3))]
    assert heights == pytest.approx([px] * 6, rel=0.2)


@pytest.mark.parametrize("px", [40, 100, 200, 400, 700])
def test_a_face_of_any_size_is_found_once_wherever_tiles_meet(yunet, collins, px):
    patch = scenes.cut_out(collins, px, margin=0.2)
    background = scenes.background(1920, 1080, np.random.default_rng(0))
    side = patch.shape[0]
    # Searched at three quarters, 1920x1080 has two tiles, which meet in the middle: everything around there.
    for x in range(max(0, 960 - side), 961, max(23, side // 6)):
        frame = background.copy()
        scenes.paste(frame, patch, x, 50)
        faces = yunet.search(frame)
        assert counts(faces, [(x + side / 2, 50 + side / 2)], px / 3) == [1], f"at {x}"
        assert len(faces) == 1, f"at {x}"


def test_the_large_and_the_small_of_one_frame_are_found_together(yunet, collins, hopper):
    frame, _ = scenes.wide([collins, hopper] * 3, 60, 3840, 2160)
    near = scenes.cut_out(hopper, 900, margin=0.1)
    hidden = frame[400 : 400 + near.shape[0], 1100 : 1100 + near.shape[1]]
    hidden[:] = scenes.background(*hidden.shape[1::-1], np.random.default_rng(0))
    alone = yunet.search(frame)
    assert 0 < len(alone) < 7
    hidden[:] = near
    largest, *others = yunet.search(frame)
    assert largest.box.height == pytest.approx(900, rel=0.15)
    assert sorted(middle(face).round().tolist() for face in others) == sorted(
        middle(face).round().tolist() for face in alone
    )


def test_all_sixty_of_a_group_picture_are_found_and_no_more(yunet, collins, hopper):
    frame = scenes.mosaic([collins[:300, 60:360], hopper[:512]], 10, 6, 1600, 1000)
    faces = Observer(yunet).observe(frame, 150, 64)
    assert (len(faces), faces.found) == (60, 60)


@pytest.mark.parametrize("pixels", [230_400, SEARCH_PIXELS, 8_294_400])
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_no_frame_is_searched_at_more_pixels_than_allowed(threads, size, pixels):
    watcher = Watcher()
    Searcher(watcher, pixels, threads).search(empty(*size))
    # What is added is the overlap, and the same frame again at a sixteenth of the area.
    assert sum(height * width for height, width in watcher.shown) <= 1.5 * pixels
    assert max(max(shown) for shown in watcher.shown) <= 1024


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_one_size_serves_all_tiles_of_a_frame_and_another_its_coarser_look(threads, size):
    watcher = Watcher()
    Searcher(watcher, SEARCH_PIXELS, threads).search(empty(*size))
    assert len(set(watcher.shown)) <= (1 if len(watcher.shown) == 1 else 2)


@pytest.mark.parametrize("size", SIZES + STRIPS, ids=str)
def test_every_pixel_of_a_frame_is_looked_at(threads, size):
    watcher = Watcher()
    frame = np.full((size[1], size[0], 3), 7, np.uint8)
    Searcher(watcher, SEARCH_PIXELS, threads).search(frame)
    # Tiles are views of one picture; writing into each of them leaves no pixel as it was.
    wholes = {id(each.base): each.base for each in watcher.pictures if each.base is not None}
    for picture in watcher.pictures:
        picture[:] = 9
    assert wholes and all((whole == 9).all() for whole in wholes.values())


def test_a_picture_of_480_px_is_searched_as_it_is_and_a_webcams_frame_once(threads, collins):
    for size, shown in (((480, 480), (480, 480)), ((250, 250), (250, 250)), ((640, 480), (360, 480))):
        watcher = Watcher()
        Searcher(watcher, SEARCH_PIXELS, threads).search(empty(*size))
        assert watcher.shown == [shown]
    watcher = Watcher()
    Searcher(watcher, SEARCH_PIXELS, threads).search(collins[:300, :480])
    assert np.array_equal(watcher.pictures[0], collins[:300, :480, ::-1])


def test_where_the_smaller_faces_do_not_matter_a_near_face_is_found_coarsely_and_a_far_one_finely(threads, collins):
    network = Network()
    shown: list[int] = []

    def search(bgr: Frame) -> list[Found]:
        shown.append(max(bgr.shape[:2]))
        return network.search(bgr)

    searcher = Searcher(search, SEARCH_PIXELS, threads)
    near, _ = scenes.wide([collins], 260, 1280, 720)
    far, _ = scenes.wide([collins], 50, 1280, 720)
    assert len(searcher.search(near, 0.5)) == 1 and shown == [480]
    assert len(searcher.search(far, 0.5)) == 1 and shown[1:] == [480, 960]
    assert searcher.search(empty(1280, 720), 0.5) == []


class CountingDetector:
    """The real one; says how many faces it was asked to look at closely."""

    def __init__(self, real: YuNet) -> None:
        self.name, self._real = real.name, real
        self.settled = 0

    def search(self, frame: Frame, least_share: float = 0.0):
        return self._real.search(frame, least_share)

    def settle(self, frame: Frame, faces):
        self.settled += len(faces)
        return self._real.settle(frame, faces)


def test_only_the_faces_that_are_asked_for_are_looked_at_closely(yunet, collins, hopper):
    frame, _ = scenes.wide([collins, hopper] * 6, 60, 1920, 1080)
    large, _ = scenes.wide([hopper], 300, 1920, 1080)
    detector = CountingDetector(yunet)
    faces = Observer(detector).observe(frame, 150, 4)
    assert (len(faces), faces.found, detector.settled) == (4, 12, 4)
    detector.settled = 0
    assert Observer(detector).observe_one(large, 150)[0] is not None
    assert detector.settled == 1
    detector.settled = 0
    Observer(detector).observe_one(frame, 150)
    assert detector.settled <= 3


def test_the_largest_are_chosen(yunet, collins, hopper):
    frame, _ = scenes.wide([hopper] * 8, 50, 1920, 1080)
    near = scenes.cut_out(collins, 200)
    frame[: near.shape[0], : near.shape[1]] = near
    (face,) = Observer(yunet).observe(frame, 150, 1)
    assert face.face.box.height == pytest.approx(200, rel=0.15)


def test_several_threads_find_in_large_frames_what_one_finds(yunet, collins, hopper):
    frames = [scenes.wide([collins, hopper], 60, 1920, 1080, seed)[0] for seed in range(3)]
    alone = [[face.box for face in yunet.search(frame)] for frame in frames]
    together = threading.Barrier(3)

    def search(number: int) -> bool:
        together.wait(timeout=60)
        return [face.box for face in yunet.search(frames[number])] == alone[number]

    with ThreadPoolExecutor(3) as pool:
        assert all(pool.map(search, range(3)))


def test_large_frames_of_many_sizes_leave_no_more_memory_taken_than_a_few_tiles_need():
    import psutil

    network, sizes = Network(), [(600 + 32 * number, 1024 - 32 * number) for number in range(10)]
    before = psutil.Process().memory_info().rss
    for height, width in sizes:
        network.search(np.zeros((height, width, 3), np.uint8))
    # All of them together are 6.5 million pixels, with 85 bytes for each.
    assert psutil.Process().memory_info().rss - before < 300 << 20


def test_the_setting_says_what_the_detector_does_unless_told_otherwise():
    assert Settings().search_pixels == SEARCH_PIXELS


def test_a_smaller_budget_finds_less_of_the_small_and_all_of_the_large(collins, hopper):
    thrifty = YuNet(search_pixels=230_400)
    far, _ = scenes.wide([collins, hopper] * 3, 60, 3840, 2160)
    near, middles = scenes.wide([collins, hopper], 700, 3840, 2160)
    assert len(thrifty.search(far)) < 6
    assert counts(thrifty.search(near), middles, 150) == [1, 1]
    assert cv2.countNonZero(far[..., 0]) > 0
