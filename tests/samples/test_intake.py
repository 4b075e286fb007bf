import gc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgerec.errors import SampleError
from edgerec.progress import Silent
from edgerec.recsys import Sample
from edgerec.samples import intake as intake_module
from edgerec.samples.intake import take_in
from tests.toy import Checkerboard, Listed, taken_in

GOOD = [
    Sample(2, 30, 1.0, 5, 4.0),
    Sample(1, 10, 0.0, 1, 2.5),
    Sample(2, 10, 0.0, 5, None),
    Sample(1, 20, 1.0, 9, 5.0),
]


def sentence(samples: list[Any], folder: Path) -> str:
    with pytest.raises(SampleError) as caught:
        taken_in(Listed(samples), folder)
    return str(caught.value)


def test_samples_are_sorted_encoded_and_described(tmp_path: Path) -> None:
    intake = taken_in(Listed(GOOD), tmp_path)
    (records,) = intake.spool.blocks(100)
    assert records["user"].tolist() == [1, 1, 2, 2]
    assert records["item"].tolist() == [1, 2, 1, 3]
    assert records["timestamp"].tolist() == [1, 9, 5, 5]
    assert records["label"].tolist() == [0, 1, 0, 1]
    np.testing.assert_array_equal(records["value"], np.float32([2.5, 5, np.nan, 4]))
    assert intake.user_ids.tolist() == [1, 2]
    assert intake.item_ids.tolist() == [10, 20, 30]
    assert (intake.user_id_type, intake.item_id_type) == ("int64", "int64")
    assert (intake.n_samples, intake.n_interactions) == (4, 3)
    assert (intake.first_timestamp, intake.last_timestamp) == (1, 9)
    assert intake.label_above == 2.5
    assert intake.value_range == (2.5, 5.0)
    assert intake.mean_value_of_label == (2.5, 4.5)
    assert [path.name for path in tmp_path.iterdir()] == ["samples.sorted"]


def test_users_and_items_may_have_ids_of_different_kinds(tmp_path: Path) -> None:
    intake = taken_in(Listed([Sample("u", 3, 1, 1, 1), Sample("t", 2, 0, 1, None)]), tmp_path)
    assert (intake.user_id_type, intake.item_id_type) == ("string", "int64")
    assert intake.user_ids.tolist() == ["t", "u"]


@pytest.mark.parametrize(
    ("labels_and_values", "expected"),
    [
        ([(0, 1.0), (0, 3.5), (1, 4.0), (1, 5.0)], 3.5),
        ([(0, 4.0), (1, 4.0)], None),
        ([(0, 5.0), (1, 1.0)], None),
        ([(0, None), (1, 3.0)], 0.0),
        ([(0, None), (1, -3.0)], None),
        ([(0, 3.0), (1, None)], None),
        ([(0, None), (1, None)], None),
    ],
)
def test_the_rule_between_values_and_labels_is_found(
    labels_and_values: list[tuple[float, float | None]], expected: float | None, tmp_path: Path
) -> None:
    samples = [Sample(1, 1, label, 0, value) for label, value in labels_and_values]
    assert taken_in(Listed(samples), tmp_path).label_above == expected


def test_without_any_value_the_range_is_0_and_the_means_are_unknown(tmp_path: Path) -> None:
    intake = taken_in(Listed([Sample(1, 1, 0, 0), Sample(1, 2, 1, 0)]), tmp_path)
    assert intake.value_range == (0.0, 0.0)
    assert intake.mean_value_of_label == (None, None)
    assert intake.n_interactions == 0


def test_a_stream_longer_than_one_chunk_is_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    board = Checkerboard(n_users=9)
    whole = taken_in(board, tmp_path)
    monkeypatch.setattr(intake_module, "_CHUNK", 7)
    chunked = taken_in(board, tmp_path)
    assert chunked.fingerprint == whole.fingerprint
    assert chunked.mean_value_of_label == whole.mean_value_of_label
    assert (chunked.first_timestamp, chunked.last_timestamp) == (1000, 1900)


