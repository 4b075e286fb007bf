"""Sequences of items out of a table that a configuration names: what item2vec learns from."""

from collections.abc import Iterable, Iterator

from edgerec.declared.schema import Sequences, row_conditions
from edgerec.recsys import Id
from edgerec.source import (
    Engine,
    InteractionChunk,
    find_columns,
    read_interactions,
    rows_by_user,
)


class DeclaredSequences:
    """Reads the sequences of a table, one at a time.

    Raises
    ------
    SourceError
        The table or a column is not there.
    """

    def __init__(self, engine: Engine, sequences: Sequences) -> None:
        self._engine = engine
        self._table = sequences.table
        self._columns = find_columns(
            engine,
            sequences.table,
            user_id=sequences.group,
            item_id=sequences.item_id,
            timestamp=sequences.timestamp,
            has_value=False,
        )
        self._where = row_conditions(sequences.where)

    def chunks(self, chunk_rows: int) -> Iterator[InteractionChunk]:
        """Yield the rows, group by group, oldest first; groups stand in place of users."""
        return read_interactions(
            self._engine,
            self._table,
            self._columns,
            chunk_rows=chunk_rows,
            order="user",
            where=self._where,
        )

    def read(self, chunk_rows: int, session_gap: int = 0) -> Iterator[list[Id]]:
        """Yield the items of each group, oldest first; at most `chunk_rows` rows are in memory.

        A sequence longer than that comes whole all the same.

        Parameters
        ----------
        session_gap : int
            Seconds between two rows of a group from which on they are of two sequences; 0: never.
        """
        return sequences_of(self.chunks(chunk_rows), session_gap)


def sequences_of(
    chunks: Iterable[InteractionChunk], session_gap: int = 0, *, only_stated: bool = False
) -> Iterator[list[Id]]:
    """Yield the items of each user or group, oldest first.

    Parameters
    ----------
    chunks : iterable of InteractionChunk
        Sorted by user, then by time.
    session_gap : int
        Seconds between two rows of a user from which on they are of two sequences; 0: never.
    only_stated : bool
        Leave out rows without a value.
    """
    for rows in rows_by_user(chunks):
        kept = [row for row in rows if row[2] == row[2]] if only_stated else rows
        begin = 0
        for at in range(1, len(kept)):
            if session_gap and kept[at][3] - kept[at - 1][3] >= session_gap:
                yield [item for _, item, *_ in kept[begin:at]]
                begin = at
        if kept:
            yield [item for _, item, *_ in kept[begin:]]
