"""A column of weights that edgerec.toml names."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from edgerec.cli import main
from edgerec.declared.capabilities import declared_rec_sys
from edgerec.recsys import Sample

COLUMNS = 'user_id = "who"\nitem_id = "what"\ntimestamp = "at"\n'
SHOWN = f'[impressions]\ntable = "shown"\n{COLUMNS}'
ABOVE = 'rule = "above"\nabove = 3'
N_USERS = 4


def weight_of(user: int, item: int) -> float | None:
    return None if item == 1 else user + item / 10


@pytest.fixture(autouse=True)
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    taken = [
        (user, item, 100 + item, 1 + (user + item) % 5, weight_of(user, item))
        for user in range(N_USERS)
        for item in range(user, user + 5)
    ]
    shown = [(user, item, 90) for user in range(N_USERS) for item in range(9)]
    with closing(sqlite3.connect("shop.db")) as connection, connection:
        connection.execute(
            "CREATE TABLE taken (who INTEGER, what INTEGER, at INTEGER, stars REAL, sure REAL)"
        )
        connection.executemany("INSERT INTO taken VALUES (?, ?, ?, ?, ?)", taken)
        connection.execute("CREATE TABLE shown (who INTEGER, what INTEGER, at INTEGER)")
        connection.executemany("INSERT INTO shown VALUES (?, ?, ?)", shown)


def declare(label: str, more: str = "", *, value: bool = True) -> None:
    stated = 'value = "stars"\n' if value else ""
    Path("edgerec.toml").write_text(
        f'[database]\nurl = "sqlite:///shop.db"\n[interactions]\ntable = "taken"\n{COLUMNS}{stated}'
        f"[label]\n{label}\n{more}"
    )


def samples(label: str, more: str = "", *, value: bool = True) -> list[Sample]:
    declare(label, more, value=value)
    return list(declared_rec_sys("edgerec.toml").sample_generator())


def expected(one: Sample) -> float:
    weight = weight_of(int(one.user_id), int(one.item_id))
    return 1.0 if weight is None else weight


@pytest.mark.parametrize(
    ("label", "more", "value"),
    [
        (ABOVE, "", True),
        ('rule = "taken"', "", True),
        ('rule = "taken"', "", False),
        ('rule = "taken"\nnegatives = "uniform"', "", True),
        ('rule = "taken"\nnegatives = "uniform"', "", False),
        ('rule = "taken"\nnegatives = "in_batch"', "", False),
        ('rule = "taken"\nnegatives = "impressions"', SHOWN, False),
    ],
)
def test_what_was_done_weighs_what_its_row_says_and_what_was_not_1(
    label: str, more: str, value: bool
) -> None:
    found = samples(f'{label}\nweight = "sure"', more, value=value)
    without = samples(label, more, value=value)
    assert [one._replace(weight=1.0) for one in found] == without
    assert {one.weight for one in without} == {1.0}
    done = [one for one in found if one.value is not None]
    assert len(done) == 5 * N_USERS
    assert [one.weight for one in done] == [expected(one) for one in done]
    assert {one.weight for one in found if one.value is None} <= {1.0}


def test_the_column_of_the_value_may_be_that_of_the_weight() -> None:
    found = samples(f'{ABOVE}\nweight = "stars"')
    assert len(found) == 5 * N_USERS
    assert all(one.weight == one.value for one in found)


def test_a_column_that_is_not_there_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    declare(f'{ABOVE}\nweight = "shure"')
    assert main(["train", "edgerec.toml"]) == 1
    said = capsys.readouterr().err
    assert "edgerec.toml, line 12: label.weight: table 'taken' has no column 'shure'; its" in said
    assert 'Did you mean "sure"?' in said


def test_a_weight_below_0_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    with closing(sqlite3.connect("shop.db")) as connection, connection:
        connection.execute("UPDATE taken SET sure = -2 WHERE who = 2 AND what = 5")
    declare(f'{ABOVE}\nweight = "sure"')
    assert main(["train", "edgerec.toml"]) == 1
    said = capsys.readouterr().err
    assert "The weight of user 2, item 5 is -2.0; it must be a finite float32 of 0 or more" in said
