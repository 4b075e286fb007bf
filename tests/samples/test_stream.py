import datetime
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from edgerec.errors import SampleError
from edgerec.features import history
from edgerec.features.statistics import ItemStatistics
from edgerec.features.taste.columns import column_names
from edgerec.features.taste.tables import no_taste
from edgerec.features.vector import FeatureTables
from edgerec.recsys import Id, Interaction, RecSys, Sample
from edgerec.samples import stream as stream_module
from edgerec.samples.intake import Intake
from edgerec.samples.stream import FoldsOfUser, SampleBlock, sample_blocks
from tests.toy import Checkerboard, Listed, taken_in

N_ITEMS = 6


def fixed_tables(n_users: int, n_items: int = N_ITEMS) -> FeatureTables:
    """Tables that do not depend on the samples, so that only histories can move a feature."""
    random = np.random.default_rng(0)

    def table(*shape: int) -> NDArray[np.float32]:
        return random.random(shape, np.float32)

    rows = n_items + 1
    return FeatureTables(
        user_features=table(n_users + 1, 1),
        item_features=table(rows, 2),
        content=table(rows, 2) - np.float32(0.5),
        scales=table(rows, 1),
        kinds=table(rows, 2) - np.float32(0.5),
        embedding=table(2, rows, 3) - np.float32(0.5),
        audience=table(3, rows, 2) - np.float32(0.5),
        statistics=ItemStatistics(
            *(table(3, rows) for _ in range(3)),
            random.integers(0, 10, (3, rows)),
            table(3),
            table(3),
            table(3),
        ),
        taste=no_taste(n_items, n_fits=3),
        label_above=0.5,
        value_range=(0.0, 1.0),
    )


def no_folds(n_users: int) -> FoldsOfUser:
    return FoldsOfUser(np.zeros(n_users + 1, np.int64), np.zeros(n_users + 1, np.int64))


def blocks_of(
    rec_sys: RecSys, n_history: int = 3, chunk_rows: int = 1024
) -> tuple[Intake, list[SampleBlock]]:
    with TemporaryDirectory() as folder:
        intake = taken_in(rec_sys, Path(folder))
        n_users = intake.spool.n_users
        tables = fixed_tables(n_users, len(intake.item_ids))
        blocks = sample_blocks(intake, tables, no_folds(n_users), n_history, rec_sys, chunk_rows)
        return intake, list(blocks)


def features_of(rec_sys: RecSys, n_history: int = 3) -> NDArray[np.float32]:
    return np.concatenate([block.features for block in blocks_of(rec_sys, n_history)[1]])


# Two samples of each label, and of each item, stand before the drawn ones, so that every draw can
# be taken in and has the same rows.
ANCHORS = [Sample(1, 1 + n, float(n % 2), -1, None) for n in range(N_ITEMS)]
EVENTS = st.lists(
    st.tuples(
        st.integers(0, 6),  # timestamp
        st.integers(1, N_ITEMS),  # item
        st.sampled_from([None, 0.0, 0.4, 0.6, 1.0]),  # value
    ),
    max_size=10,
)


def of_user_2(events: list[tuple[int, int, float | None]]) -> list[Sample]:
    return [Sample(2, item, 1.0, time, value) for time, item, value in events]


@settings(max_examples=60, deadline=None)
@given(EVENTS, EVENTS, st.integers(1, 6), st.integers(1, N_ITEMS))
def test_events_at_or_after_as_of_never_change_a_sample(
    some: list[tuple[int, int, float | None]],
    others: list[tuple[int, int, float | None]],
    as_of: int,
    item: int,
) -> None:
    past = sorted(of_user_2([event for event in some if event[0] < as_of]), key=lambda s: s[3])
    asked = Sample(2, item, 1.0, as_of, 0.4)

    def features_at(later: list[tuple[int, int, float | None]]) -> NDArray[np.float32]:
        future = of_user_2([event for event in later if event[0] >= as_of])
        both = sorted([asked, *future], key=lambda sample: sample.timestamp)
        rec_sys = Listed([*ANCHORS, *past, *both])
        features = features_of(rec_sys)
        # Sorted by (user, timestamp, item): the sample asked about is behind those it ties with.
        ties = sum(sample.timestamp == as_of and sample.item_id < item for sample in future)
        return features[len(ANCHORS) + len(past) + ties]

    np.testing.assert_array_equal(features_at(some), features_at(others))
    np.testing.assert_array_equal(features_at([]), features_at(others))


