"""A validation cut of a configuration's interactions, made as `edgerec split` makes a test cut."""

import math
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from edgerec.config import TrainSettings
from edgerec.declared.capabilities import with_texts
from edgerec.declared.reading import database_url
from edgerec.declared.schema import Configuration, interaction_names, row_conditions
from edgerec.declared.settings import objective_of
from edgerec.errors import ConfigurationError
from edgerec.evaluate.catalogue import evaluate_catalogue
from edgerec.evaluate.owned import owned_items
from edgerec.evaluate.prequential import Row, evaluate_rows
from edgerec.files import scratch_folder
from edgerec.pipeline import train
from edgerec.samples.split import rows_to_test
from edgerec.scoring import TableScorer
from edgerec.source import (
    chosen,
    open_engine,
    read_interactions,
)

METRICS: Final = ("auc", "gauc", "auc+gauc", "ndcg")
_RANKING: Final = "ndcg"
_TOP: Final = 10


@dataclass(frozen=True)
class CutRule:
    """How rows are chosen to validate on; see `edgerec.samples.split.split_table`."""

    by: str = "user-time"
    fraction: float = 0.2
    random_state: int = 0


class ValidationCut:
    """Trains on the interactions of a configuration but some, and measures on those.

    Nothing is written to the database. Sequences of [sequences] are not read, since their table
    may hold the rows that are left out; item2vec learns from what users liked instead.

    Raises
    ------
    ConfigurationError
        The rule leaves no row on one side, or negatives come from [impressions]: what was held
        out would count as seen and not taken.
    SourceError
        A table or column is not there.
    """

    def __init__(self, configuration: Configuration, rule: CutRule) -> None:
        if configuration.impressions is not None:
            raise ConfigurationError(
                "edgerec tune cannot hold rows out of [impressions]: what a user takes in the rows "
                "to validate on would be learned as seen and not taken. Leave [impressions] and "
                "label.negatives out while tuning."
            )
        self._configuration = configuration
        self._rule = rule
        interactions = configuration.interactions
        self._engine = open_engine(database_url(configuration))
        self._columns = interaction_names(configuration).find(self._engine, interactions.table)
        self._where = row_conditions(interactions.where)
        self.rec_sys = with_texts(configuration, ~self._mask("user"))

    @property
    def metric(self) -> str:
        """What is worth most by the objective: AUC with GAUC, or NDCG of the catalogue."""
        return _RANKING if objective_of(self._configuration) == "top" else "auc+gauc"

    @property
    def n_rows(self) -> int:
        """How many interactions are validated on."""
        return int(self._mask("user").sum())

    @property
    def n_training_rows(self) -> int:
        """How many interactions are trained on."""
        return len(self._mask("user")) - self.n_rows

    def quality(
        self,
        settings: TrainSettings,
        metric: str,
        accepted_leaks: Collection[str] = (),
    ) -> tuple[float, dict[str, float]]:
        """Train with `settings` and measure through the exported file.

        Returns
        -------
        tuple
            What `metric` names (NaN counts as 0), and all that was measured.
        """
        with scratch_folder() as folder:
            file = folder / "trial.onnx"
            model = train(
                self.rec_sys,
                settings,
                held_out_rows=lambda: (
                    (row.user_id, row.item_id, row.timestamp, row.value)
                    for row in self._rows("time")
                ),
                accepted_leaks=accepted_leaks,
            )
            model.export(file)
            measured = self._ranking(file) if metric == _RANKING else self._labels(file)
        value = (
            (measured["auc"] + measured["gauc"]) / 2 if metric == "auc+gauc" else measured[metric]
        )
        return (0.0 if math.isnan(value) else value), measured

    def _labels(self, file: Path) -> dict[str, float]:
        section = self._configuration.evaluation
        found = evaluate_rows(
            TableScorer(file),
            self._rows("time"),
            frozen=section is not None and section.frozen,
        ).metrics
        return {"auc": found.auc, "gauc": found.gauc, "log_loss": found.log_loss}

    def _ranking(self, file: Path) -> dict[str, float]:
        section = self._configuration.evaluation
        scorer = TableScorer(file)
        found = evaluate_catalogue(
            scorer,
            self._rows("user"),
            owned_items(self.rec_sys.chunks(), scorer.catalogue()),
            k=(section and section.top) or _TOP,
            repeats=section is not None and section.repeats,
            baselines=(),
        ).metrics["model"]
        measured = {name: float(found.per_user[name].mean()) for name in ("ndcg", "recall")}
        return {**measured, "coverage": found.coverage}

    def _rows(self, order: Literal["time", "user"]) -> Iterator[Row]:
        chunks = read_interactions(
            self._engine,
            self._configuration.interactions.table,
            self._columns,
            order=order,
            where=self._where,
        )
        for chunk in chosen(chunks, self._mask(order)):
            for user_id, item_id, value, timestamp in chunk.rows():
                stated = not math.isnan(value)
                if stated or self._configuration.label.rule == "taken":
                    yield Row(user_id, item_id, value if stated else None, timestamp)

    def _mask(self, order: Literal["time", "user"]) -> NDArray[np.bool_]:
        return self._masks[order]

    @cached_property
    def _masks(self) -> dict[str, NDArray[np.bool_]]:
        options: dict[str, Any] = vars(self._rule)
        table = self._configuration.interactions.table
        return {
            order: rows_to_test(
                self._engine, table, self._columns, where=self._where, order=order, **options
            )
            for order in ("time", "user")
        }
