"""edgerec init --auto, on a database in which every column is known."""

import re
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from edgerec.cli import main
from edgerec.declared.capabilities import declared_rec_sys
from edgerec.declared.reading import read_configuration
from tests.declared.planted import write_planted_database


@pytest.fixture(scope="module")
def drafted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a database and the draft that --auto wrote of it."""
    folder = tmp_path_factory.mktemp("planted")
    write_planted_database(folder / "planted.db")
    url = f"sqlite:///{folder / 'planted.db'}"
    assert main(["init", url, "--auto", "--output", str(folder / "edgerec.toml")]) == 0
    return folder


def verdicts(folder: Path) -> dict[str, str]:
    """The last verdict of each column, from the comments."""
    found: dict[str, str] = {}
    for line in (folder / "edgerec.toml").read_text("utf-8").splitlines():
        if line.startswith(("# items.", "# users.")):
            cells = [cell.strip() for cell in line.removeprefix("# ").split("  ") if cell.strip()]
            if found.get(cells[0]) != "kept":
                found[cells[0]] = cells[-1]
    return found


def test_what_helps_is_kept_and_noise_is_not(drafted: Path) -> None:
    configuration = read_configuration(drafted / "edgerec.toml")
    assert configuration.items is not None and configuration.users is not None
    assert {one.column for one in configuration.items.features} == {"mood", "critics"}
    assert [one.column for one in configuration.users.features] == ["kindness"]


@pytest.mark.parametrize(
    ("column", "reason"),
    [
        ("items.sort", "dropped: constant"),
        ("items.mood_code", "dropped: one-to-one with mood"),
        ("items.percent", "dropped: a multiple of average"),
        ("items.register", "dropped: an id in disguise: 300 values in 300 rows"),
        ("items.barcode", "dropped: an id in disguise: 300 values in 300 rows"),
        ("items.average", "dropped: knows the mean value that it shall predict"),
        ("items.n_ratings", "dropped: knows the count that it shall predict"),
        ("users.own_average", "dropped: knows the mean value that it shall predict"),
        ("items.last_rated", "own interactions: it did not exist at as_of"),
        ("items.noise", "no gain"),
        ("items.critics", "kept"),
    ],
)
def test_every_column_has_its_verdict(drafted: Path, column: str, reason: str) -> None:
    assert reason in verdicts(drafted)[column]


def test_the_draft_says_how_it_was_chosen_and_trains(drafted: Path) -> None:
    text = (drafted / "edgerec.toml").read_text("utf-8")
    assert "# Features by `edgerec init --auto`, random_state 0.\n" in text
    assert re.search(r"with those kept: AUC 0\.[89]\d{3}, GAUC 0\.[89]", text.replace("\n# ", " "))
    rec_sys = declared_rec_sys(drafted / "edgerec.toml")
    assert len(rec_sys.get_item_feature(1)) == 4  # three moods and what the critics say
    assert len(rec_sys.get_user_feature(1)) == 1


def test_too_few_users_to_hold_out_is_said_and_the_plainest_features_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    write_planted_database(tmp_path / "planted.db")
    with closing(sqlite3.connect(tmp_path / "planted.db")) as connection, connection:
        connection.execute("DELETE FROM ratings WHERE user_id > 20")
    assert main(["init", "sqlite:///planted.db", "--auto"]) == 0
    assert "20 users are too few to hold any out, so the plainest feature of each column is" in (
        " ".join(capsys.readouterr().out.split())
    )
    configuration = read_configuration("edgerec.toml")
    assert configuration.items is not None
    kinds = {one.column: one.kind for one in configuration.items.features}
    assert kinds["critics"] == "standard" and kinds["released"] == "age"


def test_an_interrupt_writes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.chdir(tmp_path)
    write_planted_database(tmp_path / "planted.db")
    monkeypatch.setattr("edgerec.declared.auto.features.select", interrupted)
    assert main(["init", "sqlite:///planted.db", "--auto"]) == 130
    assert "interrupted" in capsys.readouterr().err
    assert not Path("edgerec.toml").exists()


def test_the_same_data_and_seed_give_the_same_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    write_planted_database(tmp_path / "planted.db")
    with closing(sqlite3.connect(tmp_path / "planted.db")) as connection, connection:
        connection.execute("DELETE FROM ratings WHERE user_id > 40")
        for column in ("critics", "noise", "released", "last_rated", "average", "percent"):
            connection.execute(f"ALTER TABLE movies DROP COLUMN {column}")
        connection.execute("ALTER TABLE users DROP COLUMN own_average")
    written = []
    for state in ("1", "1", "2"):
        given = ["--auto", "--random-state", state, "--overwrite"]
        assert main(["init", "sqlite:///planted.db", *given]) == 0
        written.append(Path("edgerec.toml").read_text("utf-8"))
    first, again, other = written
    assert first == again != other
    printed = [line for line in capsys.readouterr().out.splitlines() if line[:6] == "items."]
    commented = [line[2:] for line in other.splitlines() if line.startswith("# items.")]
    assert commented and printed[-len(commented) :] == commented
