"""Everything that a report tells, measured through the exported file."""

import dataclasses
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from edgerec.errors import OneClassError
from edgerec.evaluate.calibration import Calibration, calibration
from edgerec.evaluate.catalogue import CatalogueEvaluation
from edgerec.evaluate.evaluation_rows import EvaluationRows
from edgerec.evaluate.examples import ExampleUser, example_users
from edgerec.evaluate.importance import (
    Importance,
    feature_groups,
    permutation_importance,
    single_columns,
)
from edgerec.evaluate.item_map import ItemMap, item_map
from edgerec.evaluate.label_baselines import PROBABILITIES
from edgerec.evaluate.latency import Latency, measure_latency
from edgerec.evaluate.next_item import NextItems, next_items
from edgerec.evaluate.probed import ProbedRows, probe_rows
from edgerec.evaluate.row_quality import RowQuality
from edgerec.evaluate.scored_rows import Evaluation
from edgerec.evaluate.segments import (
    Segment,
    history_segments,
    popularity_segments,
    segment_qualities,
)
from edgerec.export.probe import FeatureProbe
from edgerec.export.similarity_vectors import file_vectors
from edgerec.export.sizes import sizes_of_parts
from edgerec.export.vectors import item_embedding
from edgerec.progress import Progress, Silent
from edgerec.recsys import Id
from edgerec.report.content import Check
from edgerec.scoring import TableScorer
from edgerec.titles.kept import NamedItem

Titles = Callable[[Sequence[Id]], Sequence[str | None]]

_MOST_IMPORTANCE_ROWS: Final = 20_000
_LOG_COUNT: Final = "item_log_count"


@dataclass(frozen=True)
class LabelFigures:
    """How well scores tell labels apart."""

    evaluation: Evaluation
    """on all rows"""
    qualities: Mapping[str, RowQuality]
    """by name: the model first, then baselines, on all rows"""
    calibration: Calibration
    """on all rows"""
    n_rows: int
    """on which all that follows was measured: every row of some users, or all rows"""
    n_users: int
    by_history: tuple[Segment, ...]
    by_popularity: tuple[Segment, ...]
    """empty: the file does not say how popular an item is"""
    groups: tuple[Importance, ...]
    columns: tuple[Importance, ...]


@dataclass(frozen=True)
class Measured:
    """What the page is written from."""

    manifest: Mapping[str, Any]
    sizes: dict[str, int]
    """bytes of each part of the file"""
    labels: LabelFigures | None = None
    ranking: CatalogueEvaluation | None = None
    next_items: NextItems | None = None
    """what the item embedding knows by itself; None: there is none, or nobody to ask about"""
    examples: tuple[ExampleUser, ...] = ()
    titles: Mapping[Id, str] = dataclasses.field(default_factory=dict)
    """of the items that the examples name"""
    latencies: tuple[Latency, ...] = ()
    item_map: ItemMap | None = None
    """None: the file has no vectors to lay out"""
    catalogue: tuple[Id, ...] = ()
    """ids of the items, in the order of the file"""
    named: Mapping[Id, NamedItem] = dataclasses.field(default_factory=dict)
    """titles and categories, of the items that have any"""
    audit: tuple[Check, ...] = ()
    """what the leak audit of the training found; empty: there was none"""


def measure(
    model: str | Path,
    test: EvaluationRows | None,
    *,
    ranking: CatalogueEvaluation | None = None,
    titles: Titles | None = None,
    named: Sequence[NamedItem] = (),
    n_examples: int = 4,
    with_times: bool = True,
    random_state: int = 0,
    progress: Progress | None = None,
) -> Measured:
    """Measure the file `model` (NAME.onnx).

    Parameters
    ----------
    test : EvaluationRows, optional
        None: only what the file and its manifest say of themselves.
    ranking : CatalogueEvaluation, optional
        What `edgerec.evaluate.catalogue` found of the same file.
    titles : callable, optional
        Takes item ids and returns their titles; None: has none but those of `named`.
    named : sequence of NamedItem
        What items are called and of which categories they are, for the map.
    with_times : bool
        Time the scorer. The only part that is not the same each time.

    Raises
    ------
    EvaluationError
        The rows do not allow the metrics, or the file was written by another version.
    """
    progress = progress or Silent()
    # First, since it is what audits the two files.
    scorer = TableScorer(model)
    manifest, probe = scorer.manifest, FeatureProbe(model)
    labels, near, examples = None, None, []
    if test is not None and test.has_labels:
        try:
            labels = _label_figures(scorer, probe, test, random_state, progress)
        except OneClassError:
            # As `edgerec evaluate` does: where labels cannot be told apart, the ranking stands.
            if ranking is None:
                raise
    if test is not None:
        near = next_items(
            scorer,
            probe,
            item_embedding(model),
            test.rows(),
            test.history_rows(),
            frozen=test.frozen,
            progress=progress,
        )
    # A file that holds nothing of any user is not to have a page beside it that does.
    if test is not None and n_examples and manifest["catalogue"]["n_users"]:
        progress.stage("examples")
        examples = example_users(
            scorer,
            probe,
            test.rows,
            test.history_rows,
            n_examples=n_examples,
            frozen=test.frozen,
            label_above=test.label_above,
            random_state=random_state,
        )
    found = _item_map(model, probe, random_state, progress)
    by_id = {one.item_id: one for one in named}
    if titles is not None and found is not None and not by_id:
        shown = [probe.catalogue[at] for at in found.positions.tolist()]
        titled = zip(shown, titles(shown), strict=True)
        by_id = {id_: NamedItem(id_, title) for id_, title in titled if title}
    return Measured(
        item_map=found,
        catalogue=tuple(probe.catalogue),
        named=by_id,
        manifest=manifest,
        sizes=sizes_of_parts(model),
        labels=labels,
        ranking=ranking,
        next_items=near,
        examples=tuple(examples),
        titles=_titles_of(examples, titles or _kept(by_id)),
        latencies=tuple(measure_latency(scorer)) if with_times else (),
        audit=_audit(manifest.get("audit", ())),
    )


