"""Faces far away, 60 px high, are named in frames of any size, and everybody of a group picture is answered for."""

import os
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

import casting
import scenes
from familiar.seeing.image import Frame, encode_jpeg
from system import System, wait_until

PEOPLE, FACE_PX = 6, 60
DATA = Path(os.environ.get("FAMILIAR_DATA", Path(__file__).parents[2].parent / "shared" / "data"))


@pytest.fixture(scope="module")
def sitters() -> list[casting.Sitter]:
    """Six people of LFW where it is there; elsewhere the two portraits, on three days each."""
    return casting.sitters(PEOPLE, DATA if DATA.is_dir() else None)


@pytest.fixture(scope="module")
def enrolled(system: System, sitters: list[casting.Sitter]) -> System:
    """The shared system, which knows all of them."""
    client = system.client()
    for sitter in {each.name: each for each in sitters}.values():
        enrollment = client.enroll(sitter.name, sitter.learn, if_known="new", if_not_alike="take")
        wait_until(lambda each=enrollment: client.is_live(each), 120, f"{sitter.name} is live")
    return system


def named_where(answer: dict, middles: list[tuple[float, float]]) -> list[str | None]:
    """Return the name that is given at each of the places."""
    names: list[str | None] = []
    for x, y in middles:
        there = [face for face in answer["faces"] if np.hypot(*(middle(face) - (x, y))) < FACE_PX / 2]
        assert len(there) <= 1
        names.append(there[0]["person"]["name"] if there and there[0]["person"] else None)
    return names


def middle(face: dict) -> np.ndarray:
    box = face["box"]
    return np.array([box["x_min"] + box["x_max"], box["y_min"] + box["y_max"]]) / 2


@pytest.mark.parametrize(("width", "height"), [(1280, 720), (1920, 1080), (3840, 2160)])
def test_five_of_six_faces_of_60_px_are_named_and_nobody_wrongly(
    enrolled: System, sitters: list[casting.Sitter], width: int, height: int
) -> None:
    frame, middles = scenes.wide([sitter.probe for sitter in sitters], FACE_PX, width, height)
    answer = enrolled.client().recognize(encode_jpeg(frame))
    names = named_where(answer, middles)
    right = [name == sitter.name for name, sitter in zip(names, sitters, strict=True)]
    assert sum(right) >= 5, names
    assert {name for name, named in zip(names, right, strict=True) if not named} <= {None}
    assert answer["faces_found"] == len(answer["faces"]) >= PEOPLE


def test_everybody_of_a_group_picture_of_sixty_is_found_and_answered_for(enrolled: System) -> None:
    group = scenes.mosaic(casting.faces(60, DATA if DATA.is_dir() else None), 10, 6, 1600, 1000)
    answer = enrolled.client().recognize(encode_jpeg(group))
    cells = {(int(x // 160), int(y // 166)) for x, y in map(middle, largest(answer))}
    assert len(cells) == 60
    assert answer["faces_found"] >= len(answer["faces"]) >= 60


def largest(answer: dict) -> list[dict]:
    """Return the faces that fill their part of the picture; somebody behind them may be seen too."""
    return [face for face in answer["faces"] if face["box"]["y_max"] - face["box"]["y_min"] > 50]


@pytest.mark.slow
def test_more_faces_than_are_answered_for_are_counted(make_system: Callable[..., System], collins: Frame) -> None:
    system = make_system(MAX_FACES="4").up()
    row = np.hstack([cv2.resize(collins[:250, 100:350], (200, 200))] * 7)
    answer = system.client().recognize(encode_jpeg(row))
    assert (len(answer["faces"]), answer["faces_found"]) == (4, 7)
