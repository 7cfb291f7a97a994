from pathlib import Path

import numpy as np
import pytest

from familiar_trainer.evaluation.pictures import People, Picture, UnusableData
from familiar_trainer.evaluation.split import eligible, split, strangers_to, was_fitted

COUNTS = {"ada": 6, "bob": 5, "carl": 1, "dora": 2, "zoe": 6}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, count in COUNTS.items():
        (tmp_path / name).mkdir()
        for number in range(1, count + 1):
            (tmp_path / name / f"{name}_{number:04d}.jpg").write_bytes(f"{name}{number}".encode())
        (tmp_path / name / "notes.txt").write_text("no picture")
    (tmp_path / "stray.jpg").write_bytes(b"of nobody")
    return tmp_path


def test_every_picture_of_a_persons_folder_is_found(folder: Path) -> None:
    people = People.read(folder)
    assert {name: len(places) for name, places in people.of.items()} == COUNTS
    assert len({picture.content for picture in people.pictures}) == sum(COUNTS.values())


def test_initials_choose_people(folder: Path) -> None:
    assert set(People.read(folder, "A-C").of) == {"ada", "bob", "carl"}
    assert set(People.read(folder, "az").of) == {"ada", "zoe"}


def test_a_folder_without_pictures_is_named(tmp_path: Path) -> None:
    with pytest.raises(UnusableData, match="no pictures"):
        People.read(tmp_path)
    with pytest.raises(UnusableData, match="no folder"):
        People.read(tmp_path / "nowhere")


def test_nobody_is_asked_about_with_a_picture_the_head_learned_from(folder: Path) -> None:
    people = People.read(folder)
    enrolled = eligible(people, 5)
    assert enrolled == ["ada", "bob", "zoe"]
    strangers = strangers_to(people, enrolled)
    assert {people.pictures[place].person for place in strangers} == {"carl", "dora"}
    first, again, other = (split(people, enrolled, 4, strangers, seed) for seed in (0, 0, 1))
    assert set(first.learn).isdisjoint(first.probes)
    assert np.bincount(first.learn_person).tolist() == [4, 4, 4]
    assert np.bincount(first.probe_person).tolist() == [2, 1, 2]
    for places, person in ((first.learn, first.learn_person), (first.probes, first.probe_person)):
        assert [people.pictures[place].person for place in places] == [first.people[i] for i in person]
    assert first.learn.tolist() == again.learn.tolist() != other.learn.tolist()


def test_too_few_pictures_are_told(folder: Path) -> None:
    people = People.read(folder)
    with pytest.raises(UnusableData, match="bob has 5 pictures"):
        split(people, eligible(people, 5), 5, np.zeros(0, np.intp), 0)
    with pytest.raises(UnusableData, match="min-gallery"):
        split(people, eligible(people, 99), 5, np.zeros(0, np.intp), 0)


def test_whom_the_cohort_was_fitted_to_is_never_asked_about(tmp_path: Path) -> None:
    def fitted(names: list[str], pictures: int, stem: str = "{name}_{number:04d}") -> float:
        people = People(
            tuple(
                Picture(name, tmp_path / f"{stem.format(name=name, number=number)}.jpg")
                for name in names
                for number in range(1, pictures + 1)
            )
        )
        return float(np.mean([was_fitted(people, name) for name in names]))

    names = [f"Jean-Marc_X{i}" for i in range(1000)]
    assert 0.4 < fitted(names, 3) < 0.5
    assert fitted(names, 20) == 0
    assert fitted(names, 3, "{number}") == 0
    assert fitted([f"Nora_X{i}" for i in range(200)], 3) == 0


def test_pairs_are_read_in_both_forms_and_cut_into_folds(folder: Path, tmp_path: Path) -> None:
    people = People.read(folder)
    file = tmp_path / "pairs.txt"
    file.write_text("2\t2\nada\t1\t2\nbob\t1\t5\nada\t1\tbob\t2\ncarl\t1\tzoe\t6\nNobody\t1\tada\t1\n")
    pairs = people.pairs(file, folds=2)
    named = [
        (people.pictures[pair.first].path.stem, people.pictures[pair.second].path.stem, pair.same, pair.fold)
        for pair in pairs
    ]
    assert named == [
        ("ada_0001", "ada_0002", True, 0),
        ("bob_0001", "bob_0005", True, 1),
        ("ada_0001", "bob_0002", False, 0),
        ("carl_0001", "zoe_0006", False, 1),
    ]
    file.write_text("ada 1 2 3 4\n")
    with pytest.raises(UnusableData, match="not a pair"):
        people.pairs(file)
