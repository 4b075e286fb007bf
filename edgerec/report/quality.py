"""Sections on how good the file is: quality, ranking, calibration, segments, importance."""

from collections.abc import Sequence
from typing import Final

from edgerec.evaluate.catalogue import CatalogueEvaluation
from edgerec.evaluate.importance import Importance
from edgerec.evaluate.intervals import paired_interval
from edgerec.evaluate.segments import Segment
from edgerec.report.content import (
    Cell,
    Figure,
    IntervalChart,
    NamedInterval,
    Point,
    ReliabilityChart,
    Section,
    Table,
    Text,
)
from edgerec.report.measured import LabelFigures
from edgerec.report.words import count, figure, interval_cell, signed

_MOST_COLUMNS: Final = 15
_RANKED: Final = (
    ("ndcg", "NDCG"),
    ("recall", "recall"),
    ("mrr", "MRR"),
    ("hit_rate", "hit rate"),
    ("novelty", "novelty, bits"),
    ("diversity", "diversity"),
)


def quality_section(found: LabelFigures) -> Section:
    """Return metrics of the model and of baselines on the same rows."""
    rows = [
        (
            Cell(name),
            interval_cell(one.auc),
            interval_cell(one.auc_difference, is_difference=True),
            interval_cell(one.gauc),
            interval_cell(one.log_loss),
        )
        for name, one in found.qualities.items()
    ]
    metrics = found.evaluation.metrics
    intervals = tuple(
        NamedInterval(name, one.auc.mean, one.auc.low, one.auc.high)
        for name, one in found.qualities.items()
    )
    words = "; ".join(f"{one.name} {one.mean:.3f}" for one in intervals)
    return Section(
        "quality",
        "Telling liked from not liked",
        "AUC is the chance that a row with label 1 is scored above one with label 0: 0.5 is "
        "guessing, 1 is perfect. GAUC asks the same within each user. Log loss is small where the "
        "scores are good probabilities.",
        (
            Table(
                "The model and baselines on the same test rows",
                ("", "AUC", "model's AUC less this", "GAUC", "log loss"),
                tuple(rows),
                "Intervals: 95 %, by bootstrap over users. A difference counts where its interval "
                "does not hold 0.",
            ),
            Figure(
                "AUC with 95 % intervals.",
                f"AUC of the model and of baselines: {words}.",
                IntervalChart("AUC", intervals),
            ),
            Text(
                f"{count(metrics.n_samples)} test rows of {count(metrics.n_users)} users; "
                f"{count(metrics.n_users_skipped)} of them have one label alone and do not count "
                f"for GAUC. Protocol: {found.evaluation.protocol}."
            ),
        ),
    )


def ranking_section(found: CatalogueEvaluation) -> Section:
    """Return what stands on top of the whole catalogue, beside baselines."""
    model = found.metrics["model"].per_user["ndcg"]
    rows = []
    intervals = []
    for name, one in found.metrics.items():
        difference = None if name == "model" else paired_interval(model, one.per_user["ndcg"])
        measured = {key: one.interval(key) for key, _ in _RANKED}
        ndcg = measured["ndcg"]
        intervals.append(NamedInterval(name, ndcg.mean, ndcg.low, ndcg.high))
        rows.append(
            (
                Cell(name),
                interval_cell(ndcg),
                interval_cell(difference, is_difference=True),
                *(interval_cell(measured[key]) for key, _ in _RANKED[1:]),
                Cell(figure(one.coverage)),
            )
        )
    words = "; ".join(f"{one.name} {one.mean:.3f}" for one in intervals)
    headings = [words_ for _, words_ in _RANKED]
    return Section(
        "ranking",
        f"The best {found.k} of the whole catalogue",
        "For each test user the whole catalogue is ranked. NDCG, recall, MRR and hit rate say how "
        f"much of what he liked later stands among the {found.k} places; coverage is the share of "
        "the catalogue that anyone is shown; novelty is high for items that few have.",
        (
            Table(
                f"Lists of {found.k}, for {count(len(found.user_ids))} users",
                ("", headings[0], "model's NDCG less this", *headings[1:], "coverage"),
                tuple(rows),
                "Intervals: 95 %, by bootstrap over users; differences are of the same users.",
            ),
            Figure(
                f"NDCG@{found.k} with 95 % intervals.",
                f"NDCG at {found.k} of the model and of baselines: {words}.",
                IntervalChart(f"NDCG@{found.k}", tuple(intervals)),
            ),
            Text(
                f"{count(found.n_users_skipped)} more users have no relevant item; "
                f"{count(found.n_cold)} relevant items were not in training and are never hit. "
                f"Protocol: {found.protocol}."
            ),
        ),
    )


