"""What train() returns: a ranker that can be exported and served."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from edgerec.config import ExportSettings
from edgerec.errors import ItemNotFound
from edgerec.export.bundle import Exported, export
from edgerec.ids import rows_of
from edgerec.progress import Progress, Silent
from edgerec.recsys import Id
from edgerec.train.ranker import Ranker


@dataclass(frozen=True)
class Model:
    """A trained model.

    Attributes
    ----------
    ranker : Ranker
        Tables and network; `ranker.answer(request)` is the reference in Python.
    """

    ranker: Ranker

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
        if not found:
            raise ItemNotFound(
                f"{[*item_ids, *minus]!r} have no vectors, or cancel each other out. Ask for "
                "others."
            )
        return found
