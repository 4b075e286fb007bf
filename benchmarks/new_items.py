"""New items without training again, on MovieLens latest-small: how well are they told apart?

200 movies of at least five ratings are taken out, with all of their ratings. The rest is trained
with genres, year and text (title and genres), as an edgerec.toml declares it; `edgerec add-items`
then adds the 200 to a copy of the file. Each of their ratings is asked about at its own time, with
what its user had rated strictly before, of the other movies alone.

Nobody has touched a new item, so a mean of items says nothing of it: what remains without a model
is the user. His mean rating before that moment stands beside the model, and so does the mean of all
his training ratings, later ones too, which is more than could be known. Intervals are by bootstrap
over users, and of the difference by the same users for both.
"""

import argparse
import os
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

import edgerec
from benchmarks.data import say_machine, temporary_folder
from edgerec.cli import main as command
from edgerec.datasets import find_movielens, write_movielens_database
from edgerec.declared.capabilities import declared_rec_sys
from edgerec.declared.settings import train_settings
from edgerec.errors import ConfigurationError
from edgerec.evaluate.evaluation_rows import table_rows
from edgerec.evaluate.prequential import Question, score_rows
from edgerec.evaluate.scored_rows import ScoredRows
from edgerec.export_settings import ExportSettings
from edgerec.scoring import TableScorer
from edgerec.source import ColumnNames

N_NEW: Final = 200
MIN_RATINGS: Final = 5
N_RESAMPLES: Final = 1000
Numbers = NDArray[np.float64]
CONFIGURATION: Final = """\
[database]
url = "sqlite:///movielens.db"

[interactions]
table = "ratings_train"
user_id = "userId"
item_id = "movieId"
timestamp = "timestamp"
value = "rating"

[label]
rule = "above"
above = 3.5

[items]
table = "movies_known"
id = "movieId"

[[items.features]]
column = "genres"
kind = "multi_hot"
separator = "|"

[[items.features]]
column = "title"
kind = "extract"
pattern = '\\((\\d{4})[–\\d]*\\)\\s*$'

[training]
random_state = SEED
"""
TEXT: Final = """
[text]
columns = ["title", "genres"]
"""


def divide(path: Path, seed: int) -> None:
    """Take the new movies, and all that was said of them, out of the tables to train on."""
    with closing(sqlite3.connect(path)) as database, database:
        rated = database.execute(
            "SELECT movieId FROM ratings GROUP BY movieId HAVING COUNT(*) >= ? ORDER BY movieId",
            [MIN_RATINGS],
        )
        items = np.array([item for (item,) in rated])
        new = np.random.default_rng(seed).choice(items, N_NEW, replace=False)
        database.execute("CREATE TABLE new (movieId INTEGER PRIMARY KEY)")
        database.executemany("INSERT INTO new VALUES (?)", [[item] for item in new.tolist()])
        for name, table, condition in (
            ("ratings_train", "ratings", "NOT IN"),
            ("ratings_test", "ratings", "IN"),
            ("movies_known", "movies", "NOT IN"),
            ("movies_new", "movies", "IN"),
        ):
            database.execute(
                f"CREATE TABLE {name} AS SELECT * FROM {table} "
                f"WHERE movieId {condition} (SELECT movieId FROM new)"
            )


def trained_and_grown(seed: int, configuration: str) -> Path:
    """Train in the working folder, add the new items, and return the file that knows them."""
    Path("edgerec.toml").write_text(configuration.replace("SEED", str(seed)), "utf-8")
    rec_sys = declared_rec_sys("edgerec.toml")
    settings = train_settings(rec_sys.configuration)
    model = edgerec.train(rec_sys, settings, training_folder="movielens.training")
    model.export("movielens.onnx", settings=ExportSettings())
    assert not command(["add-items", "movielens.onnx", "--from", "movies_new"])
    return Path("movielens-added.onnx")


def scored(model: Path, url: str) -> ScoredRows:
    """Ask about each rating of a new item, beside what its user had rated before."""
    names = ColumnNames()
    total: dict[object, list[float]] = {}
    for row in table_rows(url, "ratings_train", names):
        total.setdefault(row.user_id, []).append(float(row.value or 0))
    everybody = float(np.mean([value for own in total.values() for value in own]))

    def user_means(asked: Question) -> dict[str, Numbers]:
        before = [float(one.value) for one in asked.history if one.value is not None]
        known = (sum(before) + everybody) / (len(before) + 1)
        whole = float(np.mean(total.get(asked.rows[0].user_id, [everybody])))
        n_rows = len(asked.rows)
        return {
            "user mean before": np.full(n_rows, known),
            "user mean of all times": np.full(n_rows, whole),
        }

    return score_rows(
        TableScorer(model),
        table_rows(url, "ratings_test", names),
        table_rows(url, "ratings_train", names),
        frozen=True,
        baselines=user_means,
    )


def resampled(found: ScoredRows, name: str, seed: int = 0) -> Numbers:
    """Return the AUC of one score for users drawn with replacement: [N_RESAMPLES]."""
    order = np.argsort(found.user, kind="stable")
    rows_of_user = np.split(order, np.flatnonzero(np.diff(found.user[order])) + 1)
    random = np.random.default_rng(seed)
    areas = []
    for _ in range(N_RESAMPLES):
        drawn = random.integers(0, len(rows_of_user), len(rows_of_user))
        rows = np.concatenate([rows_of_user[user] for user in drawn])
        areas.append(roc_auc_score(found.label[rows], found.scores[name][rows]))
    return np.array(areas)


def interval(areas: Numbers) -> str:
    """Write a 95 % interval."""
    low, high = np.percentile(areas, [2.5, 97.5])
    return f"[{low:+.4f}, {high:+.4f}]"


def report(found: ScoredRows) -> None:
    """Print each score's AUC, and how far the model is above each other."""
    areas = {name: resampled(found, name) for name in found.scores}
    for name, score in found.scores.items():
        auc = roc_auc_score(found.label, score)
        above = roc_auc_score(found.label, found.scores["model"]) - auc
        line = f"{name:26} AUC {auc:.4f} {interval(areas[name])}"
        if name != "model":
            line += f"   model above by {above:+.4f} {interval(areas['model'] - areas[name])}"
        print(line, flush=True)


def main() -> None:
    """Print the figures of each seed."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seeds", type=int, default=1, help="draws of new items (default: 1)")
    parser.add_argument("--without-text", action="store_true", help="genres and year alone, too")
    options = parser.parse_args()
    movielens = find_movielens()
    if movielens is None:
        raise ConfigurationError(
            "This needs MovieLens latest-small; EDGEREC_DATA names no folder that holds it. Set it."
        )
    say_machine()
    kinds = {"genres, year and text": CONFIGURATION + TEXT}
    if options.without_text:
        kinds["genres and year"] = CONFIGURATION
    for seed in range(options.seeds):
        for kind, configuration in kinds.items():
            with temporary_folder() as name:
                os.chdir(name)
                write_movielens_database(movielens, "movielens.db")
                divide(Path("movielens.db"), seed)
                found = scored(trained_and_grown(seed, configuration), "sqlite:///movielens.db")
                n_users = len(np.unique(found.user))
                print(
                    f"\n{kind}, seed {seed}: {N_NEW} new items, {len(found.label):,} ratings by "
                    f"{n_users} users"
                )
                report(found)


if __name__ == "__main__":
    main()
