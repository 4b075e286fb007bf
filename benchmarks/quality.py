"""Ranking quality on MovieLens latest-small, through the exported file, beside the peers.

Each split of `splits.npz` is trained with the default settings and nothing else, once per seed; the
file is scored as `edgerec evaluate` does it, by the device's own scorer.

| split | test rows | a test row may use |
|---|---|---|
| T | each user's last 20 % | his training rows (frozen) |
| R | random 20 % | his strictly earlier training rows |
| U | all rows of 20 % of the users | his strictly earlier rows |
| G | the last 20 % of all rows | his strictly earlier rows |

The peers were measured once, on the same rows and machine, and are not run here; each was tuned on
a validation cut. They saw R's training rows whole, later ones too.
"""

import argparse
import os
import statistics
import time
from pathlib import Path
from typing import Final

import edgerec
from benchmarks.data import say_machine, temporary_folder
from edgerec.config import TrainSettings
from edgerec.datasets import find_movielens, write_movielens_database
from edgerec.errors import ConfigurationError
from edgerec.evaluate.table import evaluate_table
from edgerec.samples.split import split_table
from edgerec.source import find_columns, open_engine
from examples.movielens.movielens import MovieLens

SPLITS: Final = "TRUG"
FROZEN: Final = "TR"
# AUC and GAUC, measured before; None: the method knows nothing of users it has not seen.
MEASURED_BEFORE: Final = {
    "user mean + item mean": ((0.766, 0.665), (0.785, 0.695), (0.794, 0.705), (0.800, 0.686)),
    "LightGBM, statistics out of fold": (
        (0.795, 0.697),
        (0.808, 0.735),
        (0.803, 0.702),
        (0.798, 0.706),
    ),
    "myFM (ids, genres)": ((0.789, 0.700), (0.802, 0.736), None, None),
    "CatBoost": ((0.788, 0.692), (0.790, 0.716), (0.788, 0.698), (0.761, 0.696)),
    "surprise SVD++ / SVD": ((0.776, 0.664), (0.775, 0.702), None, None),
    "torch-rechub DIN": ((0.779, 0.676), None, (0.778, 0.689), (0.767, 0.687)),
    "torch-rechub AutoInt / DeepFM": ((0.766, 0.663), (0.786, 0.700), None, None),
    "river BiasedMF, online": (None, None, (0.796, 0.703), (0.817, 0.711)),
}


def one_run(url: str, split: str, seed: int, folder: Path) -> tuple[float, float]:
    """Train, export, and score the test table of a split: AUC and GAUC."""
    model = edgerec.train(MovieLens(url), TrainSettings(random_state=seed))
    path = folder / "quality.onnx"
    model.export(path)
    metrics = evaluate_table(
        path,
        url,
        "ratings_test",
        # The file knows each user's newest rows; a row of R may lie before them.
        history_table="ratings_train" if split == "R" else None,
        frozen=split in FROZEN,
    ).metrics
    return metrics.auc, metrics.gauc


def cell(pair: tuple[float, float] | None) -> str:
    """Write AUC / GAUC."""
    return "–" if pair is None else f"{pair[0]:.4f}/{pair[1]:.4f}"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--splits", default=SPLITS, help="of T, R, U, G (default: all)")
    parser.add_argument("--seeds", type=int, default=3, help="runs of each (default: 3)")
    options = parser.parse_args()
    found = find_movielens()
    masks = Path(os.environ.get("EDGEREC_DATA", "")) / "ml-latest-small" / "splits.npz"
    if found is None or not masks.is_file():
        raise ConfigurationError(
            "The peers were measured on MovieLens latest-small and its splits.npz; EDGEREC_DATA "
            "names no folder that holds them. Set it."
        )
    say_machine()
    means: dict[str, tuple[float, float]] = {}
    with temporary_folder() as name:
        folder = Path(name)
        write_movielens_database(found, folder / "movielens.db")
        url = f"sqlite:///{folder / 'movielens.db'}"
        engine = open_engine(url)
        columns = find_columns(engine, "ratings")
        for split in options.splits:
            split_table(engine, "ratings", columns, by=f"{masks}:{split}", overwrite=True)
            runs = []
            for seed in range(options.seeds):
                started = time.perf_counter()
                runs.append(one_run(url, split, seed, folder))
                spent = time.perf_counter() - started
                print(f"{split}, seed {seed}: {cell(runs[-1])}  ({spent:.0f} s)", flush=True)
            means[split] = (
                statistics.mean(auc for auc, _ in runs),
                statistics.mean(gauc for _, gauc in runs),
            )
    print(f"\n{'AUC/GAUC':34}" + "".join(f"{split:15}" for split in SPLITS))
    for peer, pairs in MEASURED_BEFORE.items():
        print(f"{peer:34}" + "".join(f"{cell(pair):15}" for pair in pairs))
    own = "".join(f"{cell(means.get(split)):15}" for split in SPLITS)
    print(f"{f'edgeRec, mean of {options.seeds}':34}{own}")


if __name__ == "__main__":
    main()
