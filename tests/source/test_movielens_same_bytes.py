"""MovieLens by an unedited draft: good on unseen users, the same file from every database."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy

from edgerec.cli import main
from edgerec.datasets import find_movielens, write_movielens_database
from tests.end_to_end.test_movielens_quality import MASKS
from tests.source.conftest import BACKENDS, Database

TABLES = ("movies", "ratings_train", "ratings_test")


@pytest.mark.skipif(not MASKS.is_file(), reason="EDGEREC_DATA names no folder with MovieLens")
def test_a_draft_for_movielens(
    new_database: Callable[[str], Database],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    found = find_movielens()
    assert found is not None
    databases = {backend: new_database(backend) for backend in BACKENDS}
    first = databases["sqlite"]
    write_movielens_database(found, first.name)
    assert main(["split", first.url, "--table", "ratings", "--by", f"{MASKS}:U"]) == 0
    assert main(["init", first.url]) == 0
    draft = Path("edgerec.toml").read_text("utf-8")
    capsys.readouterr()
    assert main(["train", "edgerec.toml", "--json", "--no-report"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["n_samples"] == 14_552
    # What is far above would be a leak.
    assert 0.805 <= result["auc"] <= 0.85
    assert 0.715 <= result["gauc"] <= 0.78
    # Every stage once more on each database, each shorter, and with every film but an eighth of the
    # users: what they read decides the bytes.
    with first.raw.connect() as connection:
        for table in ("ratings_train", "ratings_test"):
            connection.execute(sqlalchemy.text(f"DELETE FROM {table} WHERE userId % 8 > 0"))
        connection.commit()
    unmeasured, evaluation = draft.split("\n[evaluation]\n")
    assert "ratings_test" in evaluation
    short = unmeasured.replace("[training.embedding]", "[training.embedding]\nepochs = 1")
    assert short != unmeasured
    written = {}
    for backend in BACKENDS:
        database = databases[backend]
        if database is not first:
            copy_tables(first, database)
        Path("edgerec.toml").write_text(short.replace(first.url, database.url), "utf-8")
        options = ("--no-report", "--n-history", "20", "--max-epochs", "1")
        assert main(["train", "edgerec.toml", *options]) == 0
        written[backend] = Path("models/edgerec.onnx").read_bytes()
    assert written["mariadb"] == written["sqlite"]
    assert written["postgresql"] == written["sqlite"]


def copy_tables(first: Database, other: Database) -> None:
    """Copy the rows as they are, in another order."""
    with first.raw.connect() as reading, other.raw.connect() as writing:
        for name in TABLES:
            table = sqlalchemy.Table(name, sqlalchemy.MetaData(), autoload_with=reading)
            rows = [dict(row) for row in reading.execute(table.select()).mappings()]
            table.create(writing)
            writing.execute(table.insert(), rows[::-1])
        writing.commit()
