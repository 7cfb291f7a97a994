"""Strangers of the site are handed in, the live head gets the threshold they call for, and loses it again."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from trainer_world import DIM, Here, World, somebody

import crowd
import portraits
from familiar.errors import InvalidInput
from familiar.knowing.embedding import normalise
from familiar.records import HeadVersion, site_corrections, trainings, versions
from familiar.seeing import Observer, detectors
from familiar.servable import BackboneMeta
from familiar_trainer import strangers


def hazy(faces: np.ndarray) -> np.ndarray:
    """Return ``faces`` as a camera shows them before which all look more alike."""
    return normalise(0.6 * faces + 0.4 * crowd.STRANGERS.strangers(2_000, 9_999).mean(axis=0))


class Site:
    """A backbone that sees in the pictures of the folder, one after the other, these faces."""

    def __init__(self, faces: np.ndarray) -> None:
        self._faces = list(faces)

    def backbone(self, version: int) -> BackboneMeta:
        return BackboneMeta(crowd.BACKBONE, 150, DIM, "CC0-1.0", "0" * 64, metric=crowd.METRIC)

    def embed(self, chips: np.ndarray, version: int) -> np.ndarray:
        taken, self._faces = self._faces[: len(chips)], self._faces[len(chips) :]
        return np.stack(taken)


@pytest.fixture(scope="module")
def observer() -> Observer:
    return Observer(detectors.create("yunet"))


def folder_of(count: int, folder: Path) -> Path:
    """Return a folder with so many pictures of a face; whose it is, the backbone of the test decides."""
    folder.mkdir()
    face = cv2.resize(portraits.frame("Eileen Collins")[:300, 80:380], (160, 160), interpolation=cv2.INTER_AREA)
    data = cv2.imencode(".jpg", face[:, :, ::-1])[1].tobytes()
    for number in range(count):
        (folder / f"{number:03d}.jpg").write_bytes(data)
    return folder


def live_head(world: World) -> HeadVersion:
    with world.database.read() as session:
        row = versions.live_head(session)
        assert row is not None
        return row


def corrected(world: World) -> str:
    return str(live_head(world).meta["correction"])


def test_strangers_raise_the_threshold_of_the_live_head_until_they_are_forgotten(
    world: World, here: Here, observer: Observer, tmp_path: Path
) -> None:
    waiting = [world.enroll(f"Person {number}", hazy(somebody(number)[None])[0]) for number in range(5)]
    here.until("all are live", lambda: all(world.ended(one) == "live" for one in waiting))
    before = live_head(world)
    folder, strange = folder_of(40, tmp_path / "strangers"), hazy(crowd.STRANGERS.strangers(40, 7_000))
    far_target = world.settings.far_target

    only_checked = strangers.check(folder, world.database, Site(strange), observer, far_target, keep=False)
    assert only_checked["job"] is None
    told = strangers.check(folder, world.database, Site(strange), observer, far_target)
    assert {**told, "job": None} == only_checked
    assert told["pictures"]["people"] == told["pictures"]["used"] == 40
    assert told["site"]["times"]["value"] > 2

    here.until("the head is corrected", lambda: corrected(world))
    after = live_head(world)
    with world.database.read() as session:
        assert trainings.get(session, told["job"]).head_version == after.version
        row = site_corrections.current(session)
        assert row is not None
        assert set(row.audit) == {"pictures", "live", "site"}
        # Numbers only, and as many for a thousand strangers: nobody can be found in them.
        assert all(isinstance(value, float | int | str) for value in row.numbers.values())
    raised = after.meta["metrics"]["site"]["raised_by"]
    assert after.meta["threshold"] - before.meta["threshold"] == pytest.approx(raised, abs=1e-4)
    assert raised == pytest.approx(told["site"]["raised_by"])
    # Everybody is named as before: what it costs has not made the head "worse" than the one it replaces.
    assert all(world.named(hazy(somebody(number)[None])[0]) for number in range(5))

    assert strangers.forget(world.database) is not None
    here.until("it is forgotten", lambda: not corrected(world))
    assert live_head(world).meta["threshold"] == pytest.approx(before.meta["threshold"])
    assert live_head(world).meta["metrics"]["site"] is None
    assert strangers.forget(world.database) is None


def test_few_strangers_and_a_hardly_true_crowd_leave_all_as_it_is(
    world: World, here: Here, observer: Observer, tmp_path: Path
) -> None:
    one = world.enroll("Ada", somebody(1))
    here.until("Ada is live", lambda: world.ended(one))
    few, far_target = folder_of(29, tmp_path / "few"), world.settings.far_target
    told = strangers.check(few, world.database, Site(crowd.STRANGERS.strangers(29, 7_000)), observer, far_target)
    assert (told["site"], told["job"]) == (None, None)
    # Three loose pictures of each of twenty people, from days on which they looked a little different.
    noise = np.random.default_rng(0).standard_normal((60, DIM)).astype(np.float32) * crowd.SPREAD
    loose = normalise(np.repeat(crowd.STRANGERS.strangers(20, 7_100), 3, axis=0) + noise)
    many = folder_of(60, tmp_path / "many")
    with pytest.raises(InvalidInput, match="one folder for each person"):
        strangers.check(many, world.database, Site(loose), observer, far_target)
    with world.database.read() as session:
        assert site_corrections.current(session) is None
        assert not trainings.any_open(session)
    assert strangers.check(many, world.database, Site(loose), observer, far_target, anyway=True)["job"]


def test_what_another_backbone_saw_corrects_nothing(
    world: World, here: Here, observer: Observer, tmp_path: Path
) -> None:
    folder = folder_of(40, tmp_path / "strangers")
    strangers.check(
        folder, world.database, Site(crowd.STRANGERS.strangers(40, 7_000)), observer, world.settings.far_target
    )
    with world.database.write() as session:
        row = site_corrections.current(session)
        assert row is not None
        site_corrections.put(session, backbone_version=2, numbers=row.numbers, audit=row.audit)
    one = world.enroll("Ada", somebody(1))
    here.until("Ada is live", lambda: world.ended(one))
    assert live_head(world).meta["metrics"]["site"] is None
    assert corrected(world) == ""