def _item_map(
    model: str | Path, probe: FeatureProbe, random_state: int, progress: Progress
) -> ItemMap | None:
    vectors = file_vectors(model)[1:]
    if not len(vectors) or _LOG_COUNT not in probe.names:
        return None
    progress.stage("map")
    started = time.perf_counter()
    found = item_map(vectors, probe.catalogue_column(_LOG_COUNT), random_state=random_state)
    if found is not None:
        seconds = time.perf_counter() - started
        progress.message(f"map of {len(found.positions):,} items in {seconds:.1f} s")
    return found


def _kept(named: Mapping[Id, NamedItem]) -> Titles | None:
    def of(ids: Sequence[Id]) -> list[str | None]:
        return [named[id_].title if id_ in named else None for id_ in ids]

    return of if named else None


def _label_figures(
    scorer: TableScorer,
    probe: FeatureProbe,
    test: EvaluationRows,
    random_state: int,
    progress: Progress,
) -> LabelFigures:
    baselines = test.baselines(scorer)
    rows = probe_rows(
        scorer,
        probe,
        test.rows(),
        test.history_rows(),
        frozen=test.frozen,
        label_above=test.label_above,
        baselines=baselines.scores if baselines else None,
        progress=progress,
    )
    progress.stage("intervals")
    scored, at = rows.scored, rows.probed
    probabilities = frozenset(("model", *PROBABILITIES))
    evaluation = scored.evaluation(probabilities, random_state)
    label, score, user = scored.label[at], scored.scores["model"][at], scored.user[at]
    popularity: list[Segment] = []
    if _LOG_COUNT in probe.names:
        parts = popularity_segments(
            rows.features[:, probe.names.index(_LOG_COUNT)],
            rows.is_known,
            probe.catalogue_column(_LOG_COUNT),
        )
        popularity = segment_qualities(parts, label, score, user, random_state)
    history = segment_qualities(history_segments(rows.n_history), label, score, user, random_state)
    some = _some_rows(rows, random_state)
    groups = feature_groups(probe.names)
    found = permutation_importance(
        probe,
        rows.features[some],
        label[some],
        [*groups, *single_columns(probe.names)],
        random_state=random_state,
        progress=progress,
    )
    return LabelFigures(
        evaluation=evaluation,
        qualities=evaluation.compared or scored.qualities(probabilities, random_state),
        calibration=calibration(scored.label, scored.scores["model"]),
        n_rows=len(label),
        n_users=len(np.unique(user)),
        by_history=tuple(history),
        by_popularity=tuple(popularity),
        groups=tuple(found[: len(groups)]),
        columns=tuple(found[len(groups) :]),
    )


def _some_rows(rows: ProbedRows, random_state: int) -> NDArray[np.int64]:
    """Return positions among the probed rows: few enough to shuffle them often."""
    n = len(rows.probed)
    random = np.random.default_rng([random_state, 4])
    return np.sort(random.permutation(n)[:_MOST_IMPORTANCE_ROWS])


def _titles_of(examples: Sequence[ExampleUser], titles: Titles | None) -> dict[Id, str]:
    if titles is None:
        return {}
    named: dict[Id, None] = {}
    for one in examples:
        named.update(dict.fromkeys(item for item, _ in one.newest))
        named.update(dict.fromkeys(place.item_id for place in one.recommended))
    ids = list(named)
    return {id_: title for id_, title in zip(ids, titles(ids), strict=True) if title}


def _audit(findings: Sequence[Mapping[str, str]]) -> tuple[Check, ...]:
    """Return what the manifest says of the audit: check, outcome, and what was found."""
    return tuple(
        Check(
            one["check"],
            one["outcome"],
            " ".join(
                f"{words[:1].upper()}{words[1:].rstrip('.')}."
                for words in (one.get(key, "") for key in ("looked_at", "figure", "advice"))
                if words
            ),
        )
        for one in findings
    )
