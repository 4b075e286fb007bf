"""Going on with a training whose edgerec.toml or database has changed since."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from edgerec.cli import main
from edgerec.datasets import write_generated_database
from tests.trained import interactions

FAST = ["--max-epochs", "1", "--embedding-dim", "4", "--n-history", "8"]
TRAIN = ["train", "edgerec.toml", *FAST]


@pytest.fixture
def trained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_generated_database(tmp_path / "movies.db", interactions())
    assert main(["init", "sqlite:///movies.db"]) == 0
    assert main(TRAIN) == 0


def test_settings_that_changed_are_named(trained: None, capsys: pytest.CaptureFixture[str]) -> None:
    before = Path("models/edgerec.onnx").read_bytes()
    assert main([*TRAIN, "--resume"]) == 0
    assert Path("models/edgerec.onnx").read_bytes() == before
    assert main(["train", "edgerec.toml", "--resume"]) == 1
    assert (
        "error: models/edgerec.training was trained with other settings: n_history was 8 and is "
        "200, embedding.embedding_dim was 4 and is 32, network.max_epochs was 1 and is 16. "
        "Resume with the same ones, or train without resume."
    ) in capsys.readouterr().err


def test_features_that_changed_are_named(trained: None, capsys: pytest.CaptureFixture[str]) -> None:
    with closing(sqlite3.connect("movies.db")) as connection, connection:
        (last,) = connection.execute("SELECT max(movieId) FROM ratings").fetchone()
        connection.execute("UPDATE movies SET genres = 'Jazz' WHERE movieId = ?", [last])
    assert main([*TRAIN, "--resume"]) == 1
    said = capsys.readouterr().err
    assert "error: models/edgerec.training was trained on " in said
    assert " features of each item; now there are " in said