def test_an_earlier_interaction_does_change_a_sample():
    asked = Sample(2, 1, 1.0, 5, 0.4)
    without = features_of(Listed([*ANCHORS, asked]))[-1]
    with_one = features_of(Listed([*ANCHORS, Sample(2, 2, 1.0, 4, 1.0), asked]))[-1]
    tied = features_of(Listed([*ANCHORS, Sample(2, 0, 1.0, 5, 1.0), asked]))[-1]
    count = fixed_tables(1).names().index("log_count")
    assert with_one[count] == np.float32(np.log1p(1))
    assert without[count] == tied[count] == 0


def test_a_sampled_negative_never_enters_a_history():
    asked = Sample(2, 1, 1.0, 5, 0.4)
    without = features_of(Listed([*ANCHORS, asked]))[-1]
    with_negative = features_of(Listed([*ANCHORS, Sample(2, 2, 0.0, 4, None), asked]))[-1]
    np.testing.assert_array_equal(without, with_negative)


def test_other_users_stay_out_of_a_history():
    asked = Sample(3, 1, 1.0, 5, 0.4)
    other = [Sample(1, 2, 1.0, 0, 1.0), Sample(2, 2, 1.0, 0, 1.0), Sample(4, 2, 1.0, 0, 1.0)]
    count = fixed_tables(1).names().index("log_count")
    assert features_of(Listed([*ANCHORS, *other, asked]))[-2, count] == 0


