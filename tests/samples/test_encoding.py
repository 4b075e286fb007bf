import datetime
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgerec.errors import SampleError
from edgerec.recsys import Sample
from edgerec.samples.encoding import whole_samples
from tests.toy import Listed, taken_in

GOOD = [Sample(1, 10, 0.0, 1, 2.5), Sample(1, 20, 1.0, 9, 5.0)]


def sentence(samples: list[Any], folder: Path) -> str:
    with pytest.raises(SampleError) as caught:
        taken_in(Listed(samples), folder)
    return str(caught.value)


@pytest.mark.parametrize("label", [float("nan"), 0.5, 2, -1, None])
def test_labels_that_are_not_0_or_1(label: Any, tmp_path: Path) -> None:
    assert sentence([*GOOD, Sample(7, 8, label, 9, 1.0)], tmp_path) == (
        f"The label of user 7, item 8 is {label!r}; a label must be 0 or 1. "
        "Turn the value into a label first, for example `float(rating > 3.5)`."
    )


@pytest.mark.parametrize("label", ["liked", [1.0], {}, 1j])
def test_labels_that_are_no_numbers(label: Any, tmp_path: Path) -> None:
    assert sentence([*GOOD, Sample(7, 8, label, 9, 1.0)], tmp_path) == (
        f"The label of user 7, item 8 is {label!r}; it must be a number. "
        "Convert it, for example `float(rating)`."
    )


def test_labels_that_are_all_lists(tmp_path: Path) -> None:
    samples: list[Any] = [Sample(1, 2, [1.0], 0), Sample(1, 3, [0.0], 0)]  # type: ignore[arg-type]
    assert sentence(samples, tmp_path).startswith("The label of user 1, item 2 is [1.0]; it must")


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf"), 1e39])
def test_values_that_are_not_finite(value: float, tmp_path: Path) -> None:
    assert sentence([*GOOD, Sample(7, 8, 1, 9, value)], tmp_path) == (
        f"The value of user 7, item 8 is {value}; it must be a finite float32, or None for a "
        "sampled negative. Leave such rows out or give them a value."
    )


def test_values_that_are_no_numbers(tmp_path: Path) -> None:
    assert sentence([*GOOD, Sample(7, 8, 1, 9, "five")], tmp_path) == (  # type: ignore[arg-type]
        "The value of user 7, item 8 is 'five'; it must be a number. "
        "Convert it, for example `float(rating)`."
    )


@pytest.mark.parametrize("weight", [-0.5, float("nan"), float("inf"), 1e39, None])
def test_weights_that_are_not_finite_or_below_0(weight: Any, tmp_path: Path) -> None:
    assert sentence([*GOOD, Sample(7, 8, 1, 9, 1.0, weight)], tmp_path) == (
        f"The weight of user 7, item 8 is {weight!r}; it must be a finite float32 of 0 or more: "
        "how much the sample counts beside the others. Leave it out where they count alike; in "
        "edgerec.toml, label.weight names its column."
    )


def test_weights_that_are_no_numbers(tmp_path: Path) -> None:
    assert sentence([*GOOD, Sample(7, 8, 1, 9, 1.0, "heavy")], tmp_path) == (  # type: ignore[arg-type]
        "The weight of user 7, item 8 is 'heavy'; it must be a number. "
        "Convert it, for example `float(rating)`."
    )


def test_a_weight_may_be_left_out_of_some(tmp_path: Path) -> None:
    samples: list[Any] = [(1, 10, 0.0, 1, 2.5), (1, 20, 1.0, 9, 5.0, 0.25), Sample(2, 10, 0.0, 3)]
    spool = taken_in(Listed(samples), tmp_path).spool
    (records,) = spool.blocks(100)
    assert records["weight"].tolist() == [1, 0.25, 1]


def test_weights_are_part_of_the_fingerprint_unless_all_are_1(tmp_path: Path) -> None:
    def fingerprint(*weights: float) -> str:
        samples = [(*one[:5], *weights[at : at + 1]) for at, one in enumerate(GOOD)]
        return taken_in(Listed(samples), tmp_path).fingerprint  # type: ignore[arg-type]

    assert fingerprint() == fingerprint(1.0) == fingerprint(1.0, 1)
    assert len({fingerprint(), fingerprint(2.0), fingerprint(1.0, 2.0), fingerprint(0, 2.0)}) == 4


