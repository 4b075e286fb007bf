"""What people call the category of an item: a column of [items] that says of which kind it is."""

from collections.abc import Sequence

from edgerec.declared.schema import Things
from edgerec.recsys import Id
from edgerec.source import Engine, read_titles

# Kinds that say which of a few things something is.
_CATEGORIES = ("one_hot", "multi_hot")


def read_categories(
    engine: Engine, items: Things | None, item_ids: Sequence[Id]
) -> Sequence[str | None]:
    """Return the first column of [items] that is declared as a category, with "|" between."""
    for feature in [] if items is None else items.features:
        if feature.kind in _CATEGORIES and feature.column is not None:
            assert items is not None
            texts = read_titles(engine, items.table, items.id, feature.column, item_ids)
            separator = str(feature.options.get("separator") or "|")
            return [None if one is None else one.replace(separator, "|") for one in texts]
    return [None] * len(item_ids)
