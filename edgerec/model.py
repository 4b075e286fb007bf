"""What train() returns: a ranker that can be exported and served."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from edgerec.errors import ItemNotFound
from edgerec.export.bundle import Exported, export
from edgerec.export_settings import ExportSettings
from edgerec.ids import rows_of
from edgerec.progress import Progress, Silent
from edgerec.recsys import Id, ItemFeatures
from edgerec.training.new_items import with_new_items
from edgerec.training.ranker import Ranker


@dataclass(frozen=True)
class Model:
    """A trained model.

    Attributes
    ----------
    ranker : Ranker
        Tables and network; `ranker.answer(request)` is the reference in Python.
    """

    ranker: Ranker

    def with_items(
        self, rec_sys: ItemFeatures, item_ids: Sequence[Id], *, progress: Progress | None = None
    ) -> "Model":
        """Return a model that also knows items that training never saw.

        Nothing is trained again: they are known by their features and texts, as `rec_sys` gives
        them, and every score of another item stays as it is. Ids that are known are left out.

        Raises
        ------
        SampleError
            There is no id, none that is new, one twice or one of another kind; or features or
            texts cannot be used. The sentence names the id.
        """
        return Model(with_new_items(self.ranker, rec_sys, item_ids, progress or Silent()))

    def export(
        self,
        path: str | Path,
        *,
        settings: ExportSettings | None = None,
        progress: Progress | None = None,
    ) -> Exported:
        """Write PATH (one .onnx file) and the manifest beside it, after a parity check.

        Raises
        ------
        ConfigurationError
            The path does not end in .onnx.
        StorageError
            A file cannot be written there.
        ParityError
            The graph does not answer what training computed to 1e-5; nothing is written.
        PrecisionError
            Rounding costs more than `settings.max_loss`; nothing is written.
        """
        return export(self.ranker, path, progress or Silent(), settings or ExportSettings())

    def similar(
        self, item_ids: Sequence[Id], minus: Sequence[Id] = (), k: int = 10
    ) -> list[tuple[Id, float]]:
        """Return the `k` items most like a sum of items less others, the nearest first.

        Parameters
        ----------
        item_ids, minus : sequence of ids
            What is added, and what is taken away. None of them is answered.

        Returns
        -------
        list of (item id, cosine)

        Raises
        ------
        ItemNotFound
            An item was not in training, or what is added and taken away has no vector.
        """
        ranker = self.ranker
        rows = rows_of([*item_ids, *minus], ranker.item_ids)
        if not len(rows) or not rows.all():
            unknown = [one for one, row in zip([*item_ids, *minus], rows, strict=True) if not row]
            what = f"item {unknown[0]!r} is not in the catalogue" if unknown else "no item is given"
            raise ItemNotFound(f"{what}, so nothing is known to be similar. Ask for another.")
        found = ranker.similar(item_ids, minus, k)
        if not found and len(rows) == 1:
            raise ItemNotFound(
                f"item {item_ids[0]!r} has no vector, since nobody did anything with it in "
                "training and it has neither features nor a text. Ask for another."
            )
        if not found:
            raise ItemNotFound(
                f"{[*item_ids, *minus]!r} have no vectors, or cancel each other out. Ask for "
                "others."
            )
        return found
