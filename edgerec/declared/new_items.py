"""New items out of a table, by the rules that a training kept: what `edgerec add-items` adds."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgerec.declared.categories import read_categories
from edgerec.declared.schema import Configuration
from edgerec.declared.text import Text
from edgerec.declared.texts import read_texts
from edgerec.errors import SourceError, StateError
from edgerec.features.tabular.block import FeatureBlock
from edgerec.names import listed, nearest
from edgerec.recsys import Id
from edgerec.source import Engine, describe_table, read_columns, read_titles

_CHUNK_ROWS = 4096


def item_rules(configuration: Configuration, block: FeatureBlock) -> dict[str, Any]:
    """Return plain JSON: what it takes to make features and texts of items out of a table."""
    items, text = configuration.items, configuration.text
    return {
        "id": None if items is None else items.id,
        "title": None if items is None else items.title,
        "block": block.to_state(),
        "text": None if text is None else text.model_dump(mode="json"),
    }


class NewItems:
    """The items of a table: features by fitted rules, and texts.

    Parameters
    ----------
    rules : mapping or None
        Of `item_rules`, as a training kept them; None: it kept none.

    Raises
    ------
    StateError
        The model was not trained from an edgerec.toml, or this declared nothing of items.
    SourceError
        The table or a column that training read is not there, the table is empty, or an id stands
        in two rows.
    """

    def __init__(self, engine: Engine, table: str, rules: Mapping[str, Any] | None) -> None:
        if rules is None:
            raise StateError(
                "The model was trained from a class, which alone knows what features its items "
                "have. Call edgerec.add_items with an object of it."
            )
        if rules["id"] is None:
            raise StateError(
                "The model was trained without [items], so nothing of an item is known but who "
                "took it, and nobody has taken a new one. Declare [items], and train again."
            )
        self._engine = engine
        self._table = table
        self._id = str(rules["id"])
        self._block = FeatureBlock.from_state(rules["block"])
        self._text = None if rules["text"] is None else Text.model_validate(rules["text"])
        there = self._checked_columns()
        # A training of before kept no title, and a new table may lack its column.
        title = rules.get("title")
        self._title = str(title) if title in there else None
        self._row_of_id: dict[Id, int] = {}
        self._features = self._read()

    @property
    def ids(self) -> Sequence[Id]:
        """The items of the table."""
        return list(self._row_of_id)

    def get_item_feature(self, item_id: Id) -> Sequence[float]:
        """Return the features of an item of the table."""
        features: list[float] = self._features[self._row_of_id[item_id]].tolist()
        return features

    def get_item_features(self, item_ids: Sequence[Id]) -> Sequence[Sequence[float]]:
        """Return the features of many."""
        rows = self._features[[self._row_of_id[id_] for id_ in item_ids]]
        features: list[list[float]] = rows.tolist()
        return features

    def get_item_titles(self, item_ids: Sequence[Id]) -> Sequence[str | None]:
        """Return the titles of many; None where there is none."""
        if self._title is None:
            return [None] * len(item_ids)
        return read_titles(self._engine, self._table, self._id, self._title, item_ids)

    def get_item_categories(self, item_ids: Sequence[Id]) -> Sequence[str | None]:
        """Return the categories of many, as training named those of its items."""
        return read_categories(self._engine, self._table, self._id, self._block, item_ids)

    def get_item_texts(self, item_ids: Sequence[Id]) -> Sequence[str | None]:
        """Return the texts of many; None where there is none."""
        if self._text is None:
            return [None] * len(item_ids)
        return read_texts(self._engine, self._text, self._table, self._id, item_ids)

    def _checked_columns(self) -> Sequence[str]:
        """Return the columns of the table, which has those that training read."""
        there = [column.name for column in describe_table(self._engine, self._table).columns]
        read = [self._id, *self._block.columns, *(self._text.columns if self._text else ())]
        for column in read:
            if column not in there:
                raise SourceError(
                    f'table "{self._table}" has no column {column!r}, which training read of its '
                    f"items; its columns are {listed(there)}.{nearest(column, there)} Give it the "
                    "columns of the table that training read"
                )
        return there

    def _read(self) -> NDArray[np.float32]:
        columns = list(dict.fromkeys([self._id, *self._block.columns]))
        parts = [np.zeros((0, self._block.width), np.float32)]
        read = read_columns(
            self._engine, self._table, columns, order_by=self._id, chunk_rows=_CHUNK_ROWS
        )
        for chunk in read:
            kept = [place for place, id_ in enumerate(chunk[self._id]) if id_ is not None]
            for place in kept:
                self._add(chunk[self._id][place])
            parts.append(
                self._block.transform(
                    {name: [cells[place] for place in kept] for name, cells in chunk.items()}
                )
            )
        if not self._row_of_id:
            raise SourceError(
                f'table "{self._table}" holds no row with an id in column "{self._id}", so there '
                "is nothing to add. Fill it, or name another table"
            )
        return np.concatenate(parts)

    def _add(self, id_: object) -> None:
        if not isinstance(id_, int | str):
            raise SourceError(
                f'table "{self._table}", column "{self._id}": the id {id_!r} is neither a whole '
                "number nor a text. Name a table whose ids are those of the interactions"
            )
        if id_ in self._row_of_id:
            raise SourceError(
                f'table "{self._table}" has two rows with the id {id_!r} in column "{self._id}". '
                "Keep the one that counts"
            )
        self._row_of_id[id_] = len(self._row_of_id)
