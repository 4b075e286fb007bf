"""The frontier of MovieLens latest-small down to 2 MB, judged on test rows through the files.

Split T: each user's last fifth, his history frozen where training ended. The search sees held-out
samples of training alone; the test rows judge what it found, and choose nothing. Bound: a file of
at most 5 MB in half floats loses at most .0005 of AUC.
"""

import argparse
import os
from pathlib import Path

import edgerec
from benchmarks.data import say_machine, temporary_folder
from edgerec.budget import Budget, Point, search
from edgerec.config import ExportSettings
from edgerec.datasets import find_movielens, write_movielens_database
from edgerec.errors import ConfigurationError
from edgerec.evaluate.table import evaluate_table
from edgerec.export.bundle import export
from edgerec.model import Model
from edgerec.pipeline import load_model
from edgerec.progress import Silent
from edgerec.samples.split import split_table
from edgerec.source import find_columns, open_engine
from examples.movielens.movielens import MovieLens

BOUND_BYTES, BOUND_LOSS = 5e6, 0.0005


class Spoken(Silent):
    """Prints what is said, since this takes minutes."""

    def message(self, text: str) -> None:
        print(f"  {text}", flush=True)


def trained(url: str, folder: str | None) -> Model:
    """Return the model, from a folder NAME.training where one is named and full."""
    if folder and (Path(folder) / "state.json").is_file():
        return load_model(folder)
    return edgerec.train(MovieLens(url), training_folder=folder)


def judged(url: str, path: Path, point: Point, model: Model) -> tuple[float, float]:
    """Export a point and return AUC and GAUC of its file on the test rows."""
    settings = ExportSettings(**{**vars(point.settings), "max_loss": 1.0})
    export(model.ranker, path, Silent(), settings)
    metrics = evaluate_table(path, url, "ratings_test", frozen=True).metrics
    return metrics.auc, metrics.gauc


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--max-bytes", type=float, default=2e6, help="default: 2e6")
    parser.add_argument("--training", metavar="NAME.training", help="kept from run to run")
    options = parser.parse_args()
    found = find_movielens()
    masks = Path(os.environ.get("EDGEREC_DATA", "")) / "ml-latest-small" / "splits.npz"
    if found is None or not masks.is_file():
        raise ConfigurationError(
            "The frontier is of MovieLens latest-small and its splits.npz; EDGEREC_DATA names no "
            "folder that holds them. Set it."
        )
    say_machine()
    with temporary_folder() as name:
        folder = Path(name)
        write_movielens_database(found, folder / "movielens.db")
        url = f"sqlite:///{folder / 'movielens.db'}"
        engine = open_engine(url)
        columns = find_columns(engine, "ratings")
        split_table(engine, "ratings", columns, by=f"{masks}:T", overwrite=True)
        model = trained(url, options.training)
        frontier = search(
            model.ranker, Budget(n_bytes=options.max_bytes), ExportSettings(), progress=Spoken()
        )
        print("\neach step by itself, on held-out samples, against the step before")
        for step in frontier.steps:
            before, after = step.before, step.after
            print(
                f"  {(before.n_bytes - after.n_bytes) / 1e3:7.0f} KB less, "
                f"{after.ms / before.ms:5.2f} x the time, loss {after.loss - before.loss:+.5f}, "
                f"{after.overlap:6.1%} of the ten best stay: {after.what}"
            )
        print("\nthe frontier, judged on test rows")
        whole: tuple[float, float] | None = None
        kept = True
        for point in frontier.best():
            areas = judged(url, folder / "frontier.onnx", point, model)
            whole = whole or areas
            lost = whole[0] - areas[0]
            print(
                f"  {point.n_bytes / 1e6:5.2f} MB, {point.ms / frontier.points[0].ms:5.2f} x the "
                f"time, held-out loss {point.loss:.5f}, test AUC/GAUC {areas[0]:.4f}/"
                f"{areas[1]:.4f} ({-lost:+.5f}/{areas[1] - whole[1]:+.5f}): {point.what}"
                f"{'  <- chosen' if point is frontier.chosen else ''}",
                flush=True,
            )
            is_bound = point.settings.precision == "fp16" and point.n_bytes <= BOUND_BYTES
            kept &= (
                not is_bound or point.settings.kept != ExportSettings().kept or (lost <= BOUND_LOSS)
            )
    if not kept:
        raise SystemExit(f"half floats lose more than {BOUND_LOSS} of AUC on the test rows")


if __name__ == "__main__":
    main()
