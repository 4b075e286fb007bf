"""Ranking quality on Online Retail, each customer's last fifth, beside peers on the same rows.

`python -m benchmarks.retail` splits, drafts and trains without a hand on the draft, then ranks the
whole catalogue through the exported file. Peers are fitted on the same training rows and see the
same history. implicit's ALS takes part where that package is installed.
"""

import importlib.util
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgerec.cli import main
from edgerec.datasets import find_online_retail, write_online_retail_database
from edgerec.evaluate.baselines import Baseline, standard_baselines
from edgerec.evaluate.catalogue import CatalogueEvaluation, evaluate_catalogue
from edgerec.evaluate.evaluation_rows import table_rows
from edgerec.evaluate.intervals import paired_interval
from edgerec.evaluate.owned import OwnedItems, owned_items
from edgerec.scoring import TableScorer
from edgerec.source import ColumnNames, find_columns, open_engine, read_interactions

# The best of what was tried on these very rows, in favour of the peers.
RIDGE = 200.0
FACTORS, REGULARISATION, ALPHA, ITERATIONS = 64, 30.0, 5.0, 15


class Ease:
    """Steck 2019, all weights, from the exact inverse."""

    name = "EASE"

    def __init__(self, owned: OwnedItems) -> None:
        taken = owned.matrix()
        gram = (taken.T @ taken).toarray()
        gram[np.diag_indices(len(gram))] += RIDGE
        inverse = np.linalg.inv(gram)
        self._weights = inverse / -np.diag(inverse)
        np.fill_diagonal(self._weights, 0)
        self._popularity = np.asarray(taken.sum(axis=0)).ravel()

    def scores(self, history: NDArray[np.int32]) -> NDArray[np.float64]:
        own = np.unique(history)
        scores: NDArray[np.float64] = self._weights[own].sum(axis=0)
        return scores if len(own) else self._popularity


class ImplicitAls:
    """implicit's ALS (Hu et al. 2008), the user's factors solved from his history."""

    name = "implicit's ALS"

    def __init__(self, owned: OwnedItems) -> None:
        from implicit.als import AlternatingLeastSquares

        taken = owned.matrix().astype(np.float32)
        model: Any = AlternatingLeastSquares(
            factors=FACTORS,
            regularization=REGULARISATION,
            alpha=ALPHA,
            iterations=ITERATIONS,
            random_state=0,
            num_threads=1,
        )
        model.fit(taken, show_progress=False)
        self._items = np.asarray(model.item_factors, np.float64)
        self._gram = self._items.T @ self._items
        self._popularity = np.asarray(taken.sum(axis=0)).ravel().astype(np.float64)

    def scores(self, history: NDArray[np.int32]) -> NDArray[np.float64]:
        own = np.unique(history)
        if not len(own):
            return self._popularity
        theirs = self._items[own]
        left = self._gram + (ALPHA - 1) * theirs.T @ theirs + REGULARISATION * np.eye(FACTORS)
        scores: NDArray[np.float64] = self._items @ np.linalg.solve(
            left, ALPHA * theirs.sum(axis=0)
        )
        return scores


def peers(owned: OwnedItems) -> list[Baseline]:
    found = [*standard_baselines(owned), Ease(owned)]
    if importlib.util.find_spec("implicit") is None:
        print("implicit is not installed: its ALS is left out")
        return found
    return [*found, ImplicitAls(owned)]


def measure(url: str, model: Path) -> None:
    scorer = TableScorer(model)
    engine = open_engine(url)
    columns = find_columns(engine, "purchases_train")
    rows = read_interactions(engine, "purchases_train", columns, order="user")
    owned = owned_items(rows, scorer.catalogue())
    others = peers(owned)
    for same_second in (False, True):
        for repeats in (False, True):
            test = table_rows(url, "purchases_test", ColumnNames(), order="user")
            show(
                evaluate_catalogue(
                    scorer,
                    test,
                    owned,
                    repeats=repeats,
                    same_second=same_second,
                    baselines=others,
                )
            )


def show(found: CatalogueEvaluation) -> None:
    print(f"\n{found.protocol}; {len(found.user_ids):,} customers")
    model = found.metrics["model"].per_user["ndcg"]
    for name, metrics in found.metrics.items():
        less = paired_interval(model, metrics.per_user["ndcg"])
        means = ", ".join(
            f"{key} {metrics.per_user[key].mean():.4f}" for key in ("ndcg", "recall", "hit_rate")
        )
        difference = "" if name == "model" else f"; model less this {less.low:+.4f} to "
        print(
            f"{name:>18}: {means}, coverage {metrics.coverage:.3f}{difference}"
            + ("" if name == "model" else f"{less.high:+.4f}")
        )


def run() -> None:
    file = find_online_retail()
    if file is None:
        print("EDGEREC_DATA names no folder with online-retail/online_retail.csv.gz: skipped")
        return
    with tempfile.TemporaryDirectory(prefix="edgerec-benchmark-") as folder:
        path = Path(folder)
        url = f"sqlite:///{path / 'retail.db'}"
        write_online_retail_database(file, path / "retail.db")
        split = ["split", url, "--table", "purchases", "--by", "user-time"]
        draft = str(path / "retail.toml")
        model = path / "retail.onnx"
        commands = (
            [*split, "--where", "Quantity > 0"],
            ["init", url, "--output", draft],
            ["train", draft, "--output", str(model)],
        )
        for command in commands:
            if main(command):
                raise SystemExit(1)
        measure(url, model)


if __name__ == "__main__":
    run()
