"""Makes models/demo.onnx, a small model from generated data, to try the runtime without training.

Run `make models`, or `python -m models.make_demo [FILE]` from the root of the repository. The file
must be named demo.onnx, since its manifest names it.
"""

import sys
import tempfile
from pathlib import Path

import edgerec
from edgerec.config import EmbeddingSettings, NetworkSettings, TrainSettings
from edgerec.datasets import make_interactions, write_generated_database
from edgerec.evaluate.table import evaluate_table
from edgerec.export.bundle import add_metrics
from edgerec.samples.split import split_table
from edgerec.source import find_columns, open_engine
from examples.movielens.movielens import MovieLens

# Small enough for a repository, and still better than popularity.
_SETTINGS = TrainSettings(
    n_history=20,
    embedding=EmbeddingSettings(embedding_dim=8),
    network=NetworkSettings(hidden_layer_sizes=(16,), max_epochs=6),
)
_DEFAULT = Path(__file__).with_name("demo.onnx")


def main(path: str | Path = _DEFAULT) -> None:
    """Generate, split, train, export and evaluate."""
    with tempfile.TemporaryDirectory() as folder:
        database = Path(folder) / "generated.db"
        write_generated_database(database, make_interactions(240, 300, 14_000))
        url = f"sqlite:///{database}"
        engine = open_engine(url)
        split_table(engine, "ratings", find_columns(engine, "ratings"), by="user-time")
        exported = edgerec.train(MovieLens(url), _SETTINGS).export(path)
        evaluation = evaluate_table(path, url, "ratings_test")
    metrics = evaluation.metrics
    add_metrics(path, {"protocol": evaluation.protocol, **vars(metrics)})
    print(
        f"{path}: {exported.n_bytes:,} bytes, AUC {metrics.auc:.4f}, GAUC {metrics.gauc:.4f} "
        f"on {metrics.n_samples:,} ratings that training never saw"
    )


if __name__ == "__main__":
    main(*sys.argv[1:2])
