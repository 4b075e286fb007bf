"""The whole path on real data, by the commands, and its quality through the exported file."""

import json
import os
from pathlib import Path

import pytest

from edgerec.cli import main
from edgerec.datasets import find_movielens, write_movielens_database

MASKS = Path(os.environ.get("EDGEREC_DATA", "")) / "ml-latest-small" / "splits.npz"


@pytest.mark.skipif(
    "EDGEREC_DATA" not in os.environ or not MASKS.is_file(),
    reason="EDGEREC_DATA names no folder with MovieLens and its splits.npz",
)
def test_on_users_that_training_never_saw(tmp_path, monkeypatch, capsys):
    found = find_movielens()
    assert found is not None
    write_movielens_database(found, tmp_path / "movielens.db")
    url = f"sqlite:///{tmp_path / 'movielens.db'}"
    model = str(tmp_path / "movielens.onnx")
    monkeypatch.setenv("EDGEREC_DATABASE", url)
    monkeypatch.chdir(Path(__file__).parents[2])
    assert main(["split", url, "--table", "ratings", "--by", f"{MASKS}:U"]) == 0
    recommender = "examples.movielens.movielens:MovieLens"
    assert main(["train", recommender, "--output", model, "--no-report"]) == 0
    capsys.readouterr()
    assert main(["evaluate", model, url, "--test-table", "ratings_test", "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["n_samples"] == 14_552
    # User mean + item mean reach .794 / .705; what is far above .83 / .75 would be a leak.
    assert 0.803 <= result["auc"] <= 0.84
    assert 0.712 <= result["gauc"] <= 0.77
