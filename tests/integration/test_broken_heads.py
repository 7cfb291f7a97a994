"""A head version that is half-written, truncated or weightless never takes the place of a good one."""

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from selection import usually
from system import System, wait_until


def truncated(good: Path, bad: Path) -> None:
    shutil.copytree(good, bad)
    graph = bad / "saved_model.pb"
    graph.write_bytes(graph.read_bytes()[: graph.stat().st_size // 2])


def without_graph(good: Path, bad: Path) -> None:
    shutil.copytree(good, bad)
    (bad / "saved_model.pb").unlink()


def empty(good: Path, bad: Path) -> None:
    bad.mkdir()


def weightless(good: Path, bad: Path) -> None:
    """A SavedModel that keeps its weights in variables/, without that folder: it loads, and fails when asked."""
    code = """
import sys, tensorflow as tf
module = tf.Module()
module.weights = tf.Variable(tf.random.normal([128, 5]))
@tf.function(input_signature=[tf.TensorSpec([None, 128], tf.float32, name="embedding")])
def serve(embedding):
    score = embedding @ module.weights
    index = tf.argsort(score, direction="DESCENDING")
    return {"index": index, "score": score, "known": tf.ones_like(score[:, 0], tf.bool)}
tf.saved_model.save(module, sys.argv[1], signatures={"serving_default": serve})
"""
    subprocess.run([sys.executable, "-c", code, str(bad)], check=True, timeout=120, capture_output=True)
    shutil.rmtree(bad / "variables")
    shutil.copytree(good / "assets.extra", bad / "assets.extra", dirs_exist_ok=True)


def a_file(good: Path, bad: Path) -> None:
    bad.write_bytes((good / "saved_model.pb").read_bytes())


WAYS = [truncated, without_graph, empty, weightless, a_file]


@pytest.mark.parametrize("breaks", usually([truncated, weightless], WAYS), ids=lambda each: each.__name__)
def test_a_broken_version_never_answers_and_the_next_good_one_does(
    breaks: Callable[[Path, Path], None], system: System, collins_id: str, webcam, collins, tmp_path: Path
) -> None:
    """The trainer would take a version away that it does not know of; it is held back until Serving has tried it."""
    client = system.client()
    probe = webcam(collins, 80, range(1))[0]
    good = client.recognize(probe)["head_version"]

    breaks(system.models / "head" / str(good), tmp_path / "broken")

    def given_up() -> bool:
        answer = client.recognize(probe)
        assert answer["head_version"] == good
        assert answer["faces"][0]["person"]["name"] == "Eileen Collins"
        return system.serving_states("head").get(good + 1) == "END"

    with system.held("trainer"):
        (tmp_path / "broken").rename(system.models / "head" / str(good + 1))
        wait_until(given_up, 60, "the broken version was tried and given up")
    frames = webcam(collins, 2 + WAYS.index(breaks), range(0, 60, 4))
    enrollment = client.enroll("Eileen Collins", frames, person_id=collins_id)
    wait_until(lambda: client.is_live(enrollment), 90, "the next head is live")
    assert client.enrollment(enrollment)["head_version"] > good + 1
    assert client.recognize(probe)["head_version"] > good + 1
    assert client.name_of(probe) == "Eileen Collins"
