import os
import sqlite3
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from edgerec.datasets import fetch_movielens, write_movielens_database
from edgerec.errors import ConfigurationError, SourceError
from edgerec.samples.split import SplitSummary, split_table
from edgerec.source import Engine, RowCondition, find_columns, open_engine

# One row a letter, in the order of (timestamp, user, item); b and c tie on the timestamp, c and
# d on the user too.
ROWS = {
    "a": ("u2", "y", 1.0, 10),
    "b": ("u1", "z", 2.0, 20),
    "c": ("u2", "x", 3.0, 20),
    "d": ("u2", "y", 4.0, 20),
    "e": ("u3", "x", 5.0, 30),
    "f": ("u1", "x", 1.5, 40),
    "g": ("u2", "w", 2.5, 50),
    "h": ("u1", "y", 3.5, 60),
    "i": ("u2", "z", 4.5, 70),
    "j": ("u1", "w", 0.5, 80),
}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "split.db"
    shuffled = [(note, *ROWS[note]) for note in "jdbhacgefi"]
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("CREATE TABLE r (note TEXT, user TEXT, item TEXT, value REAL, ts INT)")
        connection.executemany("INSERT INTO r VALUES (?, ?, ?, ?, ?)", shuffled)
        connection.commit()
    return file


def split(file: Path, by: str, **options: object) -> SplitSummary:
    engine = open_engine(f"sqlite:///{file}")
    return split_table(engine, "r", find_columns(engine, "r"), by=by, **options)  # type: ignore[arg-type]


def notes(file: Path, table: str) -> str:
    with closing(sqlite3.connect(file)) as connection:
        rows = connection.execute(f"SELECT * FROM {table}").fetchall()
    assert all(tuple(row[1:]) == ROWS[row[0]] for row in rows)
    return "".join(sorted(row[0] for row in rows))


@pytest.mark.parametrize(
    ("by", "fraction", "test"),
    [
        ("time", 0.2, "ij"),
        ("time", 0.3, "hij"),
        ("time", 0.39, "hij"),  # 6.1 rows to train on are 7
        ("time", 0.8, "cdefghij"),  # the tie of b, c and d falls between users
        ("time", 0.7, "defghij"),  # and between the items of one user
        ("user-time", 0.2, "i"),  # u1 has 4 rows, u2 has 5, u3 has 1
        ("user-time", 0.25, "ij"),
        ("user-time", 0.5, "ghij"),
        ("user-time", 0.6, "dghij"),
        ("leave-last-out", 0.2, "ij"),  # u3 has one row, which stays in training
        ("leave-last-out", 0.9, "ij"),
    ],
)
def test_the_rules_of_time(file: Path, by: str, fraction: float, test: str) -> None:
    summary = split(file, by, fraction=fraction)
    assert notes(file, "r_test") == test
    assert notes(file, "r_train") == "".join(note for note in ROWS if note not in test)
    assert (summary.n_train, summary.n_test) == (10 - len(test), len(test))


def test_a_user_is_on_one_side_only(file: Path) -> None:
    users = {"u1": "bfhj", "u2": "acdgi", "u3": "e"}
    seen = set()
    for random_state in range(20):
        summary = split(file, "user", fraction=0.4, random_state=random_state, overwrite=True)
        test = notes(file, "r_test")
        assert test in users.values()
        assert notes(file, "r_train") == "".join(note for note in ROWS if note not in test)
        assert summary.n_cold_test_users == summary.n_test_users == 1
        assert summary.n_train_users == 2
        seen.add(test)
    assert len(seen) == 3


def test_the_users_are_a_permutation_of_the_sorted_ids(file: Path) -> None:
    first = int(np.random.default_rng(7).permutation(3)[0])
    split(file, "user", fraction=0.4, random_state=7)
    assert notes(file, "r_test") == ("bfhj", "acdgi", "e")[first]


def test_random_rows_are_those_of_the_seed(file: Path) -> None:
    chosen = sorted(np.random.default_rng(3).permutation(10)[:3])
    split(file, "row", fraction=0.3, random_state=3)
    assert notes(file, "r_test") == "".join("abcdefghij"[n] for n in chosen)


