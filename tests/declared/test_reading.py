import dataclasses
from pathlib import Path

import pytest

from edgerec.config import TOP_NETWORK
from edgerec.declared.features import feature_rules
from edgerec.declared.reading import database_url, read_configuration
from edgerec.declared.settings import train_settings
from edgerec.errors import ConfigurationError
from edgerec.features.tabular import Condition

WHOLE = """\
[database]
url = "sqlite:///shop.db"

[interactions]
table = "ratings"
user_id = "userId"
item_id = "movieId"
timestamp = "timestamp"
value = "rating"

[label]
rule = "above"
above = 3.5

[items]
table = "movies"
id = "movieId"

[[items.features]]
column = "genres"
kind = "multi_hot"
separator = "|"
"""


def read(folder: Path, text: str):
    path = folder / "edgerec.toml"
    path.write_text(text)
    return read_configuration(path)


def test_a_whole_file_is_read_with_its_defaults(tmp_path: Path) -> None:
    configuration = read(tmp_path, WHOLE)
    assert configuration.items.features[0].options == {"separator": "|"}
    assert train_settings(configuration).n_history == 200
    assert configuration.export.path == "models/model.onnx"


def test_the_objective_decides_what_is_not_declared(tmp_path: Path) -> None:
    declared = '\n[training]\nobjective = "top"\n'
    settings = train_settings(read(tmp_path, WHOLE + declared))
    assert (settings.n_history, settings.n_compared, settings.n_neighbours) == (1000, 100, 50)
    assert settings.network == TOP_NETWORK
    declared += "n_history = 20\n[training.network]\nalpha = 2.0\n"
    settings = train_settings(read(tmp_path, WHOLE + declared))
    assert settings.n_history == 20
    assert settings.network == dataclasses.replace(TOP_NETWORK, alpha=2.0)


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("timestamp =", "timestmp =", r"line 8: interactions.timestmp is an unknown key. Did you"),
        ("[label]", "[lable]", "lable is an unknown key. Did you mean label?"),
        ('table = "ratings"\n', "", r"line 4: interactions.table is missing \(expected: table of"),
        ("above = 3.5", 'above = "x"', r"line 13: label.above must be a valid number, but is 'x'"),
        ('"above"', '"abov"', r"line 12: label.rule must be 'above' or 'taken', but is 'abov'"),
        ('kind = "multi_hot"\n', "", r"line 19: items.features\[0\].kind is missing"),
        ("above = 3.5\n", "", 'label.above is missing, which the rule "above" compares with'),
        ('value = "rating"\n', "", 'the rule "above" needs interactions.value'),
        (
            'column = "genres"\n',
            "",
            r"line 19: items.features\[0\] must be a rule with either column or columns",
        ),
        (
            'separator = "|"',
            'when = {column = "kind", operator = "like"}',
            r"items.features\[0\].when.operator must be '==', '!=', .* but is 'like'",
        ),
        ("[label]", "[label", "is no TOML"),
        (
            "[label]",
            '[export]\npath = "m.bin"\n[label]',
            "export.path must be the file; its name ends in .onnx, but is 'm.bin'",
        ),
    ],
)
def test_a_mistake_names_its_line_and_what_was_meant(
    old: str, new: str, sentence: str, tmp_path: Path
) -> None:
    with pytest.raises(ConfigurationError, match=sentence):
        read(tmp_path, WHOLE.replace(old, new, 1))


def test_a_file_that_is_not_there_names_the_command_that_writes_one(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="`edgerec init DATABASE_URL` writes a draft"):
        read_configuration(tmp_path / "none.toml")


def test_a_password_comes_from_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    configuration = read(
        tmp_path, WHOLE.replace("sqlite:///shop.db", "mysql://me:${SECRET}@host/shop")
    )
    monkeypatch.setenv("SECRET", "pass")
    assert database_url(configuration) == "mysql://me:pass@host/shop"
    monkeypatch.delenv("SECRET")
    with pytest.raises(ConfigurationError, match="environment variable SECRET, which is not set"):
        database_url(configuration)


def test_a_rule_of_several_columns_with_a_condition(tmp_path: Path) -> None:
    rule = """
[[items.features]]
columns = ["north", "south"]
kind = "normalize"
norm = "l1"
when = {column = "sold", operator = "in", value = [1, 2]}
"""
    things = read(tmp_path, WHOLE + rule).items
    made = feature_rules("items", things)[1]
    assert (made.name, made.columns) == ("north_south_normalize", ("north", "south"))
    assert made.options == {"norm": "l1"}
    assert made.when == Condition("sold", "in", [1, 2])


def test_a_condition_that_does_not_fit_names_the_rule(tmp_path: Path) -> None:
    rule = """when = {column = "sold", operator = "in", value = 1}"""
    things = read(tmp_path, WHOLE + rule).items
    sentence = r"items.features\[0\]: The value of the condition on column 'sold' must be a list"
    with pytest.raises(ConfigurationError, match=sentence):
        feature_rules("items", things)
