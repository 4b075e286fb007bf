"""Items that a RecSys lists beside those of its samples."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Final

from edgerec.errors import SampleError, shown
from edgerec.ids import IdIndex
from edgerec.progress import Progress
from edgerec.recsys import Id, ItemCatalogue

_CHUNK: Final = 16_384
# Below this share of described items a catalogue is more likely another one than incomplete.
_FEW: Final = 0.5


def add_catalogue(rec_sys: ItemCatalogue, items: IdIndex, progress: Progress) -> None:
    """Add the items that no sample has, and say where the two lists hardly meet.

    Raises
    ------
    SampleError
        Nothing that can be iterated over came, or ids of other items alone.
    """
    n_met, described = len(items), 0
    for some in _batches(_listed(rec_sys)):
        described += int((items.encode(some) < n_met).sum())
    if len(items) > n_met and not described:
        raise SampleError(
            f"None of the {n_met} items of the samples is among the {len(items) - n_met} that "
            f"item_generator yields (such as {items.id_of(0)!r} here and "
            f"{items.id_of(n_met)!r} there), so what is known of those says nothing of these. "
            "Yield the ids that samples have; in edgerec.toml, name the column of those ids in "
            "[items]."
        )
    if described < _FEW * n_met and len(items) > n_met:
        progress.message(
            f"only {described} of the {n_met} items of the samples are among those that "
            "item_generator yields, or in the table of [items]: the others have no features. Check "
            "its ids."
        )


def _listed(rec_sys: ItemCatalogue) -> Iterator[Id]:
    returned: object = rec_sys.item_generator()
    if isinstance(returned, str) or not isinstance(returned, Iterable):
        raise SampleError(
            f"item_generator returned {shown(returned)}; expected an iterator of item ids. Write "
            "`yield item_id` for each item."
        )
    return iter(returned)


def _batches(ids: Iterator[Id]) -> Iterator[list[Id]]:
    while some := list(islice(ids, _CHUNK)):
        yield some
