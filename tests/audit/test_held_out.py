"""Held-out rows beside samples: overlap, sequences made of them, and counts of other rows."""

import dataclasses
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from edgerec.audit.held_out import take_in_held_out
from edgerec.audit.overlap import check_overlap
from edgerec.audit.own_statistics import check_statistics
from edgerec.audit.report import Finding
from edgerec.audit.sequences import check_sequences
from edgerec.evaluate.evaluation_rows import table_rows
from edgerec.features.statistics import fit_statistics, folds
from edgerec.progress import Silent
from edgerec.recsys import Id, Sample
from edgerec.samples.split import split_table
from edgerec.source import ColumnNames, find_columns, open_engine
from tests.audit.worlds import Ratings
from tests.toy import Listed, taken_in

SAMPLES = [
    Sample(user, item, float((user + item) % 2), 10 * item, 1.0)
    for user in (3, 5, 9)
    for item in (1, 2, 4)
]


@pytest.mark.parametrize("chunk_rows", [1, 2, 1024])
@pytest.mark.parametrize(
    ("rows", "n"),
    [
        ([(3, 1, 10), (9, 4, 40)], 2),
        ([(3, 1, 11), (3, 2, 10), (5, 3, 30), (7, 1, 10)], 0),
        ([(1, 1, 10), (3, 1, 10), (4, 2, 20), (5, 2, 20), (5, 2, 20), (99, 2, 20)], 3),
    ],
)
def test_overlap_is_counted(tmp_path: Path, rows: list, n: int, chunk_rows: int) -> None:
    intake = taken_in(Listed(SAMPLES), tmp_path)
    held_out = take_in_held_out(((*row, 1.0) for row in rows), intake, tmp_path, 1024)
    finding = check_overlap(intake, held_out, chunk_rows)
    assert finding.outcome == ("failed" if n else "passed")
    assert finding.figure.startswith(f"{n} (")
    assert finding.looked_at == f"{len(rows)} held-out rows among 9 samples"


def test_the_sentence_of_an_overlap(tmp_path: Path) -> None:
    intake = taken_in(Listed(SAMPLES), tmp_path)
    held_out = take_in_held_out([(9, 4, 40, 1.0), (9, 4, 50, 1.0)], intake, tmp_path, 1024)
    assert check_overlap(intake, held_out, 1024).advice == (
        "1 of 2 held-out rows are training samples too, for example user 9, item 4 at 40. "
        "Take them out of sample_generator or out of the test, for example with `edgerec split`."
    )


def test_rows_that_repeat_must_be_kept_together(tmp_path: Path) -> None:
    """An invoice may list an item twice; a split that divides the two tells the answer."""
    invoices = [
        Sample(user, item, float(user % 2), 60 * item, 1.0)
        for user in range(40)
        for item in range(10)
        for _ in range(1 + (item == 9))
    ]
    is_test = np.random.default_rng(0).random(len(invoices)) < 0.2
    kept = [one for one, test in zip(invoices, is_test, strict=True) if not test]
    torn = [one for one, test in zip(invoices, is_test, strict=True) if test]
    intake = taken_in(Listed(kept), tmp_path)

    def checked(rows: Sequence[Sample]) -> Finding:
        keys = [(one.user_id, one.item_id, one.timestamp, one.value) for one in rows]
        held_out = take_in_held_out(keys, intake, tmp_path, 1024)
        return check_overlap(intake, held_out, 1024)

    failed = checked(torn)
    assert (failed.outcome, failed.figure) == ("failed", "16 (18.6%) are samples")
    assert failed.advice.endswith(
        "13.0% of the samples repeat another of the same user, item and time: a split must keep "
        "such rows on one side, as that command does."
    )
    together = checked([one for one in torn if one not in kept])
    assert (together.outcome, together.figure) == ("passed", "0 (0.0%) are samples")


@pytest.mark.parametrize("by", ["row", "user-time", "time", "leave-last-out"])
def test_tables_that_were_split_by_the_product_do_not_overlap(tmp_path: Path, by: str) -> None:
    random = np.random.default_rng(1)
    # Of 900 rows, most have a copy: 6 users, 8 items and 12 moments.
    rows = sorted(
        (time, user, item) for user, item, time in random.integers(0, (6, 8, 12), (900, 3))
    )
    file = tmp_path / "invoices.db"
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("CREATE TABLE r (user INT, item INT, rating REAL, timestamp INT)")
        connection.executemany(
            "INSERT INTO r VALUES (?, ?, ?, ?)",
            [(int(user), int(item), float(item % 2), int(time)) for time, user, item in rows],
        )
        connection.commit()
    engine = open_engine(f"sqlite:///{file}")
    split_table(engine, "r", find_columns(engine, "r"), by=by)
    train, test = (
        [
            Sample(row.user_id, row.item_id, float(row.value > 0), row.timestamp, row.value)
            for row in table_rows(f"sqlite:///{file}", f"r_{side}", ColumnNames(), order="user")
        ]
        for side in ("train", "test")
    )
    intake = taken_in(Listed(train), tmp_path)
    keys = [(one.user_id, one.item_id, one.timestamp, one.value) for one in test]
    held_out = take_in_held_out(keys, intake, tmp_path, 1024)
    finding = check_overlap(intake, held_out, 1024)
    assert (finding.outcome, finding.figure) == ("passed", "0 (0.0%) are samples")


