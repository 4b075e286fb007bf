"""NAME.training/titles.json: titles and categories of the items. The file that ships holds none."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

from edgerec.errors import StateError, shown
from edgerec.files import replace_file
from edgerec.recsys import Id, ItemCategories, ItemTitles

NAME: Final = "titles.json"
_FORMAT: Final = 1


class NamedItem(NamedTuple):
    """An item as people know it."""

    item_id: Id
    title: str
    """empty: it has none"""
    category: str = ""
    """such as "Animation|Children"; empty: it has none"""


def named_items(rec_sys: object, item_ids: Sequence[Id]) -> list[NamedItem]:
    """Return what `rec_sys` calls its items; nothing where it names none and no category.

    Raises
    ------
    StateError
        A method returned another number of titles than ids.
    """
    titles = _asked(rec_sys, "get_item_titles", ItemTitles, item_ids)
    categories = _asked(rec_sys, "get_item_categories", ItemCategories, item_ids)
    if not any(titles) and not any(categories):
        return []
    return list(map(NamedItem, item_ids, titles, categories))


def keep_titles(folder: Path, named: Sequence[NamedItem]) -> None:
    """Write what items are called, or remove what stood there where nothing is known of them."""
    path = folder / NAME
    if not named:
        path.unlink(missing_ok=True)
        return
    # JSON carries integers of any size, and UTF-8 no half of a surrogate pair.
    text = json.dumps({"format": _FORMAT, "items": named}, ensure_ascii=True)
    replace_file(path, lambda temporary: temporary.write_text(text + "\n", "ascii"))


def kept_titles(folder: Path) -> list[NamedItem]:
    """Return what `keep_titles` wrote; nothing where it wrote nothing.

    Raises
    ------
    StateError
        The file is damaged or of another format.
    """
    path = folder / NAME
    if not path.is_file():
        return []
    try:
        kept = json.loads(path.read_text("ascii"))
        if kept["format"] != _FORMAT:
            raise ValueError(f"format {kept['format']!r}")
        return [NamedItem(id_, str(title), str(category)) for id_, title, category in kept["items"]]
    except (ValueError, KeyError, TypeError) as error:
        raise StateError(
            f"{path} cannot be read ({error}). Remove it, and train again to have titles."
        ) from None


def _asked(rec_sys: object, method: str, capability: type, item_ids: Sequence[Id]) -> Sequence[str]:
    if not isinstance(rec_sys, capability):
        return [""] * len(item_ids)
    found = getattr(rec_sys, method)(item_ids)
    if isinstance(found, str) or len(found) != len(item_ids):
        raise StateError(
            f"{method} was asked for {len(item_ids)} items and returned {shown(found)}; it must "
            "return one text per id, in the order of the ids."
        )
    return ["" if one is None else str(one) for one in found]
