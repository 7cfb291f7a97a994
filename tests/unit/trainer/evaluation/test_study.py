import json
from pathlib import Path

import cv2
import numpy as np
import pytest

import portraits
from familiar.seeing.image import Frame
from familiar_trainer.evaluation.__main__ import EXIT_FAILED, EXIT_OK, main


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One person with eight simulated shots, a stranger, and a picture of nobody."""
    root = tmp_path_factory.mktemp("people")
    shots = {"collins": [_shot(portraits.frame("Eileen Collins"), seed) for seed in range(8)]}
    shots["hopper"] = [_shot(portraits.frame("Grace Hopper"), 0)]
    shots["wall"] = [np.full((200, 200, 3), 128, np.uint8)]
    for name, frames in shots.items():
        (root / name).mkdir()
        for number, frame in enumerate(frames):
            cv2.imwrite(str(root / name / f"{number}.jpg"), cv2.cvtColor(frame, cv2.COLOR_RGB2BGR))
    return root


def _shot(frame: Frame, seed: int) -> Frame:
    rng = np.random.default_rng(seed)
    matrix = cv2.getRotationMatrix2D((256.0, 200.0), rng.uniform(-8, 8), rng.uniform(0.8, 1.0))
    moved = cv2.warpAffine(frame, matrix, (512, 512), borderMode=cv2.BORDER_REPLICATE)
    return np.clip(moved * rng.uniform(0.7, 1.1) + rng.normal(0, 3, moved.shape), 0, 255).astype(np.uint8)


def test_one_command_measures_a_folder_and_writes_tables_charts_and_json(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = [
        "--min-gallery=8",
        "--learn=5",
        "--seeds=1",
        "--draws=1",
        "--no-peers",
        "--imagenet=none",
        "--pairs=none",
    ]
    places = [f"--data={folder}", f"--out={tmp_path / 'out'}", f"--cache={tmp_path / 'cache'}"]
    assert main([*options, *places]) == EXIT_OK
    results = json.loads((tmp_path / "out" / "results.json").read_text())
    assert (results["people"], results["pictures"], results["enrolled"], results["strangers"]) == (3, 10, 1, 2)
    rows = {(row["pipeline"], row["head"]): row for row in results["identification"]}
    ours = rows["face_resnet, aligned faces", "Familiar"]
    assert ours["rank_1"]["mean"] == 1
    assert ours["auroc"]["mean"] == 1
    assert [row["target"] for row in ours["calibrated"]] == [0.01, 0.001, 0.0001]
    assert ours["calibrated"][1]["fpir"]["mean"] == 0
    assert {head for _, head in rows} == {"Familiar", "class means", "1-NN", "softmax"}
    assert results["losses"][0]["no_face"] == pytest.approx(0.1)
    assert [row["people"] for row in results["promise"]] == [1, 1]
    text = (tmp_path / "out" / "tables.md").read_text()
    assert text in capsys.readouterr().out
    assert "| face_resnet, aligned faces | Familiar | 100.0" in text
    for name in ("det.png", "scores.png"):
        assert cv2.imread(str(tmp_path / "out" / name)) is not None


def test_data_that_does_not_suffice_is_told_in_a_sentence(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--data", str(tmp_path / "none"), "--cache", str(tmp_path)]) == EXIT_FAILED
    assert "is no folder" in capsys.readouterr().err
    assert main(["--data", str(folder), "--min-gallery=50", "--cache", str(tmp_path)]) == EXIT_FAILED
    assert "--min-gallery" in capsys.readouterr().err