def calibration_section(found: LabelFigures) -> Section:
    """Return whether scores are the shares that they say."""
    bins = found.calibration.bins
    points = tuple(Point(one.mean_score, one.observed_rate) for one in bins)
    error = f"{found.calibration.expected_error:.3f}"
    return Section(
        "calibration",
        "Calibration",
        "Of the rows that are scored 0.7, seven in ten should have label 1. On the dashed line "
        "they do; above it the model says too little, below it too much.",
        (
            Figure(
                f"Reliability in {len(bins)} bins of equal counts. Expected calibration error: "
                f"{error}.",
                f"Reliability diagram; the expected calibration error is {error}.",
                ReliabilityChart("score", "share with label 1", points),
            ),
            Table(
                "The bins",
                ("score", "share with label 1", "rows"),
                tuple(
                    (
                        Cell(figure(one.mean_score)),
                        Cell(figure(one.observed_rate)),
                        Cell(count(one.n_samples)),
                    )
                    for one in bins
                ),
            ),
        ),
    )


def segments_section(found: LabelFigures) -> Section:
    """Return quality by the length of the history and by the popularity of the item."""
    tables = [_segments("By the length of the user's history", found.by_history)]
    if found.by_popularity:
        tables.append(_segments("By the popularity of the item", found.by_popularity))
    return Section(
        "segments",
        "Who and what it is good for",
        "A mean hides the parts. AUC within a part is lower than over all where the part is more "
        "alike, so compare parts with care; score and share show whether a part is scored too "
        "high.",
        (
            *tables,
            Text(
                f"{_measured_on(found)}Popular: the fewest items that hold half of the training "
                "interactions; middle: the next 30 %; tail: the last 20 %. A history is what the "
                "file knew of the user and what came strictly before the row, as the graph itself "
                "counted it."
            ),
        ),
    )


def _measured_on(found: LabelFigures) -> str:
    if found.n_rows == found.evaluation.metrics.n_samples:
        return ""
    return (
        f"Measured on all {count(found.n_rows)} rows of {count(found.n_users)} users who were "
        "chosen at random, as what follows. "
    )


def _segments(caption: str, segments: Sequence[Segment]) -> Table:
    total = max(sum(one.n_samples for one in segments), 1)
    empty = [one.name for one in segments if not one.n_samples]
    return Table(
        caption,
        ("", "AUC", "GAUC", "score", "share with label 1", "rows"),
        tuple(
            (
                Cell(one.name, f"{count(one.n_users)} users"),
                interval_cell(None if one.quality is None else one.quality.auc),
                interval_cell(None if one.quality is None else one.quality.gauc),
                Cell(figure(one.mean_score)),
                Cell(figure(one.observed_rate)),
                Cell(count(one.n_samples), share=one.n_samples / total),
            )
            for one in segments
            if one.n_samples
        ),
        f"Without a test row: {'; '.join(empty)}." if empty else "",
    )


def importance_section(found: LabelFigures) -> Section:
    """Return what the AUC loses without each part of the features."""
    columns = sorted(found.columns, key=lambda one: -one.drop)[:_MOST_COLUMNS]
    return Section(
        "importance",
        "What it goes by",
        "A part of the features is shuffled over the rows, and the exported graph scores them "
        "again: the more AUC is lost, the more the model relies on that part. Parts that say the "
        "same cover for each other, and both then look small.",
        (
            _importances("Groups of features", found.groups),
            _importances(f"The {len(columns)} single features that matter most", columns),
            Text(
                "The graph of the file is cut at its feature vector. Its first half computes the "
                "features of the test rows, its second half, the network as it ships, scores them "
                "shuffled. Mean and standard deviation of 5 shuffles."
            ),
        ),
    )


def _importances(caption: str, found: Sequence[Importance]) -> Table:
    largest = max([one.drop for one in found], default=0.0)
    return Table(
        caption,
        ("", "AUC lost"),
        tuple(
            (
                Cell(one.name, f"{one.n_columns} columns" if one.n_columns > 1 else ""),
                Cell(
                    signed(one.drop, 4),
                    f"± {one.spread:.4f}",
                    share=one.drop / largest if largest > 0 else 0.0,
                ),
            )
            for one in found
        ),
    )