@pytest.mark.parametrize("expanded_rows", [1, 5, 10_000])
@pytest.mark.parametrize("chunk_rows", [1, 40, 10_000])
def test_blocks_hold_every_sample_once_however_they_are_cut(
    expanded_rows: int, chunk_rows: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    board = Checkerboard(n_users=6, rated=True)
    whole = features_of(board)
    monkeypatch.setattr(stream_module, "_EXPANDED_ROWS", expanded_rows)
    intake, blocks = blocks_of(board, chunk_rows=chunk_rows)
    np.testing.assert_allclose(
        np.concatenate([block.features for block in blocks]), whole, rtol=1e-5, atol=1e-6
    )
    user = np.concatenate([block.user for block in blocks])
    assert user.tolist() == np.repeat(np.arange(1, 7), 16).tolist()
    assert sum(block.label.sum() for block in blocks) == sum(
        sample.label for sample in board.sample_generator()
    )
    assert {block.features.dtype for block in blocks} == {np.dtype(np.float32)}
    assert intake.n_samples == len(whole)


def test_each_user_sees_the_fits_of_his_folds(tmp_path: Path) -> None:
    samples = [Sample(user, 1 + user % 2, float(user % 2), 5, 0.5) for user in (1, 2, 3)]
    intake = taken_in(Listed(samples), tmp_path)
    tables = fixed_tables(3, 2)
    folds = FoldsOfUser(np.array([0, 1, 0, 2]), np.array([0, 0, 1, 1]))
    (block,) = sample_blocks(intake, tables, folds, 3, Listed(samples), 1024)
    column = tables.names().index("item_mean_value")
    expected = tables.statistics.mean_value[[1, 0, 2], [2, 1, 2]]
    np.testing.assert_array_equal(block.features[:, column], expected)


class Remembering(Listed):
    """Answers `get_user_behavior` with the interactions it was given, whatever is asked."""

    def __init__(self, samples: list[Sample], behavior: list[Interaction]) -> None:
        super().__init__(samples)
        self.behavior = behavior
        self.asked: list[tuple[Id, int, int]] = []

    def get_user_behavior(self, user_id: Id, as_of: int, limit: int) -> Sequence[Interaction]:
        self.asked.append((user_id, as_of, limit))
        return self.behavior


LAST_TWO = [Sample(2, 1, 1.0, 5, 0.4), Sample(2, 2, 0.0, 5, 0.4)]


def test_histories_come_from_get_user_behavior_where_it_is_offered():
    behavior = [Interaction(3, 1.0, 1), Interaction(99, 1.0, 2), Interaction(4, None, 4)]
    rec_sys = Remembering(
        [*LAST_TWO, Sample(3, 3, 1.0, 9, 1.0), Sample(3, 4, 0.0, 9, 1.0)], behavior
    )
    features = features_of(rec_sys)
    count = fixed_tables(1, 4).names().index("log_count")
    # Item 99 is in no sample; so it is not known.
    np.testing.assert_allclose(features[:, count], np.log1p(2), rtol=1e-6)
    # Asked once for both samples of a moment.
    assert rec_sys.asked == [(2, 5, 3), (3, 9, 3)]


def test_histories_of_get_user_behavior_equal_those_of_the_stream():
    class Behaving(Checkerboard):
        def get_user_behavior(self, user_id: Id, as_of: int, limit: int) -> list[Interaction]:
            earlier = [
                Interaction(sample.item_id, sample.value, sample.timestamp)
                for sample in self.sample_generator()
                if sample.user_id == user_id and sample.timestamp < as_of
                if sample.value is not None
            ]
            return earlier[-limit:]

    for id_type in ("int64", "string"):
        streamed = features_of(Checkerboard(n_users=5, id_type=id_type))  # type: ignore[arg-type]
        asked = features_of(Behaving(n_users=5, id_type=id_type))  # type: ignore[arg-type]
        np.testing.assert_array_equal(streamed, asked)


def asking(behavior: Any) -> str:
    with pytest.raises(SampleError) as caught:
        features_of(Remembering(LAST_TWO, behavior))
    return str(caught.value)


@pytest.mark.parametrize("timestamp", [5, 6])
def test_behavior_at_or_after_as_of_is_refused(timestamp: int) -> None:
    assert asking([Interaction(1, 1.0, timestamp)]) == (
        f"get_user_behavior(2, as_of=5) returned item 1 at {timestamp}; only interactions "
        "strictly before as_of may stand in a history. Compare with `<` and not with `<=`."
    )


def test_behavior_out_of_order_is_refused():
    assert asking([Interaction(1, 1.0, 3), Interaction(2, 1.0, 2)]) == (
        "get_user_behavior(2, as_of=5) returned item 2 at 2 after one at 3; "
        "return the oldest first."
    )


def test_behavior_with_ids_of_another_kind_is_refused():
    assert asking([Interaction("1", 1.0, 3)]) == (
        "get_user_behavior(2, as_of=5) gave the item id '1' of type str, but the items of "
        "sample_generator have ids of kind int64. Give the same kind."
    )


@pytest.mark.parametrize("behavior", [None, 7, "abc", {1: 2}])
def test_behavior_that_is_no_list_is_refused(behavior: Any) -> None:
    assert asking(behavior) == (
        f"get_user_behavior(2, as_of=5) returned {behavior!r}; expected a list of "
        "edgerec.Interaction(item_id, value, timestamp), oldest first. Return [] where there is "
        "no history."
    )


@pytest.mark.parametrize("odd", [1, "abc", None, (1, 3), (1, 1.0, 3, 4)])
def test_behavior_that_is_no_interaction_is_refused(odd: Any) -> None:
    assert asking([Interaction(1, 1.0, 3), odd]) == (
        f"get_user_behavior(2, as_of=5) returned {odd!r} in its list; expected "
        "edgerec.Interaction(item_id, value, timestamp). An id alone does not say when: return "
        "its value (None: not stated) and its Unix seconds with it."
    )


@pytest.mark.parametrize("moment", [None, "3", 3.0, True, datetime.date(2020, 1, 1)])
def test_behavior_at_no_moment_is_refused(moment: Any) -> None:
    assert asking([Interaction(1, 1.0, moment)]) == (
        f"get_user_behavior(2, as_of=5) returned item 1 at {moment!r}; a timestamp must be an "
        "integer of Unix seconds. Convert it, for example `int(moment.timestamp())`."
    )


@pytest.mark.parametrize("value", ["4", float("inf"), 1e39, [1.0]])
def test_behavior_with_a_value_that_is_no_number_is_refused(value: Any) -> None:
    assert asking([Interaction(1, value, 3)]) == (
        f"get_user_behavior(2, as_of=5) returned item 1 with the value {value!r}; it must be a "
        "finite number, or None where none is stated. Convert it, for example `float(rating)`."
    )


def test_behavior_may_be_rows_of_three_fields():
    rows: Any = [(3, 1.0, 1), (4, None, 4)]
    told = [Interaction(3, 1.0, 1), Interaction(4, None, 4)]
    one, other = (features_of(Remembering(LAST_TWO, some)) for some in (rows, told))
    np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("behavior", [[], [Interaction(77, 1.0, 3)]])
def test_behavior_that_holds_nothing_known_is_an_empty_history(
    behavior: list[Interaction],
) -> None:
    count = fixed_tables(1, 2).names().index("log_count")
    assert features_of(Remembering(LAST_TWO, behavior))[:, count].tolist() == [0, 0]


def test_more_behavior_than_was_asked_for_is_cut_to_the_newest():
    behavior = [Interaction(1 + time % 2, float(time > 2), time) for time in range(5)]
    names = fixed_tables(1, 2).names()
    features = features_of(Remembering(LAST_TWO, behavior), n_history=1)
    assert features[0, names.index("log_count")] == np.float32(np.log1p(1))


def test_the_columns_are_named():
    names = fixed_tables(1).names()
    assert len(set(names)) == len(names) == features_of(Listed([*ANCHORS])).shape[1]
    of_taste = column_names(no_taste(N_ITEMS))
    own = [*history.USER_NAMES, *history.profile_names(2), *history.CANDIDATE_NAMES]
    assert [*own, *of_taste] == names[-len(own) - len(of_taste) :]
