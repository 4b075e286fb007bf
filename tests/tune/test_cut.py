"""A validation cut trains on some interactions and measures on the others, by either rule."""

import dataclasses
import random
import sqlite3
from pathlib import Path

import pytest

from edgerec.cli import main
from edgerec.declared.reading import read_configuration
from edgerec.declared.settings import train_settings
from edgerec.errors import ConfigurationError
from edgerec.tune.cut import CutRule, ValidationCut
from tests.toy import SETTINGS

N_USERS, N_ITEMS, N_EACH = 30, 26, 12
CONFIGURATION = """
[database]
url = "sqlite:///{database}"
[interactions]
table = "plays"
user_id = "who"
item_id = "what"
timestamp = "at"
{value}
[label]
{label}
[training]
n_folds = 2
held_out_share = 0.2
[training.embedding]
embedding_dim = 4
[training.network]
hidden_layer_sizes = [8]
max_epochs = 2
"""
RULES = {
    "above": ('value = "stars"', 'rule = "above"\nabove = 3'),
    "taken": ("", 'rule = "taken"\nn_negatives = 2'),
}


@pytest.fixture(params=sorted(RULES))
def configured(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[str, Path]:
    """Write plays in which even users like even items, and a configuration over them."""
    database, path = tmp_path / "plays.db", tmp_path / "edgerec.toml"
    connection = sqlite3.connect(database)
    connection.execute("CREATE TABLE plays (who INTEGER, what INTEGER, stars REAL, at INTEGER)")
    for user in range(N_USERS):
        # Where what is taken says all, even users take even items alone.
        there = range(user % 2, N_ITEMS, 2) if request.param == "taken" else range(N_ITEMS)
        for number, item in enumerate(random.Random(user).sample(there, N_EACH)):
            stars = 5.0 if (user + item) % 2 == 0 else 1.0
            connection.execute(
                "INSERT INTO plays VALUES (?, ?, ?, ?)", (user, item, stars, 1000 * number + user)
            )
    connection.commit()
    connection.close()
    value, label = RULES[request.param]
    path.write_text(CONFIGURATION.format(database=database, value=value, label=label))
    return request.param, path


def test_rows_are_trained_on_or_measured_on(configured: tuple[str, Path]) -> None:
    rule, path = configured
    cut = ValidationCut(read_configuration(path), CutRule(fraction=0.25))
    assert (cut.n_rows, cut.n_training_rows) == (N_USERS * 3, N_USERS * 9)
    trained = [sample for sample in cut.rec_sys.sample_generator() if sample.label == 1]
    if rule == "taken":
        # By each user's time: the last three of twelve are held out.
        assert len(trained) == N_USERS * 9
        assert max(sample.timestamp for sample in trained) < 9000
    small = {name: getattr(SETTINGS, name) for name in ("n_folds", "embedding", "network")}
    settings = dataclasses.replace(train_settings(read_configuration(path)), **small)
    quality, measured = cut.quality(settings, cut.metric)
    if rule == "above":
        assert quality == (measured["auc"] + measured["gauc"]) / 2
        assert measured["auc"] > 0.7
    else:
        assert quality == measured["ndcg"]
        assert set(measured) == {"ndcg", "recall", "coverage"}


def test_what_is_held_out_is_nowhere_in_the_samples(configured: tuple[str, Path]) -> None:
    _rule, path = configured
    whole = ValidationCut(read_configuration(path), CutRule(by="user", fraction=0.3))
    users = {sample.user_id for sample in whole.rec_sys.sample_generator()}
    assert len(users) == N_USERS * 0.7
    assert whole.n_rows == N_USERS * 0.3 * N_EACH


def test_the_command_searches_prints_and_goes_on(
    configured: tuple[str, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    rule, path = configured
    before = path.read_text()
    assert main(["tune", str(path), "--trials", "2"]) == 0
    out, err = capsys.readouterr()
    metric = {"above": "auc+gauc", "taken": "ndcg"}[rule]
    assert metric in out and "start" in out
    assert f"validating on {N_USERS * 2} interactions held out by user-time" in err
    assert main(["tune", str(path), "--trials", "2"]) == 0
    again, err = capsys.readouterr()
    assert again == out
    assert "trial" not in err.replace("trials are kept", "")
    assert path.read_text() == before
    assert main(["tune", str(path), "--trials", "2", "--by", "user"]) == 1
    assert "is the record of another search: its cut, interactions differ" in " ".join(
        capsys.readouterr().err.split()
    )


def test_mistakes_are_sentences(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["tune", "my_shop:Shop"]) == 1
    assert capsys.readouterr().err.strip() == (
        "error: edgerec tune takes an edgerec.toml, but was given 'my_shop:Shop'. For a class, "
        "call edgerec.tune.tune with a function that trains and measures."
    )
    assert main(["tune", "edgerec.toml", "--trials", "0"]) == 1
    assert "--trials is 0; expected 1 or more" in capsys.readouterr().err


@pytest.mark.parametrize("configured", ["taken"], indirect=True)
def test_impressions_are_refused(configured: tuple[str, Path]) -> None:
    _rule, path = configured
    shown = '[impressions]\ntable = "plays"\nuser_id = "who"\nitem_id = "what"\ntimestamp = "at"\n'
    text = path.read_text().replace('rule = "taken"', 'rule = "taken"\nnegatives = "impressions"')
    path.write_text(text + shown)
    with pytest.raises(ConfigurationError) as raised:
        ValidationCut(read_configuration(path), CutRule())
    assert str(raised.value) == (
        "edgerec tune cannot hold rows out of [impressions]: what a user takes in the rows to "
        "validate on would be learned as seen and not taken. Leave [impressions] and "
        "label.negatives out while tuning."
    )
