"""What train() returns: a ranker that can be exported and served."""

from dataclasses import dataclass
from pathlib import Path

from edgerec.config import ExportSettings
from edgerec.export.bundle import Exported, export
from edgerec.progress import Progress, Silent
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
