"""What people call the category of an item: a column of its table that says of which kind it is."""

from collections.abc import Sequence

from edgerec.features.tabular.block import FeatureBlock
from edgerec.recsys import Id
from edgerec.source import Engine, read_titles

# Kinds that say which of a few things something is.
_CATEGORIES = ("one_hot", "multi_hot")


def read_categories(
    engine: Engine, table: str, id_column: str, block: FeatureBlock, item_ids: Sequence[Id]
) -> Sequence[str | None]:
    """Return the first column that the block takes for a category, with "|" between."""
    for rule in block.rules:
        if rule.kind in _CATEGORIES and len(rule.columns) == 1:
            texts = read_titles(engine, table, id_column, rule.columns[0], item_ids)
            separator = str(rule.options.get("separator") or "|")
            return [None if one is None else one.replace(separator, "|") for one in texts]
    return [None] * len(item_ids)
