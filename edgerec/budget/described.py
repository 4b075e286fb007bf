"""What a search found, as JSON for the manifest; and its choice as a file."""

import math
from pathlib import Path
from typing import Any

from edgerec.budget.bounds import Point
from edgerec.budget.frontier import Frontier, Step
from edgerec.export.bundle import Exported, add_budget, export
from edgerec.progress import Progress
from edgerec.training.ranker import Ranker


def write_chosen(
    frontier: Frontier, ranker: Ranker, path: str | Path, progress: Progress
) -> Exported:
    """Export the file that a search chose, with what it found in the manifest.

    Raises
    ------
    BudgetError
        No file met the budget; the sentence says by how much. Nothing is written.
    """
    point = frontier.require_chosen()
    made = frontier.rankers.get(frontier.points.index(point), ranker)
    exported = export(made, path, progress, point.settings)
    add_budget(exported.path, described(frontier))
    return exported


def described(frontier: Frontier) -> dict[str, Any]:
    """Return the search as plain JSON types; what is not defined is None."""
    best = frontier.best()
    # Without a held-out sample of each label there is no area, and every loss is 0.
    return {
        "bounds": frontier.budget.bounds(),
        "max_loss": frontier.max_loss,
        "n_samples": frontier.n_samples,
        "points": [
            {
                **_point(one),
                "is_beaten": one not in best,
                "is_chosen": one is frontier.chosen,
            }
            for one in frontier.points
        ],
        "steps": [_step(one) for one in frontier.steps],
    }


def _point(point: Point) -> dict[str, Any]:
    cost = point.cost
    return {
        "what": point.what,
        "bytes": point.n_bytes,
        "ms": round(point.ms, 4),
        "resident_bytes": point.resident_bytes,
        "auc": None if cost is None else _number(cost.rounded.auc),
        "gauc": None if cost is None else _number(cost.rounded.gauc),
        "loss": point.loss,
        "top_10_overlap": point.overlap,
    }


def _step(step: Step) -> dict[str, Any]:
    before, after = step.before, step.after
    return {
        "what": after.what,
        "saved_bytes": before.n_bytes - after.n_bytes,
        "saved_ms": round(before.ms - after.ms, 4),
        "loss": round(after.loss - before.loss, 5),
        "top_10_overlap": _number(after.overlap),
    }


def _number(value: float) -> float | None:
    return None if math.isnan(value) else value