@pytest.mark.parametrize(
    "timestamp",
    [1.5, "9", None, float("nan"), True, 2**63, 2**63 - 1, -(2**63), datetime.date(2020, 1, 1)],
)
def test_timestamps_that_are_no_unix_seconds(timestamp: Any, tmp_path: Path) -> None:
    samples = [*GOOD, Sample(7, 8, 1, timestamp, 1.0)]
    if timestamp is True:  # among integers NumPy would read it as 1
        samples = samples[-1:]
    assert sentence(samples, tmp_path) == (
        f"The timestamp of user 7, item 8 is {timestamp!r}; it must be an integer of Unix "
        "seconds. Convert it, for example `int(moment.timestamp())`."
    )


def test_timestamps_of_numpy_integers_are_fine(tmp_path: Path) -> None:
    kinds = (np.int32, np.uint64, int)
    samples = [Sample(1, 1, n % 2, kind(n + 5), 1.0) for n, kind in enumerate(kinds)]
    intake = taken_in(Listed(samples), tmp_path)
    assert (intake.first_timestamp, intake.last_timestamp) == (5, 7)


@pytest.mark.parametrize("odd", [(1, 2, 0.0), 5, None, [1, 2], "abcde", dict.fromkeys("abcde")])
def test_what_is_no_sample(odd: Any, tmp_path: Path) -> None:
    assert sentence([*GOOD, odd], tmp_path) == (
        f"sample_generator yielded {odd!r}, which is no "
        "Sample(user_id, item_id, label, timestamp, value). Yield edgerec.Sample."
    )


def test_only_short_tuples(tmp_path: Path) -> None:
    assert sentence([(1, 2, 0.0, 3)], tmp_path).startswith(
        "sample_generator yielded (1, 2, 0.0, 3)"
    )


@pytest.mark.parametrize(
    ("sample", "start"),
    [
        (Sample(-(2**63), 8, 1, 9), "The user id -2**63 is the padding id,"),
        (Sample(7, -(2**63), 1, 9), "The item id -2**63 is the padding id,"),
        (Sample("7", 8, 1, 9), "The user id '7' is of kind string, but earlier user ids are"),
        (Sample(7, None, 1, 9), "The item id None is of type NoneType; ids must be integers"),  # type: ignore[arg-type]
        (Sample(True, 8, 1, 9), "The user id True is of type bool; ids must be integers"),
        (Sample(7, 8.0, 1, 9), "The item id 8.0 is of type float; ids must be integers"),  # type: ignore[arg-type]
        (Sample(2**64, 8, 1, 9), f"The user id {2**64} does not fit into 64 bits."),
    ],
)
def test_ids_that_cannot_be_used(sample: Sample, start: str, tmp_path: Path) -> None:
    assert sentence([*GOOD, sample], tmp_path).startswith(start)


def test_rows_of_a_database_with_the_five_fields_are_samples(tmp_path: Path) -> None:
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.row_factory = sqlite3.Row
        query = "SELECT 1, 10, 0.0, 1, 2.5 UNION ALL SELECT 1, 20, 1.0, 9, 5.0"
        rows: list[Any] = connection.execute(query).fetchall()
    fingerprints = {taken_in(Listed(some), tmp_path).fingerprint for some in (rows, GOOD)}
    assert len(fingerprints) == 1


def test_held_out_samples_are_checked_one_by_one() -> None:
    method = "evaluation_sample_generator"
    assert list(whole_samples([tuple(GOOD[0])], method)) == [GOOD[0]]
    with pytest.raises(SampleError) as caught:
        list(whole_samples([GOOD[0], (1, 2)], method))
    assert str(caught.value).startswith("evaluation_sample_generator yielded (1, 2), which is no ")
    with pytest.raises(SampleError) as caught:
        list(whole_samples(None, method))
    assert str(caught.value) == (
        "evaluation_sample_generator returned None; expected an iterator of edgerec.Sample. Write "
        "`yield edgerec.Sample(…)` for each sample."
    )
