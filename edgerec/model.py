"""What train() returns: a ranker that can be exported and served."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from edgerec.export.bundle import Exported, export
from edgerec.export_settings import ExportSettings
from edgerec.progress import Progress, Silent
from edgerec.recsys import Id, ItemFeatures
from edgerec.train.new_items import with_new_items
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
