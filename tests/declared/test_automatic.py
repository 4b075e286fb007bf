"""edgerec init --auto, on a database in which every column is known."""

import tomllib
from pathlib import Path

import pytest

from edgerec.cli import main
from edgerec.declared.reading import read_configuration
from edgerec.declared.recsys import declared_rec_sys
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
        if line.startswith(("# movies.", "# users.")):
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
        ("movies.sort", "dropped: constant"),
        ("movies.mood_code", "dropped: one-to-one with mood"),
        ("movies.percent", "dropped: a multiple of average"),
        ("movies.register", "dropped: an id in disguise: 300 values in 300 rows"),
        ("movies.barcode", "dropped: an id in disguise: 300 values in 300 rows"),
        ("movies.average", "dropped: knows the mean value of the interactions it shall predict"),
        ("movies.n_ratings", "dropped: knows the count of the interactions it shall predict"),
        ("users.own_average", "dropped: knows the mean value of the interactions it shall predict"),
        ("movies.last_rated", "own interactions: it did not exist at as_of"),
        ("movies.noise", "no gain"),
        ("movies.critics", "kept"),
    ],
)
def test_every_column_has_its_verdict(drafted: Path, column: str, reason: str) -> None:
    assert reason in verdicts(drafted)[column]


def test_the_draft_says_how_it_was_chosen_and_trains(drafted: Path) -> None:
    text = (drafted / "edgerec.toml").read_text("utf-8")
    assert "# Features by `edgerec init --auto`, random_state 0.\n" in text
    assert "with those kept: AUC .8" in text.replace("AUC 0.", "AUC .").replace("\n# ", " ")
    rec_sys = declared_rec_sys(drafted / "edgerec.toml")
    assert len(rec_sys.get_item_feature(1)) == 4  # three moods and what the critics say
    assert len(rec_sys.get_user_feature(1)) == 1


def test_the_same_data_and_seed_give_the_same_file(
    drafted: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COLUMNS", "200")  # a narrow table breaks names over lines
    url = f"sqlite:///{drafted / 'planted.db'}"
    output = tmp_path / "edgerec.toml"
    assert main(["init", url, "--auto", "--output", str(output)]) == 0
    assert output.read_bytes() == (drafted / "edgerec.toml").read_bytes()
    assert "movies.critics" in capsys.readouterr().out
    tomllib.loads(output.read_text("utf-8"))
