"""A RecSys out of a configuration: what `edgerec train edgerec.toml` trains."""

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgerec.declared.categories import read_categories
from edgerec.declared.features import DeclaredFeatures
from edgerec.declared.negatives import positive, read_seen, with_drawn, with_seen
from edgerec.declared.new_items import item_rules
from edgerec.declared.reading import database_url
from edgerec.declared.schema import Configuration, interaction_names, row_conditions
from edgerec.declared.settings import objective_of
from edgerec.errors import SourceError
from edgerec.ids import IdType, id_array
from edgerec.recsys import Id, Sample
from edgerec.source import (
    InteractionChunk,
    chosen,
    open_engine,
    read_interactions,
    read_titles,
    rows_by_user,
)

CHUNK_ROWS = 65_536


class DeclaredRecSys:
    """Implements `edgerec.RecSys` over the tables that a configuration names.

    Parameters
    ----------
    keep : bool[n], optional
        Which of the interactions that meet the conditions count, in the order of reading by user;
        by default all. Negatives are drawn as if the others did not exist.

    Raises
    ------
    SourceError
        The database, a table or a column is not there.
    ConfigurationError
        A feature rule does not fit its column; a variable of the URL is not set.
    """

    def __init__(self, configuration: Configuration, keep: NDArray[np.bool_] | None = None) -> None:
        self.configuration = configuration
        self._keep = keep
        self._engine = open_engine(database_url(configuration))
        interactions = configuration.interactions
        names = interaction_names(configuration)
        self._context = names.context
        columns = names.find(self._engine, interactions.table)
        self._columns = dataclasses.replace(columns, weight=configuration.label.weight)
        self._where = row_conditions(interactions.where)
        self._users = DeclaredFeatures(self._engine, "users", configuration.users)
        self._items = DeclaredFeatures(self._engine, "items", configuration.items)
        # Known once the first sample is read; training asks for the items after the samples.
        self._items_are_text = False
        self.n_without_value = 0
        """rows that the last whole pass over the samples left out, since they state no value"""

    def get_user_feature(self, user_id: Id) -> Sequence[float]:
        """Return the user's features."""
        features: list[float] = self._users.of([user_id])[0].tolist()
        return features

    def get_item_feature(self, item_id: Id) -> Sequence[float]:
        """Return the item's features."""
        features: list[float] = self._items.of([item_id])[0].tolist()
        return features

    def get_feature_names(self, role: str) -> Sequence[str]:
        """Return what the features of "user" or "item" are called, out of their rules."""
        return (self._users if role == "user" else self._items).block.names

    def get_user_features(self, user_ids: Sequence[Id]) -> Sequence[Sequence[float]]:
        """Return the features of many users.

        Raises
        ------
        SourceError
            Features are declared, and none of the users has a row.
        """
        users, known = self.configuration.users, set(self._users.ids)
        if users is not None and users.features and user_ids and known.isdisjoint(user_ids):
            raise SourceError(
                f"none of {len(user_ids)} users, such as {user_ids[0]!r}, stands in column "
                f'"{users.id}" of table "{users.table}": fill it, or name in [users] the column of '
                "the interactions' user ids, or leave [users] out"
            )
        rows: list[list[float]] = self._users.of(user_ids).tolist()
        return rows

    def get_item_features(self, item_ids: Sequence[Id]) -> Sequence[Sequence[float]]:
        """Return the features of many items."""
        rows: list[list[float]] = self._items.of(item_ids).tolist()
        return rows

    def get_item_titles(self, item_ids: Sequence[Id]) -> Sequence[str | None]:
        """Return the titles that [items] declares; None where it declares none."""
        items = self.configuration.items
        if items is None or items.title is None:
            return [None] * len(item_ids)
        return read_titles(self._engine, items.table, items.id, items.title, item_ids)

    def get_item_rules(self) -> Mapping[str, Any]:
        """Return how features and texts of items are made; see `declared.new_items`."""
        return item_rules(self.configuration, self._items.block)

    def get_item_categories(self, item_ids: Sequence[Id]) -> Sequence[str | None]:
        """Return the first column of [items] that is declared as a category, with "|" between."""
        items = self.configuration.items
        if items is None:
            return [None] * len(item_ids)
        return read_categories(self._engine, items.table, items.id, self._items.block, item_ids)

    def item_generator(self) -> Iterator[Id]:
        """Yield the items that have features, those without an interaction too.

        Raises
        ------
        SourceError
            Features are declared, and no row has an id of the interactions' kind.
        """
        items = self.configuration.items
        kind, name = (str, "text") if self._items_are_text else (int, "whole numbers")
        # An empty text is no id.
        ids = [id_ for id_ in self._items.ids if isinstance(id_, kind) and id_ != ""]
        if items is not None and items.features and not ids:
            came = next(iter(self._items.ids), None)
            rows = "holds no row" if came is None else f"has ids such as {came!r}"
            raise SourceError(
                f'table "{items.table}" {rows} in column "{items.id}", but the interactions\' '
                f"items are {name}: fill it, or name in [items] the column of the same ids, or "
                "leave [items] out"
            )
        return iter(ids)

    def sample_generator(self) -> Iterator[Sample]:
        """Yield the samples, user by user, in order of time.

        Raises
        ------
        SourceError
            No row gives a sample.
        """
        samples = self._samples()
        first = next(samples, None)
        if first is None:
            interactions = self.configuration.interactions
            rows = "row that meets interactions.where" if interactions.where else "row"
            if self.configuration.label.rule == "above":
                rows += f" with a value in {interactions.value}"
            raise SourceError(
                f'table "{interactions.table}" holds no {rows}, so there is nothing to learn from. '
                "Fill it, or name another table in [interactions]"
            )
        self._items_are_text = isinstance(first.item_id, str)
        yield first
        yield from samples

    def _samples(self) -> Iterator[Sample]:
        if self._context is None:
            return self._samples_of_cells()
        # What a sample has of its context here is the cells of its columns.
        row = self._context.row
        return (
            one._replace(context=row(one.timestamp, one.context))
            for one in self._samples_of_cells()
        )

    def _samples_of_cells(self) -> Iterator[Sample]:
        label = self.configuration.label
        if label.rule == "above":
            assert label.above is not None
            n_without = 0
            for chunk in self.chunks():
                for user, item, value, time, weight, cells in chunk.rows_in_context():
                    # A row without a value is nothing that its user stated.
                    if value == value:
                        liked = float(value > label.above)
                        yield Sample(user, item, liked, time, value, weight, cells)
                    else:
                        n_without += 1
            self.n_without_value = n_without
        else:
            yield from self._taken()

    def _taken(self) -> Iterator[Sample]:
        configuration = self.configuration
        if objective_of(configuration) == "top":
            # It finds its own negatives.
            for rows in rows_by_user(self.chunks()):
                yield from map(positive, rows)
        elif configuration.label.negatives == "impressions":
            assert configuration.impressions is not None
            yield from with_seen(
                rows_by_user(self.chunks()),
                read_seen(
                    self._engine, configuration.impressions, CHUNK_ROWS, self._columns.context
                ),
                configuration.label.n_negatives,
                configuration.training.random_state,
            )
        else:
            yield from with_drawn(rows_by_user(self.chunks()), *self._item_counts(), configuration)

    def _item_counts(self) -> tuple[list[Id], NDArray[np.int64]]:
        counts: dict[Id, int] = {}
        for chunk in self.chunks():
            for item in chunk.item_ids.tolist():
                counts[item] = counts.get(item, 0) + 1
        kind: IdType = "string" if any(isinstance(item, str) for item in counts) else "int64"
        items: list[Id] = np.sort(id_array(counts, kind)).tolist()
        return items, np.array([counts[item] for item in items], np.int64)

    def chunks(self) -> Iterator[InteractionChunk]:
        """Yield the interactions that count, user by user, in order of time."""
        chunks = read_interactions(
            self._engine,
            self.configuration.interactions.table,
            self._columns,
            chunk_rows=CHUNK_ROWS,
            order="user",
            where=self._where,
        )
        return chunks if self._keep is None else chosen(chunks, self._keep)

    def get_context_defaults(self) -> Mapping[str, float]:
        """Return the names and defaults of the numbers that [context] declares."""
        return {} if self._context is None else self._context.defaults()

    def sequence_chunks(self) -> Iterator[InteractionChunk]:
        """Yield what `edgerec embed` learns from, by user: all interactions, liked or not."""
        return self.chunks()
