from itertools import groupby
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgerec.features.embeddings.corpus import CorpusWriter
from edgerec.ids import IdIndex
from edgerec.progress import Silent
from edgerec.samples.interaction_corpus import write_interactions
from edgerec.source import InteractionChunk

Rows = list[tuple[int, int, int]]


def lines_of(rows: Rows, sizes: list[int], folder: Path, **options: int | None) -> list[list[int]]:
    """Write (user, item, time) in chunks of these sizes, and return the item ids of each line."""
    users, items, times = np.array(rows, np.int64).reshape(-1, 3).T
    parts = np.split(np.arange(len(rows)), np.cumsum(sizes))
    chunks = [
        InteractionChunk(users[part], items[part], np.ones(len(part)), times[part])
        for part in parts
        if len(part)
    ]
    index = IdIndex("item")
    with CorpusWriter(folder, 0) as writer:
        write_interactions(chunks, index, writer, Silent(), **options)  # type: ignore[arg-type]
        corpus = writer.finish()
    text = "".join(path.read_text() for path in corpus.parts)
    return [
        [int(index.id_of(int(word) - 1)) for word in line.split()] for line in text.splitlines()
    ]


def expected_lines(
    rows: Rows, session_gap: int, later_than: int | None, n_before: int
) -> list[list[int]]:
    sequences: list[Rows] = []
    for _, own in groupby(rows, lambda row: row[0]):
        last = None
        for row in own:
            if last is None or (session_gap and row[2] - last >= session_gap):
                sequences.append([])
            sequences[-1].append(row)
            last = row[2]
    found = []
    for one in sequences:
        first = 0
        if later_than is not None:
            new = [place for place, row in enumerate(one) if row[2] > later_than]
            if not new:
                continue
            first = max(new[0] - n_before, 0)
        found.append([item for _, item, _ in one[first:]])
    return found


ROWS = st.lists(st.tuples(st.integers(1, 4), st.integers(1, 9), st.integers(0, 20)), max_size=30)


@settings(max_examples=60, deadline=None)
@given(
    rows=ROWS,
    sizes=st.lists(st.integers(0, 6), max_size=8),
    session_gap=st.sampled_from([0, 1, 4]),
    later_than=st.sampled_from([None, -1, 5, 12, 30]),
    n_before=st.integers(0, 3),
)
def test_sequences_are_those_of_users_and_sessions_whatever_the_chunks(
    rows: Rows,
    sizes: list[int],
    session_gap: int,
    later_than: int | None,
    n_before: int,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    rows = sorted(rows, key=lambda row: (row[0], row[2]))
    found = lines_of(
        rows,
        sizes,
        tmp_path_factory.mktemp("corpus"),
        session_gap=session_gap,
        later_than=later_than,
        n_before=n_before,
    )
    assert found == expected_lines(rows, session_gap, later_than, n_before)


def test_what_was_read_is_counted(tmp_path: Path) -> None:
    chunk = InteractionChunk(
        np.array(["a", "a"], object), np.array(["x y", "z\n"], object), np.ones(2), np.array([3, 8])
    )
    index = IdIndex("item")
    with CorpusWriter(tmp_path, 0) as writer:
        reading = write_interactions([chunk], index, writer, Silent())
        corpus = writer.finish()
    assert (reading.n_rows, reading.last_timestamp) == (2, 8)
    # Ids with a space or a line break are words like others.
    assert corpus.parts[0].read_text() == "1 2\n"