def test_a_mask_is_over_the_sorted_rows(file: Path, tmp_path: Path) -> None:
    masks = tmp_path / "masks.npz"
    np.savez(masks, K=np.array([letter in "cfi" for letter in "abcdefghij"]))
    summary = split(file, f"{masks}:K")
    assert notes(file, "r_test") == "cfi"
    assert summary == SplitSummary(
        train_table="r_train",
        test_table="r_test",
        n_train=7,
        n_test=3,
        n_train_users=3,
        n_test_users=2,
        n_cold_test_users=0,
        n_test_items=2,
        n_cold_test_items=0,
    )


def test_cold_users_and_items_are_counted(file: Path, tmp_path: Path) -> None:
    masks = tmp_path / "masks.npz"
    np.savez(masks, K=np.array([letter in "egj" for letter in "abcdefghij"]))
    summary = split(file, f"{masks}:K")
    assert (summary.n_test_users, summary.n_cold_test_users) == (3, 1)
    assert (summary.n_test_items, summary.n_cold_test_items) == (2, 1)


@pytest.mark.parametrize(
    ("by", "sentence"),
    [
        ("users", "there is no rule 'users' to split by: expected user, user-time, time, row or"),
        ("{masks}", "Name one of its arrays, as in {masks}:KEY."),
        ("{masks}:X", "the mask file {masks} has no array 'X': it has short, numbers, good"),
        ("{masks}:short", 'is bool[3], expected bool[10]: one value for each row of table "r"'),
        ("{masks}:numbers", "is int64[10], expected bool[10]"),
        ("{masks}.npz:K", "there is no mask file {masks}.npz: give the path of an .npz file"),
        ("{text}:K", "the mask file {text} cannot be read"),
        ("{array}:K", "the mask file {array} cannot be read"),
        ("{pickled}:K", "the mask file {pickled} cannot be read"),
        ("{masks}:good", 'splitting the 10 rows of table "r" by {masks}:good leaves none to test'),
    ],
)
def test_a_wrong_rule_is_named(file: Path, tmp_path: Path, by: str, sentence: str) -> None:
    names = {name: tmp_path / f"{name}.npz" for name in ("masks", "text", "array", "pickled")}
    empty = np.zeros(10, dtype=bool)
    np.savez(names["masks"], short=empty[:3], numbers=np.arange(10), good=empty)
    names["text"].write_text("not an archive")
    with names["array"].open("wb") as stream:
        np.save(stream, empty)
    np.savez(names["pickled"], K=np.array([object()] * 10))
    with pytest.raises(ConfigurationError) as raised:
        split(file, by.format(**names))
    assert sentence.format(**names) in str(raised.value)


@pytest.mark.parametrize(
    ("by", "fraction", "sentence"),
    [
        ("time", 0.0, "fraction must be between 0 and 1, got 0.0"),
        ("time", 1, "fraction must be between 0 and 1, got 1"),
        ("time", 0.05, "leaves none to test on"),
        ("user", 0.2, "leaves none to test on"),
    ],
)
def test_a_fraction_that_leaves_nothing(
    file: Path, by: str, fraction: float, sentence: str
) -> None:
    with pytest.raises(ConfigurationError, match=sentence):
        split(file, by, fraction=fraction)


def test_an_empty_table_cannot_be_split(file: Path) -> None:
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("DELETE FROM r")
        connection.commit()
    for by in ("user", "user-time", "time", "row", "leave-last-out"):
        with pytest.raises(ConfigurationError, match="splitting the 0 rows"):
            split(file, by)


def test_a_split_is_not_replaced_unasked(file: Path) -> None:
    split(file, "time")
    with pytest.raises(SourceError, match='already has a table "r_train"'):
        split(file, "row")
    assert notes(file, "r_test") == "ij"


@pytest.fixture(scope="module")
def movielens(tmp_path_factory: pytest.TempPathFactory) -> tuple[Engine, dict[str, np.ndarray]]:
    if "EDGEREC_DATA" not in os.environ:
        pytest.skip("EDGEREC_DATA names no folder with MovieLens")
    folder = fetch_movielens()
    if not (folder / "splits.npz").exists():
        pytest.skip("the folder of MovieLens has no splits.npz to compare with")
    file = tmp_path_factory.mktemp("movielens") / "movielens.db"
    write_movielens_database(folder, file)
    with np.load(folder / "splits.npz") as masks:
        return open_engine(f"sqlite:///{file}"), dict(masks)


