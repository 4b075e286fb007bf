"""Names that the database does not have are found before anything is read."""

from pathlib import Path

import pytest

from edgerec.datasets import write_generated_database
from edgerec.declared.capabilities import declared_rec_sys
from edgerec.errors import ConfigurationError
from tests.trained import interactions

WHOLE = """\
[database]
url = "sqlite:///movies.db"

[interactions]
table = "ratings"
user_id = "userId"
item_id = "movieId"
timestamp = "timestamp"
value = "rating"

[[interactions.where]]
column = "rating"
operator = ">"
value = 0

[label]
rule = "above"
above = 3.5

[items]
table = "movies"
id = "movieId"

[[items.features]]
column = "title"
kind = "extract"
pattern = '\\((\\d{4})\\)'

[[items.features]]
column = "genres"
kind = "multi_hot"
separator = "|"

[sequences]
table = "ratings"
group = "userId"
item_id = "movieId"
timestamp = "timestamp"

[evaluation]
test_table = "ratings"
"""


@pytest.fixture(autouse=True)
def movies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_generated_database(tmp_path / "movies.db", interactions())


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        (
            'value = "rating"',
            'value = "ratting"',
            (
                "toml, line 9: interactions.value: table 'ratings' has no column 'ratting'; "
                r'its columns are "userId".* Did you mean "rating"\?'
            ),
        ),
        (
            'table = "movies"',
            'table = "movie"',
            (
                "line 21: items.table: there is no table 'movie'; the tables are \"movies\", "
                r'.* Did you mean "movies"\?'
            ),
        ),
        ('column = "genres"', 'column = "genre"', r"line 30: items.features\[1\].column: table 'm"),
        ('column = "rating"', 'column = "rated"', r"line 12: interactions.where\[0\].column: tab"),
        ('group = "userId"', 'group = "basket"', "line 36: sequences.group: table 'ratings' has n"),
        (
            'test_table = "ratings"',
            'test_table = "held"',
            "line 41: evaluation.test_table: there",
        ),
        (
            'test_table = "ratings"',
            'test_table = "movies"',
            "line 41: evaluation.test_table: table 'movies' has no column 'userId'",
        ),
        # The interactions have no such column, and only then the test table.
        ('item_id = "movieId"', 'item_id = "film"', "interactions.item_id: table 'ratings' has no"),
        (
            'kind = "multi_hot"',
            'kind = "multi_hut"',
            r"toml, line 29: items.features\[1\]: .*'multi_hut'",
        ),
    ],
)
def test_a_name_that_is_not_there(old: str, new: str, sentence: str) -> None:
    Path("edgerec.toml").write_text(WHOLE.replace(old, new, 1))
    with pytest.raises(ConfigurationError, match=sentence):
        declared_rec_sys("edgerec.toml")


def test_names_that_are_there_pass() -> None:
    Path("edgerec.toml").write_text(WHOLE)
    declared_rec_sys("edgerec.toml")