def test_the_fingerprint_ignores_how_users_interleave(tmp_path: Path) -> None:
    by_user = sorted(GOOD, key=lambda sample: sample.user_id)
    one, other = taken_in(Listed(GOOD), tmp_path), taken_in(Listed(by_user), tmp_path)
    assert one.fingerprint == other.fingerprint


@pytest.mark.parametrize(
    "change", [{"user_id": 3}, {"item_id": 31}, {"label": 0.0}, {"timestamp": 4}, {"value": 4.5}]
)
def test_the_fingerprint_follows_every_field(change: dict[str, Any], tmp_path: Path) -> None:
    changed = [GOOD[0]._replace(**change), GOOD[1], GOOD[3]]
    original = [GOOD[0], GOOD[1], GOOD[3]]
    fingerprints = {taken_in(Listed(some), tmp_path).fingerprint for some in (changed, original)}
    assert len(fingerprints) == 2


def test_nothing_yielded(tmp_path: Path) -> None:
    assert sentence([], tmp_path) == (
        "sample_generator yielded nothing; at least one sample of each label is needed. "
        "Check the table that it reads and its condition."
    )


@pytest.mark.parametrize("odd", [None, 7])
def test_a_generator_that_returns_nothing_to_iterate_over(odd: Any, tmp_path: Path) -> None:
    class Returning(Listed):
        def sample_generator(self) -> Any:
            return odd

    with pytest.raises(SampleError) as caught:
        taken_in(Returning([]), tmp_path)
    assert str(caught.value) == (
        f"sample_generator returned {odd}; expected an iterator of edgerec.Sample. Write "
        "`yield edgerec.Sample(…)` for each sample."
    )


def test_labels_all_1(tmp_path: Path) -> None:
    assert sentence([Sample(1, 1, 1, 0, 5.0), Sample(1, 2, 1, 0, 5.0)], tmp_path) == (
        "All 2 samples have the label 1; a ranker learns from both. "
        "Yield negatives too: Sample(…, label=0, value=None); in edgerec.toml, raise label.above "
        'or write rule = "taken".'
    )


def test_labels_all_0(tmp_path: Path) -> None:
    assert sentence([Sample(1, 1, 0, 0, 5.0)], tmp_path) == (
        "All 1 samples have the label 0; a ranker learns from both. Check the rule; in "
        "edgerec.toml, lower label.above."
    )


def test_timestamps_that_go_backwards_in_one_chunk(tmp_path: Path) -> None:
    samples = [Sample(1, 5, 1, 100, 1.0), Sample(2, 5, 0, 50, 1.0), Sample(1, 6, 0, 99, 1.0)]
    assert sentence(samples, tmp_path) == (
        "The sample of user 1, item 6 has timestamp 99, earlier than the user's previous sample "
        "at 100. Yield each user's samples in order of time, for example ORDER BY timestamp."
    )


def test_timestamps_that_go_backwards_over_chunks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(intake_module, "_CHUNK", 2)
    samples = [
        Sample("a", "x", 1, 100, 1.0),
        Sample("b", "x", 0, 50, 1.0),
        Sample("b", "y", 0, 60, 1.0),
        Sample("c", "y", 0, 60, 1.0),
        Sample("a", "y", 0, 99, 1.0),
    ]
    assert sentence(samples, tmp_path).startswith(
        "The sample of user 'a', item 'y' has timestamp 99, earlier than the user's previous "
        "sample at 100."
    )


@pytest.mark.parametrize(
    ("factor", "unit"), [(10**3, "milliseconds"), (10**6, "microseconds"), (10**9, "nanoseconds")]
)
def test_timestamps_that_are_no_seconds(factor: int, unit: str, tmp_path: Path) -> None:
    moment = 964_982_703
    samples = [Sample(1, item, item % 2, (moment + item) * factor, 1.0) for item in (0, 1, 2)]
    assert sentence(samples, tmp_path) == (
        "Every timestamp that sample_generator yielded is beyond the year 2200, the earliest is "
        f"{moment * factor}: they look like {unit}. Timestamps are Unix seconds; divide them, for "
        f"example `timestamp // {factor}`."
    )