@pytest.mark.parametrize(("by", "key"), [("user-time", "T"), ("time", "G")])
def test_the_rules_are_those_of_the_published_masks(
    movielens: tuple[Engine, dict[str, np.ndarray]], by: str, key: str
) -> None:
    engine, masks = movielens
    columns = find_columns(engine, "ratings")
    split_table(engine, "ratings", columns, by=by, overwrite=True)
    file = engine.url.database
    assert file is not None
    query = "SELECT userId, movieId FROM {} ORDER BY timestamp, userId, movieId"
    with closing(sqlite3.connect(file)) as connection:
        whole = np.array(connection.execute(query.format("ratings")).fetchall())
        test = np.array(connection.execute(query.format("ratings_test")).fetchall())
        train = np.array(connection.execute(query.format("ratings_train")).fetchall())
    np.testing.assert_array_equal(test, whole[masks[key]])
    np.testing.assert_array_equal(train, whole[~masks[key]])


def test_rows_that_meet_no_condition_go_to_neither_table(file: Path) -> None:
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("INSERT INTO r VALUES ('n', NULL, 'x', 2.0, 15)")
        connection.commit()
    summary = split(
        file, "time", where=[RowCondition("user", "!=", ""), RowCondition("ts", "<", 80)]
    )
    assert (summary.n_train, summary.n_test) == (8, 1)
    assert (notes(file, "r_train"), notes(file, "r_test")) == ("abcdefgh", "i")


REPEATED = [
    # user, item, time: u1 has one event twice at his end, u2 one three times, u3 only copies.
    *[("u1", "x", 10), ("u1", "y", 20), ("u1", "y", 20)],
    *[("u2", "x", 10), ("u2", "z", 30), ("u2", "z", 30), ("u2", "z", 30), ("u2", "x", 30)],
    *[("u3", "z", 40), ("u3", "z", 40)],
]


def sides(
    folder: Path, by: str, events: list = REPEATED, **options: object
) -> tuple[list, list, SplitSummary]:
    file = folder / "repeated.db"
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("DROP TABLE IF EXISTS r")
        connection.execute("CREATE TABLE r (user TEXT, item TEXT, value REAL, ts INT)")
        rows = [(user, item, place, time) for place, (user, item, time) in enumerate(events)]
        connection.executemany("INSERT INTO r VALUES (?, ?, ?, ?)", rows)
        connection.commit()
        summary = split(file, by, overwrite=True, **options)
        found = [
            connection.execute(f"SELECT user, item, ts FROM r_{side} ORDER BY ts, user, item")
            for side in ("train", "test")
        ]
        return found[0].fetchall(), found[1].fetchall(), summary


def test_the_last_event_is_left_out_with_its_copies(tmp_path: Path) -> None:
    train, test, summary = sides(tmp_path, "leave-last-out")
    assert test == [("u1", "y", 20), ("u1", "y", 20), *[("u2", "z", 30)] * 3]
    assert sorted([*train, *test]) == sorted(REPEATED)
    assert summary.n_moved == 0


def test_identical_rows_go_where_the_first_of_them_goes(tmp_path: Path) -> None:
    # The last 3 of 10 rows begin inside of u2's three copies, which favours training.
    train, test, summary = sides(tmp_path, "time", fraction=0.3)
    assert test == [("u3", "z", 40)] * 2
    assert summary.n_moved == 1
    assert sorted([*train, *test]) == sorted(REPEATED)


@pytest.mark.parametrize("by", ["user-time", "time", "row", "leave-last-out", "mask"])
@pytest.mark.parametrize("fraction", [0.2, 0.5])
def test_no_row_has_a_copy_on_the_other_side(tmp_path: Path, by: str, fraction: float) -> None:
    for seed in range(4):
        random = np.random.default_rng([seed, int(100 * fraction)])
        events = [
            (f"u{user}", f"i{item}", int(time))
            for user, item, time in random.integers(0, 5, (80, 3))
        ]
        rule = by
        if by == "mask":
            rule = f"{tmp_path / 'masks.npz'}:K"
            np.savez(tmp_path / "masks.npz", K=random.random(80) < fraction)
        train, test, summary = sides(tmp_path, rule, events, fraction=fraction, random_state=seed)
        assert not set(train) & set(test)
        assert sorted([*train, *test]) == sorted(events)
        if by == "row":
            # Copies are moved both ways, so that the share stays what was asked for.
            assert summary.n_moved
            assert abs(summary.n_test - 80 * fraction) <= 12
