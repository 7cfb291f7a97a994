"""The simulated webcam session."""

import numpy as np

import portraits
from familiar.seeing.detectors.yunet import YuNet
from familiar.seeing.observation import Observer
from familiar_camera.simulation import Session
from familiar_camera.sources import open_source, read_picture


def test_a_frame_of_a_seed_is_always_the_same(picture: np.ndarray) -> None:
    assert np.array_equal(Session(picture, 3).frame(17), Session(picture, 3).frame(17))


def test_another_seed_and_another_moment_are_another_picture(picture: np.ndarray) -> None:
    frame = Session(picture, 3).frame(17)
    assert frame.shape == (480, 640, 3)
    assert frame.dtype == np.uint8
    assert np.abs(frame.astype(int) - Session(picture, 4).frame(17)).mean() > 5
    assert np.abs(frame.astype(int) - Session(picture, 3).frame(40)).mean() > 5


def test_the_face_stays_in_the_picture_and_good_enough_to_learn_from() -> None:
    observer = Observer(YuNet())
    for name in portraits.NAMES:
        session = Session(read_picture(portraits.path(name)), seed=5)
        for number in range(0, 150, 15):
            frame = np.ascontiguousarray(session.frame(number)[..., ::-1])
            seen, reasons = observer.observe_one(frame, 150)
            assert seen is not None, (name, number)
            assert reasons == (), (name, number)


def test_the_command_line_names_a_simulation_by_portrait_and_seed() -> None:
    path = portraits.path(portraits.NAMES[0])
    first = next(open_source(f"simulate:{path}#9").frames())
    assert np.array_equal(first.picture, Session(read_picture(path), 9).frame(0))
