"""The texts of items out of a table's columns, and out of a table of tags."""

from collections.abc import Sequence

from edgerec.declared.schema import row_conditions
from edgerec.declared.text import Tags, Text
from edgerec.recsys import Id
from edgerec.source import Engine, read_columns


def read_texts(
    engine: Engine, text: Text, table: str, id_column: str, ids: Sequence[Id]
) -> list[str | None]:
    """Return the text of each id: its columns, then its tags; None where all are empty.

    Of several rows of one id each column's first cell that is not NULL counts. Tags stand in the
    order of their text, and each as often as it was given.

    Parameters
    ----------
    table : str
        With `text.columns` and `id_column`; read once, in chunks.
    ids : sequence of ids
        Their texts alone are kept.

    Raises
    ------
    SourceError
        A table or a column is not there.
    """
    parts: dict[Id, list[str | None]] = {id_: [None] * len(text.columns) for id_ in ids}
    if text.columns:
        read = read_columns(engine, table, [id_column, *text.columns], order_by=id_column)
        for chunk in read:
            for place, column in enumerate(text.columns):
                for id_, cell in zip(chunk[id_column], chunk[column], strict=True):
                    own = parts.get(id_) if isinstance(id_, int | str) else None
                    if own is not None and own[place] is None and cell is not None:
                        own[place] = _as_text(cell)
    if text.tags is not None:
        _add_tags(engine, text.tags, parts)
    joined = {id_: "\n".join(part for part in own if part) for id_, own in parts.items()}
    return [joined[id_] or None for id_ in ids]


def _add_tags(engine: Engine, tags: Tags, parts: dict[Id, list[str | None]]) -> None:
    read = read_columns(
        engine,
        tags.table,
        [tags.item_id, tags.text],
        order_by=tags.item_id,
        where=row_conditions(tags.where),
    )
    for chunk in read:
        for id_, cell in zip(chunk[tags.item_id], chunk[tags.text], strict=True):
            own = parts.get(id_) if isinstance(id_, int | str) else None
            if own is not None and cell is not None:
                own.append(_as_text(cell))


def _as_text(cell: object) -> str:
    """Return a cell as words: the members of a list, as JSON columns hold, one after the other."""
    if isinstance(cell, list):
        return " ".join(map(str, cell))
    return str(cell)