@pytest.mark.parametrize("stated", [True, False])
def test_a_negative_drawn_at_the_moment_of_a_purchase_is_no_overlap(
    tmp_path: Path, stated: bool
) -> None:
    """A split divides an invoice; what is tested is drawn as a negative beside the rest of it."""
    invoice = [Sample(3, item, 1.0, 60, 1.0) for item in (1, 2)]
    drawn = [Sample(3, item, 0.0, 60, None) for item in (4, 5)]
    others = [Sample(7, item, 1.0, 70, 1.0) for item in (4, 5)]
    intake = taken_in(Listed([*invoice, *drawn, *others]), tmp_path)

    def found(*rows: tuple[Id, Id, int, float | None]) -> str:
        held_out = take_in_held_out(rows, intake, tmp_path, 1024)
        return check_overlap(intake, held_out, 1024).figure

    value = 1.0 if stated else None
    assert found((3, 4, 60, value), (3, 5, 60, value)) == "0 (0.0%) are samples"
    assert found((3, 1, 60, value), (3, 5, 60, value)) == "1 (50.0%) are samples"
    # Where rows say what was not taken, one that was trained on is found.
    assert found((3, 4, 60, None), (7, 9, 80, 1.0)) == "1 (50.0%) are samples"


def test_ids_of_another_kind_and_no_rows_overlap_nowhere(tmp_path: Path) -> None:
    intake = taken_in(Listed(SAMPLES), tmp_path)
    texts = take_in_held_out([("3", "1", 10, 1.0)], intake, tmp_path, 1024)
    assert check_overlap(intake, texts, 1024).outcome == "passed"
    assert take_in_held_out([], intake, tmp_path, 1024) is None
    finding = check_overlap(intake, None, 1024)
    assert finding.outcome == "not decidable"
    assert finding.advice.startswith("Offer evaluation_sample_generator, or name a test table")


class OfUsers(Ratings):
    """A third of the users is held out whole; sequences may be cut into baskets."""

    def __init__(self, seed: int, leaking: bool, basket: int | None = None) -> None:
        super().__init__(seed)
        self.leaking, self.basket = leaking, basket
        self.train = [one for one in self.everything if int(one.user_id) % 3]
        self.test = [one for one in self.everything if not int(one.user_id) % 3]

    def item_seq_generator(self) -> Iterator[Sequence[Id]]:
        for sequence in self.sequences(self.everything if self.leaking else self.train):
            size = self.basket or len(sequence)
            for start in range(0, len(sequence), size):
                yield sequence[start : start + size]


def sequences_checked(rec_sys: Ratings, folder: Path) -> Finding:
    intake = taken_in(rec_sys, folder)
    rows = ((one.user_id, one.item_id, one.timestamp, one.value) for one in rec_sys.test)
    held_out = take_in_held_out(rows, intake, folder, 1024)
    return check_sequences(rec_sys, intake, held_out, 0)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("basket", [None, 10])
def test_sequences_of_held_out_users(tmp_path: Path, basket: int | None, seed: int) -> None:
    assert sequences_checked(OfUsers(seed, False, basket), tmp_path).outcome == "passed"
    finding = sequences_checked(OfUsers(seed, True, basket), tmp_path)
    assert finding.outcome == "failed"
    assert "make the sequences of training rows." in finding.advice


def test_too_few_held_out_users_are_not_decidable(tmp_path: Path) -> None:
    ratings = OfUsers(0, True)
    ratings.test = [one for one in ratings.test if one.user_id == 3]
    finding = sequences_checked(ratings, tmp_path)
    assert finding.outcome == "not decidable"
    assert finding.advice == "See to it that item_seq_generator reads training rows alone."


def test_own_statistics_are_those_of_the_samples(tmp_path: Path) -> None:
    ratings = Ratings()
    intake = taken_in(ratings, tmp_path)
    fold = folds(intake.spool.n_users, 3, 0)

    def fitted(fold_of_user: np.ndarray, rec_sys: Ratings, folder: Path):  # type: ignore[no-untyped-def]
        own = taken_in(rec_sys, folder)
        n_items = len(own.item_ids)
        return fit_statistics(lambda: own.spool.blocks(1024), n_items, fold_of_user, 3, Silent())

    honest = fitted(fold, ratings, tmp_path)
    finding = check_statistics(intake, honest, fold, 1024)
    assert finding.outcome == "passed"
    n = len(ratings.train)
    assert finding.figure == f"{n:,} of {n:,} interactions counted"

    in_fold = fitted(np.zeros_like(fold), ratings, tmp_path)
    finding = check_statistics(intake, in_fold, fold, 1024)
    assert finding.outcome == "failed"
    assert "in the fit without fold 0 count " in finding.advice

    known = {sample.item_id for sample in ratings.train}
    of_all = Ratings()
    of_all.train = [one for one in of_all.everything if one.item_id in known]
    (tmp_path / "all").mkdir()
    leaking = dataclasses.replace(
        honest,
        log_count=np.vstack(
            [honest.log_count[:-1], fitted(fold, of_all, tmp_path / "all").log_count[-1:]]
        ),
    )
    finding = check_statistics(intake, leaking, fold, 1024)
    assert "in the fit of all users count " in finding.advice
