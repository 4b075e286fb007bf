"""A table of users or items as features: rules fitted once, a row looked up by its id."""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from edgerec.columns import COLUMN_KINDS, ColumnKind
from edgerec.declared.schema import Feature, Things
from edgerec.declared.statistics import table_statistics
from edgerec.errors import ConfigurationError
from edgerec.features.tabular.block import FeatureBlock
from edgerec.features.tabular.conditions import Condition
from edgerec.features.tabular.fit import fit_block
from edgerec.features.tabular.rules import FeatureRule, check_rules
from edgerec.recsys import Id
from edgerec.source import Engine, describe_table, read_columns

_CHUNK_ROWS = 4096
# Rules know no columns of kinds uuid and other; both are read as text.
_COLUMN_KINDS: dict[str, ColumnKind] = {
    **{kind: kind for kind in COLUMN_KINDS},
    "uuid": "text",
    "other": "text",
}


class DeclaredFeatures:
    """The features of one side, users or items.

    A row is the first of its id in the order of all its columns, a value that is missing there
    being taken from a later one: a table of interactions serves too, where its rows describe the
    items. An id without a row has what the rules answer for missing values.

    Where aggregates suffice to fit a rule, the database computes them, and rows are read once, to
    look the features up; else they are read in chunks to fit, too. Both give the same features.
    """

    def __init__(self, engine: Engine, role: str, things: Things | None) -> None:
        self._row_of_id: dict[Id, int] = {}
        self.block = FeatureBlock((), ())
        """the fitted rules"""
        self.features = np.zeros((1, 0), np.float32)
        if things is None or not things.features:
            return
        rules = feature_rules(role, things)
        described = describe_table(engine, things.table).columns
        check_rules(rules, {column.name: _COLUMN_KINDS[column.kind] for column in described})
        columns = list(dict.fromkeys(column for rule in rules for column in rule.reads))

        def chunks() -> Iterator[dict[str, list[object]]]:
            return _first_rows(engine, things, columns)

        block = fit_block(rules, chunks(), table_statistics(engine, things, rules))
        self.block = block
        self.features = np.concatenate(
            [self._row(block, columns), *(self._rows(block, things, chunk) for chunk in chunks())]
        )

    @property
    def ids(self) -> Sequence[Id]:
        """The ids that have a row, where features are declared."""
        return list(self._row_of_id)

    def of(self, ids: Sequence[Id]) -> NDArray[np.float32]:
        """Return the features of each id: float32 [len(ids), width]."""
        return self.features[[self._row_of_id.get(id_, 0) for id_ in ids]]

    def _row(self, block: FeatureBlock, columns: Sequence[str]) -> NDArray[np.float32]:
        """Return the row of an id that the table does not have."""
        return block.transform({column: [None] for column in columns})

    def _rows(
        self, block: FeatureBlock, things: Things, chunk: dict[str, list[object]]
    ) -> NDArray[np.float32]:
        for id_ in chunk[things.id]:
            self._row_of_id[id_] = len(self._row_of_id) + 1  # type: ignore[index]
        return block.transform(chunk)


def feature_rules(role: str, things: Things) -> list[FeatureRule]:
    """Return the rules that a section declares.

    Raises
    ------
    ConfigurationError
        A kind or an option is not known; the sentence names section and rule.
    """
    rules = []
    for number, feature in enumerate(things.features):
        try:
            rules.append(feature_rule(feature))
        except ConfigurationError as error:
            raise ConfigurationError(f"{role}.features[{number}]: {error}") from None
    return rules


def feature_rule(feature: Feature) -> FeatureRule:
    """Return the rule that one entry of a section declares.

    Raises
    ------
    ConfigurationError
        The kind or an option is not known.
    """
    name = feature.name or "_".join([*feature.reads, feature.kind])
    when = None if feature.when is None else Condition(**feature.when.model_dump())
    return FeatureRule(name, feature.reads, feature.kind, feature.options, when)


def _first_rows(
    engine: Engine, things: Things, columns: Sequence[str]
) -> Iterator[dict[str, list[object]]]:
    """Yield one row per id, sorted by id, in chunks."""
    wanted = list(dict.fromkeys([things.id, *columns]))
    merged: dict[str, list[object]] = {column: [] for column in wanted}
    for chunk in read_columns(engine, things.table, wanted, order_by=things.id):
        ids = chunk[things.id]
        for position, id_ in enumerate(ids):
            if id_ is None:
                continue
            if merged[things.id] and merged[things.id][-1] == id_:
                for column in columns:
                    if merged[column][-1] is None:
                        merged[column][-1] = chunk[column][position]
                continue
            if len(merged[things.id]) >= _CHUNK_ROWS:
                yield merged
                merged = {column: [] for column in wanted}
            for column in wanted:
                merged[column].append(chunk[column][position])
    if merged[things.id]:
        yield merged
