"""[context] in edgerec.toml: the time of a row, and columns of its table."""

import math
import sqlite3

import pytest

from edgerec.context import ContextColumns
from edgerec.declared.capabilities import declared_rec_sys
from edgerec.declared.reading import read_configuration
from edgerec.declared.schema import interaction_names
from edgerec.errors import ConfigurationError
from edgerec.evaluate.evaluation_rows import table_rows
from edgerec.evaluate.prequential import Row, questions

HOUR, DAY = 3600, 86_400
MONDAY = 1_700_438_400
"""the 20th of November 2023, 0:00 UTC"""


@pytest.fixture
def shop(tmp_path):
    """Three purchases in a database, and a function that declares a context of them."""
    database = tmp_path / "shop.db"
    with sqlite3.connect(database) as connection:
        connection.execute("CREATE TABLE bought (user, item, rating, at, is_phone)")
        connection.execute("CREATE TABLE tested (user, item, rating, at)")
        rows = [
            (1, 7, 5.0, MONDAY + 6 * HOUR, 1.0),
            (1, 8, 1.0, MONDAY + 6 * HOUR, 0.0),
            (2, 7, 4.0, MONDAY + DAY, None),
        ]
        connection.executemany("INSERT INTO bought VALUES (?, ?, ?, ?, ?)", rows)
    connection.close()

    def declare(context, more=""):
        path = tmp_path / "edgerec.toml"
        path.write_text(
            f"""
[database]
url = "sqlite:///{database}"
[interactions]
table = "bought"
user_id = "user"
item_id = "item"
value = "rating"
timestamp = "at"
[label]
rule = "above"
above = 3.5
[context]
{context}
{more}
"""
        )
        return path

    return declare


BOTH = """
time = ["hour", "weekday"]
columns = [{ column = "is_phone", default = 0.5 }]
"""


def test_samples_have_the_context_of_their_rows(shop):
    rec_sys = declared_rec_sys(shop(BOTH))
    assert rec_sys.get_context_defaults() == {
        "hour_sin": 0.0,
        "hour_cos": 0.0,
        "weekday_sin": 0.0,
        "weekday_cos": 0.0,
        "is_phone": 0.5,
    }
    first, second, third = (one.context for one in rec_sys.sample_generator())
    assert first == (1.0, 0.0, 0.0, 1.0, 1.0)
    assert second == (1.0, 0.0, 0.0, 1.0, 0.0)
    turn = 2 * math.pi / 7
    assert third[:4] == pytest.approx((0, 1, math.sin(turn), math.cos(turn)))
    assert math.isnan(third[4])


def test_negatives_have_the_context_of_what_was_taken(shop):
    path = shop('time = ["hour"]\ncolumns = [{ column = "is_phone", default = 0 }]')
    text = path.read_text().replace('rule = "above"\nabove = 3.5', 'rule = "taken"')
    path.write_text(text.replace("[context]", 'negatives = "uniform"\n[context]'))
    contexts = {}
    for one in declared_rec_sys(path).sample_generator():
        contexts.setdefault(one.label, set()).add(str(one.context))
    assert contexts[0.0] <= contexts[1.0]


@pytest.mark.parametrize(
    ("context", "sentence"),
    [
        ('columns = [{ column = "is_fone", default = 0.5 }]', "has no column 'is_fone'"),
        ('columns = [{ column = "is_phone" }]', "default"),
        ('time = ["hour", "hour"]', "times and columns that are named once each"),
        ('time = ["minute"]', "hour"),
    ],
)
def test_mistakes_are_named(shop, context, sentence):
    with pytest.raises(ConfigurationError, match=sentence):
        declared_rec_sys(shop(context))


def test_a_test_table_needs_the_columns_too(shop):
    path = shop(BOTH, '[evaluation]\ntest_table = "tested"')
    with pytest.raises(ConfigurationError, match="'tested' has no column 'is_phone'"):
        declared_rec_sys(path)


class Scorer:
    n_history, user_id_type, item_id_type = 5, "int64", "int64"

    def catalogue(self):
        return [7, 8]


def test_each_test_row_is_asked_about_in_its_own_context(shop):
    configuration = read_configuration(shop(BOTH))
    names = interaction_names(configuration)
    rows = list(table_rows(configuration.database.url, "bought", names))
    assert all(isinstance(row, Row) for row in rows)
    asked = [(one.item_ids, one.context[4]) for one in questions(Scorer(), rows[:2])]
    assert asked == [([7], 1.0), ([8], 0.0)]
    plain = table_rows(configuration.database.url, "bought", names.without_context())
    assert [row.context for row in plain] == [(), (), ()]


def test_hours_turn_once_a_day():
    of = ContextColumns(("hour",)).row
    assert of(MONDAY, ()) == of(MONDAY + DAY, ()) == (0.0, 1.0)
    assert of(-1, ())[1] == pytest.approx(1, abs=1e-6)
