import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from edgerec.samples.history import history_positions, newest_distinct

EVENTS = st.lists(
    st.tuples(
        st.integers(1, 3),  # user
        st.integers(0, 8),  # timestamp
        st.integers(1, 5),  # item
        st.booleans(),  # enters
    ),
    max_size=25,
).map(sorted)


def by_definition(
    events: list[tuple[int, int, int, bool]], position: int, n_history: int
) -> list[int]:
    """Positions of the history of one sample, newest first, in the plainest words."""
    user, as_of, _, _ = events[position]
    earlier = [
        at
        for at, (other, timestamp, _, enters) in enumerate(events)
        if other == user and timestamp < as_of and enters
    ]
    last = {events[at][2]: at for at in earlier}
    return sorted(last.values(), reverse=True)[:n_history]


@settings(max_examples=300, deadline=None)
@given(EVENTS, st.integers(1, 4))
def test_positions_equal_the_definition(
    events: list[tuple[int, int, int, bool]], n_history: int
) -> None:
    user, timestamp, item, enters = np.array(events, np.int64).reshape(-1, 4).T
    positions = history_positions(
        user.astype(np.int32), item.astype(np.int32), timestamp, enters.astype(bool), n_history
    )
    assert positions.shape == (len(events), n_history)
    for at, row in enumerate(positions.tolist()):
        expected = by_definition(events, at, n_history)
        assert row == expected + [-1] * (n_history - len(expected))


@settings(max_examples=100, deadline=None)
@given(EVENTS, st.data())
def test_what_happens_at_or_after_as_of_is_never_seen(
    events: list[tuple[int, int, int, bool]], data: st.DataObject
) -> None:
    user, timestamp, item, enters = np.array(events, np.int64).reshape(-1, 4).T
    as_of = data.draw(st.integers(0, 8))
    changed = item.copy()
    late = timestamp >= as_of
    changed[late] = data.draw(
        st.lists(st.integers(1, 9), min_size=int(late.sum()), max_size=int(late.sum()))
    )
    before, after = (
        history_positions(
            user.astype(np.int32), items.astype(np.int32), timestamp, enters.astype(bool), 3
        )
        for items in (item, changed)
    )
    asked_earlier = timestamp <= as_of
    np.testing.assert_array_equal(before[asked_earlier], after[asked_earlier])


@settings(max_examples=100, deadline=None)
@given(st.lists(st.integers(1, 5), max_size=12), st.integers(1, 4))
def test_newest_distinct_keeps_each_item_where_it_stands_last(
    items: list[int], n_history: int
) -> None:
    last = {item: at for at, item in enumerate(items)}
    expected = sorted(last.values(), reverse=True)[:n_history]
    assert newest_distinct(np.array(items, np.int64), n_history).tolist() == expected
