"""Measures files: those that could be written, by a whole export, and single steps in short."""

import dataclasses
from dataclasses import dataclass
from pathlib import Path

from edgerec.budget.bounds import Point
from edgerec.budget.space import said_of
from edgerec.config import TrainSettings
from edgerec.export.bundle import exact_answers, export, graph_bytes
from edgerec.export.cost import HeldOutAnswers, held_out_answers, rounding_cost
from edgerec.export.footprint import median_ms, resident_bytes
from edgerec.export.kept import kept_of
from edgerec.export.parity import GraphSession
from edgerec.export.rounding import rounded
from edgerec.export.target import aimed
from edgerec.export_settings import ExportSettings
from edgerec.progress import Silent
from edgerec.training.ranker import Ranker


@dataclass(frozen=True)
class Glance:
    """A graph, measured without the export's gates: what a step from one to another is worth."""

    what: str
    n_bytes: int
    ms: float
    loss: float
    overlap: float


class Measuring:
    """Measures rankers against what the first one says of its held-out samples."""

    def __init__(self, ranker: Ranker, settings: ExportSettings, folder: Path) -> None:
        self._ranker = ranker
        self._folder = folder
        self._exact: HeldOutAnswers = exact_answers(ranker, settings)

    def point(self, ranker: Ranker, settings: ExportSettings) -> Point:
        """Export, parity check included, and measure the file.

        Raises
        ------
        ParityError
            Graph and ranker disagree.
        """
        path = self._folder / "model.onnx"
        # How much is too much is the search's to say; of the mapped form nothing is measured.
        mapped = False if settings.writes_mapped else settings.mapped
        lenient = dataclasses.replace(settings, max_loss=1.0, mapped=mapped)
        exported = export(ranker, path, Silent(), lenient, self._exact)
        made = made_of(ranker, settings)
        session = GraphSession(path, made)
        cost = exported.cost
        if ranker is not self._ranker:
            answers = held_out_answers(session, self._ranker, _n_known(settings))
            cost = rounding_cost(self._exact, answers, self._ranker)
        return Point(
            settings=settings,
            trained=ranker.settings,
            what=", ".join([said_of(settings), *retrained(self._ranker.settings, ranker.settings)]),
            n_bytes=exported.n_bytes,
            ms=median_ms(session, made),
            resident_bytes=resident_bytes(path),
            cost=cost,
        )

    def glance(self, settings: ExportSettings) -> Glance:
        """Measure a graph that is not written."""
        made = made_of(self._ranker, settings)
        data = graph_bytes(made, {}, settings)
        session = GraphSession(data, made)
        answers = held_out_answers(session, self._ranker, _n_known(settings))
        cost = rounding_cost(self._exact, answers, self._ranker)
        what, n_bytes = said_of(settings), len(data)
        ms, overlap = median_ms(session, made), cost.top_10_overlap
        return Glance(what, n_bytes, ms, cost.loss, overlap)


def made_of(ranker: Ranker, settings: ExportSettings) -> Ranker:
    """Return the ranker that a file of these settings is."""
    return rounded(kept_of(aimed(ranker, settings), settings.kept), settings.precision)


def retrained(before: TrainSettings, now: TrainSettings) -> list[str]:
    """Say in which settings of a search two trainings differ.

    >>> retrained(TrainSettings(), TrainSettings())
    []
    """
    said = []
    if now.embedding.embedding_dim != before.embedding.embedding_dim:
        said.append(f"trained again with embedding_dim {now.embedding.embedding_dim}")
    if now.network.hidden_layer_sizes != before.network.hidden_layer_sizes:
        widths = ", ".join(map(str, now.network.hidden_layer_sizes))
        said.append(f"trained again with layers of {widths}")
    return said


def _n_known(settings: ExportSettings) -> int | None:
    return None if settings.without_users else settings.kept.n_known_each
