"""The samplers that edgerec.toml names."""

import sqlite3
from collections import Counter
from contextlib import closing
from itertools import pairwise
from pathlib import Path

import pytest

from edgerec.cli import main
from edgerec.declared.capabilities import declared_rec_sys
from edgerec.declared.settings import train_settings
from edgerec.recsys import Sample

N_USERS, N_ITEMS = 30, 20


@pytest.fixture(autouse=True)
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Everybody takes item 0 and two more; half of the users were shown items."""
    monkeypatch.chdir(tmp_path)
    taken = [
        (user, f"i{item:02}", 100 + time)
        for user in range(N_USERS)
        for time, item in enumerate((0, 1 + user % 5, 6 + user % 7))
    ]
    shown = [
        (user, f"i{item:02}", 90 + item) for user in range(0, N_USERS, 2) for item in range(N_ITEMS)
    ]
    # Nobody knows this one otherwise.
    shown.append((N_USERS, "i01", 5))
    with closing(sqlite3.connect("shop.db")) as connection, connection:
        for table, rows in (("taken", taken), ("shown", shown)):
            connection.execute(f"CREATE TABLE {table} (who INTEGER, what TEXT, at INTEGER)")
            connection.executemany(f"INSERT INTO {table} VALUES (?, ?, ?)", rows)


def declare(label: str, more: str = "") -> None:
    columns = 'user_id = "who"\nitem_id = "what"\ntimestamp = "at"\n'
    Path("edgerec.toml").write_text(
        f'[database]\nurl = "sqlite:///shop.db"\n[interactions]\ntable = "taken"\n{columns}'
        f'[label]\nrule = "taken"\n{label}\n{more}'
    )


def drawn(label: str, more: str = "") -> list[Sample]:
    declare(label, more)
    samples = list(declared_rec_sys("edgerec.toml").sample_generator())
    assert samples == list(declared_rec_sys("edgerec.toml").sample_generator())
    taken = {(one.user_id, one.item_id) for one in samples if one.label == 1}
    assert len(taken) == 3 * N_USERS
    negatives = [one for one in samples if one.label == 0]
    assert not taken & {(one.user_id, one.item_id) for one in negatives}
    assert all(one.value is None for one in negatives)
    assert all(
        first.timestamp <= second.timestamp
        for first, second in pairwise(samples)
        if first.user_id == second.user_id
    )
    return negatives


SHOWN = '[impressions]\ntable = "shown"\nuser_id = "who"\nitem_id = "what"\ntimestamp = "at"\n'


@pytest.mark.parametrize("sampler", ["uniform", "popularity", "in_batch"])
def test_a_sampler_draws_its_ratio_of_what_was_not_taken(sampler: str) -> None:
    negatives = drawn(f'negatives = "{sampler}"\nn_negatives = 2')
    assert Counter(one.user_id for one in negatives) == dict.fromkeys(range(N_USERS), 6)


def test_popular_items_are_drawn_more_often_where_it_is_asked() -> None:
    def share_of_popular(label: str) -> float:
        negatives = drawn(f"{label}\nn_negatives = 20")
        total = sum(one.weight for one in negatives)
        return sum(one.weight for one in negatives if str(one.item_id) < "i06") / total

    even, popular = (share_of_popular(f'negatives = "{one}"') for one in ("uniform", "popularity"))
    corrected = share_of_popular('negatives = "popularity"\npopularity_correction = true')
    assert popular > even + 0.02
    assert abs(corrected - even) < 0.02


def test_a_correction_draws_the_ratio_and_weighs_it() -> None:
    negatives = drawn('negatives = "popularity"\nn_negatives = 2\npopularity_correction = true')
    assert Counter(one.user_id for one in negatives) == dict.fromkeys(range(N_USERS), 6)
    taken = Counter(item for user in range(N_USERS) for item in (0, 1 + user % 5, 6 + user % 7))
    evenly = sum(count**0.75 for count in taken.values()) / len(taken)
    expected = [evenly / taken[int(str(one.item_id)[1:])] ** 0.75 for one in negatives]
    assert [one.weight for one in negatives] == pytest.approx(expected)


def test_impressions_give_what_was_seen_and_not_taken() -> None:
    negatives = drawn('negatives = "impressions"\nn_negatives = 2', SHOWN)
    counts = Counter(one.user_id for one in negatives)
    assert counts == dict.fromkeys(range(0, N_USERS, 2), 6)
    assert all(one.timestamp == 90 + int(str(one.item_id)[1:]) for one in negatives)


def test_a_sampler_that_is_named_implies_the_objective_that_needs_it() -> None:
    for label, objective in (("", "top"), ('negatives = "uniform"', "samples")):
        declare(label)
        rec_sys = declared_rec_sys("edgerec.toml")
        assert train_settings(rec_sys.configuration).objective == objective


def test_impressions_without_their_table_are_a_sentence(capsys) -> None:
    declare('negatives = "impressions"')
    assert main(["train", "edgerec.toml"]) == 1
    assert "a section [impressions]" in capsys.readouterr().err


def test_a_column_of_the_impressions_that_is_not_there_is_named(capsys) -> None:
    declare('negatives = "impressions"', SHOWN.replace('"what"', '"whta"'))
    assert main(["train", "edgerec.toml"]) == 1
    assert "table 'shown' has no column 'whta'" in capsys.readouterr().err
