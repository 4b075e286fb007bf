from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgerec.errors import SampleError
from edgerec.recsys import Id, Sample
from edgerec.samples.intake import Intake
from edgerec.samples.sequences import (
    SequenceFile,
    SequenceOwners,
    liked_sequences,
    write_sequences,
)
from tests.toy import Listed, taken_in

# Item ids are 10 times their rows.
SAMPLES = [
    Sample("a", 10, 0.0, 1, 1.0),
    Sample("a", 20, 1.0, 2, 4.0),
    Sample("a", 30, 1.0, 3, 5.0),
    Sample("a", 40, 0.0, 3, None),
    Sample("b", 30, 0.0, 1, 1.0),
    Sample("b", 20, 0.0, 2, 3.0),
    Sample("b", 40, 1.0, 3, 5.0),
    Sample("c", 50, 1.0, 1, 5.0),
]


@pytest.fixture
def intake(tmp_path: Path) -> Intake:
    return taken_in(Listed(SAMPLES), tmp_path)


def written(intake: Intake, sequences: Sequence[Any], folder: Path) -> SequenceFile:
    owners = SequenceOwners(intake, 1024)
    return write_sequences(sequences, intake.item_ids, owners, folder / "sequences")


@pytest.mark.parametrize(
    ("rows", "owner"),
    [
        ([1, 2, 3, 4], (1, False)),  # all that user a touched
        ([1, 2, 3], (1, False)),  # all that he gave a value
        ([2, 3], (1, True)),  # what he liked
        ([3], (1, True)),  # what he gave a 5
        ([4], (2, True)),
        ([2, 4], (2, True)),  # what user b gave a 3 or more
        ([3, 2, 3, 0], (1, True)),  # neither order nor repetition nor unknown items matter
        ([5], (3, False)),  # he likes all that he touches
        ([1, 2], (0, False)),
        ([1, 2, 3, 4, 5], (0, False)),
        ([], (0, False)),
        ([0], (0, False)),
    ],
)
def test_a_sequence_is_matched_to_its_user(
    rows: list[int], owner: tuple[int, bool], intake: Intake
) -> None:
    for chunk_rows in (1, 1024):
        owners = SequenceOwners(intake, chunk_rows)
        assert owners.owner(np.array(rows, np.int64)) == owner


def test_with_many_different_values_the_labels_alone_are_tried(tmp_path: Path) -> None:
    samples = [Sample(1, 10 + n, float(n > 20), n, float(n)) for n in range(40)]
    owners = SequenceOwners(taken_in(Listed(samples), tmp_path), 1024)
    assert owners.owner(np.arange(22, 41)) == (1, True)
    assert owners.owner(np.arange(30, 41)) == (0, False)


def test_sequences_come_back_as_rows(intake: Intake, tmp_path: Path) -> None:
    file = written(intake, [[30, 20], [], (99, 40), [50, 77, 50]], tmp_path)
    assert [rows.tolist() for rows in file.sequences()] == [[3, 2], [], [0, 4], [5, 0, 5]]
    kept = file.sequences(np.array([False, True, False, True]))
    assert [rows.tolist() for rows in kept] == [[3, 2], [5, 0, 5]]
    assert len(file) == 4
    assert file.owners.tolist() == [1, 0, 2, 3]
    assert file.n_selected == 2


def test_without_sequences_the_file_is_empty(intake: Intake, tmp_path: Path) -> None:
    file = written(intake, [], tmp_path)
    assert (len(file), list(file.sequences()), file.n_selected) == (0, [], 0)


def test_with_implicit_feedback_all_that_has_a_value_is_a_selection(tmp_path: Path) -> None:
    samples = [Sample(1, 10, 1.0, 1, 1.0), Sample(1, 20, 0.0, 1), Sample(1, 30, 1.0, 2, 1.0)]
    owners = SequenceOwners(taken_in(Listed(samples), tmp_path), 1024)
    assert owners.owner(np.array([1, 3])) == (1, True)
    assert owners.owner(np.array([1, 2, 3])) == (1, False)


def test_what_some_users_liked_can_be_left_out(intake: Intake) -> None:
    kept_users = np.array([True, True, False, True])
    rows = [rows.tolist() for rows in liked_sequences(intake.spool, 1024, kept_users)]
    assert rows == [[2, 3], [5]]


def test_what_was_liked_is_a_sequence(intake: Intake) -> None:
    for chunk_rows in (1, 1024):
        rows = [rows.tolist() for rows in liked_sequences(intake.spool, chunk_rows)]
        assert rows == [[2, 3], [4], [5]]


@pytest.mark.parametrize("odd", [10, "10", None])
def test_what_is_no_sequence_is_refused(odd: Any, intake: Intake, tmp_path: Path) -> None:
    with pytest.raises(SampleError) as caught:
        written(intake, [[10], odd], tmp_path)
    assert str(caught.value) == (
        f"item_seq_generator yielded {odd!r}, which is no sequence of item ids. "
        "Yield one list per user."
    )


@pytest.mark.parametrize("odd", ["10", 10.0, True, None])
def test_item_ids_of_another_kind_are_refused(odd: Id, intake: Intake, tmp_path: Path) -> None:
    with pytest.raises(SampleError) as caught:
        written(intake, [[10, odd]], tmp_path)
    assert str(caught.value) == (
        f"item_seq_generator gave the item id {odd!r} of type {type(odd).__name__}, but the items "
        "of sample_generator have ids of kind int64. Give the same kind."
    )


def test_sessions_of_what_was_liked_are_apart(intake: Intake) -> None:
    rows = [rows.tolist() for rows in liked_sequences(intake.spool, 1024)]
    apart = [rows.tolist() for rows in liked_sequences(intake.spool, 1024, session_gap=1)]
    assert [row for one in apart for row in one] == [row for one in rows for row in one]
    assert len(apart) > len(rows)
