"""Titles of things: what people read in place of an id."""

from collections.abc import Sequence

from edgerec.recsys import Id
from edgerec.source.engine import Engine
from edgerec.source.table import read_columns


def read_titles(
    engine: Engine, table: str, id_column: str, title_column: str, ids: Sequence[Id]
) -> list[str | None]:
    """Return the title of each id; None: it has none. The first stated one of an id counts.

    Parameters
    ----------
    ids : sequence of ids
        A few: the table is read once, in chunks, and only their titles are kept.

    Raises
    ------
    SourceError
        The table or a column is not there.
    """
    wanted = set(ids)
    found: dict[Id, str] = {}
    for chunk in read_columns(engine, table, [id_column, title_column], order_by=id_column):
        for id_, title in zip(chunk[id_column], chunk[title_column], strict=True):
            if isinstance(id_, int | str) and id_ in wanted and title is not None:
                found.setdefault(id_, str(title))
    return [found.get(id_) for id_ in ids]
