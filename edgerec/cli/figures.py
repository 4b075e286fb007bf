"""Evaluations as tables on the terminal and as JSON objects."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from rich import box
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
            **label_advice(evaluation.compared),
        },
    )
    if evaluation.compared:
        _print_compared(evaluation.compared)


def _print_compared(compared: Mapping[str, RowQuality]) -> None:
    headings = ("AUC", "GAUC", "log loss", "AUC gain", "GAUC gain")
    rows = {
        name: (
            *(_with_interval(_triple(one)) for one in (quality.auc, quality.gauc)),
            _with_interval(_triple(quality.log_loss)),
            _with_interval(_triple(quality.auc_difference), "+"),
            _with_interval(_triple(quality.gauc_difference), "+"),
        )
        for name, quality in compared.items()
    }
    _print_rows(
        "on the same rows",
        headings,
        rows,
        "gain: the model's less this, on the same draws of users. 95 % intervals by bootstrap over "
        "users; log loss where a score is a probability",
    )


def _print_rows(
    title: str, headings: Sequence[str], rows: Mapping[str, Sequence[str]], caption: str = ""
) -> None:
    """Print one line per thing compared; narrow enough for 80 columns."""
    table = Table(
        title=title, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0)
    )
    for heading in ("", *headings):
        table.add_column(heading)
    for name, cells in rows.items():
        table.add_row(name, *cells)
    table.caption = caption or None
    table.caption_justify = "left"
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
    rankings = found["rankings"]
    first, others = ("ndcg", "recall", "hit_rate"), ("mrr", "novelty", "diversity")
    _print_rows(
        f"top {evaluation.k} of the whole catalogue",
        ("NDCG", "NDCG gain", *(_SHOWN[key] for key in first[1:])),
        {
            name: (
                _with_interval(one["ndcg"]),
                _with_interval(one.get("ndcg_of_model_above"), "+"),
                *(_with_interval(one[key]) for key in first[1:]),
            )
            for name, one in rankings.items()
        },
        "gain: the model's less this",
    )
    _print_rows(
        "what the lists are like",
        (*(_SHOWN[key] for key in others), "coverage"),
        {
            name: (*(_with_interval(one[key]) for key in others), f"{one['coverage']:.4f}")
            for name, one in rankings.items()
        },
    )
    print_table(
        "how it was measured",
        {
            "users": f"{found['n_users']:,} ({found['n_users_skipped']:,} more without a relevant "
            "item)",
            "intervals": "95 %, by bootstrap over users; differences are of the same users",
            "never hit": f"{found['n_cold_items']:,} relevant items that training did not have",
            "protocol": evaluation.protocol,
            **advice(rankings, evaluation.objective),
        },
    )


def advice(rankings: Mapping[str, Any], objective: str = "samples") -> dict[str, str]:
    """Return what to do where a baseline ranks better than the model beyond chance.

    Parameters
    ----------
    objective : str
        What the file was trained for.

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
    said = f"{'; '.join(better)} {'rank' if len(better) > 1 else 'ranks'} better. "
    if objective == "top":
        said += (
            "The file is trained for the whole catalogue already: look for better settings with "
            "`edgerec tune`, or see whether the test rows come from other users or a much later "
            "time than the training rows."
        )
    else:
        said += (
            'A file that is to rank the whole catalogue is trained for it: objective = "top" under '
            '[training], or TrainSettings(objective="top", n_neighbours=50).'
        )
    return {"what to do": said}


def label_advice(compared: Mapping[str, RowQuality]) -> dict[str, str]:
    """Return what to do where a baseline tells labels apart better than the model beyond chance.

    >>> worse, same = Interval(-0.06, -0.09, -0.04), Interval(0.0, -0.01, 0.01)
    >>> level = Interval(0.7, 0.6, 0.8)
    >>> label_advice({"item mean": RowQuality(level, None, None, worse)})
    {'what to do': 'item mean tells labels apart better. Train with the defaults ...'}
    >>> label_advice({"item mean": RowQuality(level, None, None, same)})
    {}
    """
    better = [
        name
        for name, one in compared.items()
        if one.auc_difference is not None and one.auc_difference.high < 0
    ]
    if not better:
        return {}
    return {
        "what to do": f"{'; '.join(better)} {'tell' if len(better) > 1 else 'tells'} labels apart "
        "better. Train with the defaults or look for better settings with `edgerec tune`; a model "
        "that is still below has too few rows to learn from, or test rows of another kind."
    }


def _with_interval(values: Sequence[float] | None, sign: str = "") -> str:
    if not values:
        return ""
    mean, low, high = values
    # A digit fewer than the mean: a line of four such cells fits a terminal of 80 columns.
    between = f"{low:{sign}.3f}\nto {high:{sign}.3f}" if sign else f"{low:.3f}–{high:.3f}"
    return f"{mean:{sign}.4f}\n{between}"
