"""Evaluations as tables on the terminal and as JSON objects."""

import json
from collections.abc import Mapping
from typing import Any, Final

from rich.table import Table

from edgerec.cli.drawing import plain_console, print_table
from edgerec.evaluate.catalogue import CatalogueEvaluation
from edgerec.evaluate.intervals import Interval, paired_interval
from edgerec.evaluate.ranking import PER_USER
from edgerec.evaluate.row_quality import RowQuality
from edgerec.evaluate.scored_rows import Evaluation
from edgerec.evaluate.table import Evaluations

_SHOWN: Final = {
    "ndcg": "NDCG",
    "recall": "recall",
    "mrr": "MRR",
    "hit_rate": "hit rate",
    "novelty": "novelty, bits",
    "diversity": "diversity",
}


def evaluation_mapping(evaluation: Evaluation) -> dict[str, Any]:
    """Return an evaluation as one flat JSON object, what it was compared with under "compared"."""
    found: dict[str, Any] = {"protocol": evaluation.protocol, **vars(evaluation.metrics)}
    if evaluation.compared:
        found["compared"] = {
            name: {key: _triple(interval) for key, interval in vars(quality).items()}
            for name, quality in evaluation.compared.items()
        }
    return found


def _triple(interval: Interval | None) -> list[float] | None:
    return None if interval is None else [interval.mean, interval.low, interval.high]


def evaluation_mappings(evaluations: Evaluations) -> list[dict[str, Any]]:
    """Return one JSON object per evaluation, as the manifest keeps them."""
    found = []
    if evaluations.labels is not None:
        found.append(evaluation_mapping(evaluations.labels))
    if evaluations.ranking is not None:
        found.append(catalogue_mapping(evaluations.ranking))
    return found


def print_evaluations(evaluations: Evaluations, as_json: bool) -> None:
    """Print evaluations as tables or as one JSON object, the ranking under "ranking"."""
    labels, ranking = evaluations.labels, evaluations.ranking
    if as_json:
        found = {} if labels is None else evaluation_mapping(labels)
        if ranking is not None:
            found["ranking"] = catalogue_mapping(ranking)
        print(json.dumps(found))
        return
    if labels is not None:
        _print_labels(labels)
    if ranking is not None:
        _print_ranking(ranking)


def _print_labels(evaluation: Evaluation) -> None:
    metrics = evaluation.metrics
    print_table(
        "evaluation",
        {
            "AUC": f"{metrics.auc:.4f}",
            "GAUC": f"{metrics.gauc:.4f}",
            "log loss": f"{metrics.log_loss:.4f}",
            "samples": f"{metrics.n_samples:,}",
            "users": f"{metrics.n_users:,} ({metrics.n_users_skipped:,} of one class, not in GAUC)",
            "calibration error": f"{metrics.calibration_error:.4f}, mean |score - share of 1| over "
            "ten bins",
            "protocol": evaluation.protocol,
        },
    )
    if evaluation.compared:
        _print_compared(evaluation.compared)


def _print_compared(compared: Mapping[str, RowQuality]) -> None:
    table = Table(title="on the same rows", title_justify="left")
    for heading in ("", "AUC", "GAUC", "log loss", "model's AUC less this", "GAUC"):
        table.add_column(heading)
    for name, quality in compared.items():
        levels = (quality.auc, quality.gauc, quality.log_loss)
        differences = (quality.auc_difference, quality.gauc_difference)
        table.add_row(
            name,
            *(_with_interval(_triple(one) or []) for one in levels),
            *(_signed(_triple(one) or []) for one in differences),
        )
    table.caption = "95 % intervals by bootstrap over users; differences are of the same draws"
    plain_console().print(table)


def catalogue_mapping(evaluation: CatalogueEvaluation) -> dict[str, Any]:
    """Return a ranking as one JSON object: each metric as [mean, low, high]."""
    rankings: dict[str, Any] = {}
    for name, metrics in evaluation.metrics.items():
        intervals = {key: metrics.interval(key) for key in PER_USER}
        rankings[name] = {key: [one.mean, one.low, one.high] for key, one in intervals.items()}
        rankings[name]["coverage"] = metrics.coverage
    model = evaluation.metrics["model"].per_user["ndcg"]
    for name, metrics in evaluation.metrics.items():
        if name != "model":
            difference = paired_interval(model, metrics.per_user["ndcg"])
            rankings[name]["ndcg_of_model_above"] = [
                difference.mean,
                difference.low,
                difference.high,
            ]
    return {
        "protocol": evaluation.protocol,
        "k": evaluation.k,
        "n_users": len(evaluation.user_ids),
        "n_users_skipped": evaluation.n_users_skipped,
        "n_cold_items": evaluation.n_cold,
        "rankings": rankings,
    }


def _print_ranking(evaluation: CatalogueEvaluation) -> None:
    found = catalogue_mapping(evaluation)
    table = Table(title=f"top {evaluation.k} of the whole catalogue", title_justify="left")
    table.add_column("")
    for name in found["rankings"]:
        table.add_column(name)
    for key, words in _SHOWN.items():
        cells = [_with_interval(one[key]) for one in found["rankings"].values()]
        table.add_row(words, *cells)
    coverages = [f"{one['coverage']:.4f}" for one in found["rankings"].values()]
    table.add_row("coverage", *coverages)
    above = [one.get("ndcg_of_model_above") for one in found["rankings"].values()]
    table.add_row("model's NDCG less this", *("" if one is None else _signed(one) for one in above))
    plain_console().print(table)
    print_table(
        "how it was measured",
        {
            "users": f"{found['n_users']:,} ({found['n_users_skipped']:,} more without a relevant "
            "item)",
            "intervals": "95 %, by bootstrap over users; differences are of the same users",
            "never hit": f"{found['n_cold_items']:,} relevant items that training did not have",
            "protocol": evaluation.protocol,
            **advice(found["rankings"]),
        },
    )


def advice(rankings: Mapping[str, Any]) -> dict[str, str]:
    """Return what to do where a baseline ranks better than the model beyond chance.

    >>> advice({"model": {}, "popularity": {"ndcg_of_model_above": [-0.04, -0.09, -0.01]}})
    {'what to do': 'popularity ranks better. A file that is to rank the whole catalogue ...'}
    >>> advice({"model": {}, "popularity": {"ndcg_of_model_above": [-0.04, -0.09, 0.01]}})
    {}
    """
    better = [
        name
        for name, one in rankings.items()
        if "ndcg_of_model_above" in one and one["ndcg_of_model_above"][2] < 0
    ]
    if not better:
        return {}
    return {
        "what to do": f"{', '.join(better)} {'rank' if len(better) > 1 else 'ranks'} better. A "
        'file that is to rank the whole catalogue is trained for it: objective = "top" under '
        '[training], or TrainSettings(objective="top", n_neighbours=50).'
    }


def _with_interval(values: list[float]) -> str:
    if not values:
        return ""
    mean, low, high = values
    return f"{mean:.4f}\n{low:.4f} to {high:.4f}"


def _signed(values: list[float]) -> str:
    if not values:
        return ""
    mean, low, high = values
    return f"{mean:+.4f}\n{low:+.4f} to {high:+.4f}"