def test_a_timestamp_that_is_far_out_among_others_is_fine(tmp_path: Path) -> None:
    end_of_time = 253_402_214_400
    samples = [Sample(1, 1, 1, end_of_time, 1.0), Sample(2, 1, 0, 964_982_703, 1.0)]
    assert taken_in(Listed(samples), tmp_path).last_timestamp == end_of_time


def test_ties_in_time_are_fine(tmp_path: Path) -> None:
    samples = [Sample(1, item, item % 2, 7, 1.0) for item in (3, 2, 1)]
    (records,) = taken_in(Listed(samples), tmp_path).spool.blocks(10)
    assert records["item"].tolist() == [1, 2, 3]


def test_an_error_of_the_generator_is_left_alone(tmp_path: Path) -> None:
    class Broken(Listed):
        def sample_generator(self) -> Iterator[Sample]:
            yield GOOD[0]
            raise TypeError("no such table")

    with pytest.raises(TypeError, match=r"^no such table$"):
        taken_in(Broken([]), tmp_path)


def test_what_was_there_is_frozen_while_samples_come_and_released_behind(tmp_path: Path) -> None:
    class Counting(Listed):
        def sample_generator(self) -> Iterator[Sample]:
            frozen.append(gc.get_freeze_count())
            yield from self.samples

    frozen: list[int] = []
    rec_sys = Counting([Sample(1, 10, 0.0, 1, 2.5), Sample(1, 20, 1.0, 9, 5.0)])
    taken_in(rec_sys, tmp_path)
    assert frozen[0] > 0
    assert gc.get_freeze_count() == 0
    gc.freeze()
    try:
        taken_in(rec_sys, tmp_path)
        assert gc.get_freeze_count() > 0, "what somebody else froze is not ours to release"
    finally:
        gc.unfreeze()


class WithCatalogue(Listed):
    """Lists more items than there are samples of."""

    def __init__(self, samples: list[Sample], listed: Any) -> None:
        super().__init__(samples)
        self.listed = listed

    def item_generator(self) -> Any:
        return self.listed


TWO = [Sample(1, 10, 0.0, 1, 1.0), Sample(1, 30, 1.0, 2, 5.0)]


def test_items_of_no_sample_are_known_where_they_are_listed(tmp_path: Path) -> None:
    intake = taken_in(WithCatalogue(TWO, iter([30, 20, 40])), tmp_path)
    assert intake.item_ids.tolist() == [10, 20, 30, 40]
    assert intake.n_samples == 2
    records = next(intake.spool.blocks(1024))
    assert records["item"].tolist() == [1, 3]


def test_a_catalogue_of_other_items_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SampleError) as raised:
        taken_in(WithCatalogue(TWO, [1010, 1030, 1040]), tmp_path)
    assert str(raised.value) == (
        "None of the 2 items of the samples is among the 3 that item_generator yields (such as 10 "
        "here and 1010 there), so what is known of those says nothing of these. Yield the ids that "
        "samples have; in edgerec.toml, name the column of those ids in [items]."
    )


def test_a_catalogue_that_hardly_describes_the_samples_is_remarked_on(tmp_path: Path) -> None:
    messages: list[str] = []

    class Listening(Silent):
        def message(self, text: str) -> None:
            messages.append(text)

    samples = [Sample(1, item, item % 2, 10 + item, 1.0) for item in range(5)]
    take_in(WithCatalogue(samples, [0, 1, 70]), tmp_path, 1024, Listening())
    assert messages == [
        (
            "only 2 of the 5 items of the samples are among those that item_generator yields, or "
            "in the table of [items]: the others have no features. Check its ids."
        )
    ]


@pytest.mark.parametrize("odd", [None, 3, "30"])
def test_a_catalogue_that_cannot_be_iterated_over(odd: Any, tmp_path: Path) -> None:
    with pytest.raises(SampleError) as raised:
        taken_in(WithCatalogue(TWO, odd), tmp_path)
    assert str(raised.value) == (
        f"item_generator returned {odd!r}; expected an iterator of item ids. Write "
        "`yield item_id` for each item."
    )


def test_a_listed_item_of_another_kind(tmp_path: Path) -> None:
    with pytest.raises(SampleError, match="'x' is of kind string, but earlier item ids"):
        taken_in(WithCatalogue(TWO, ["x"]), tmp_path)
