"""edgerec demo: data, split, training, export, parity, evaluation, one question over HTTP."""

import argparse
import json
import os
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any

from edgerec.cli.commands import add_command
from edgerec.cli.drawing import DrawnProgress, print_table
from edgerec.cli.figures import evaluation_mapping
from edgerec.cli.loading import load_rec_sys
from edgerec.cli.train import exported_rows
from edgerec.datasets import (
    fetch_movielens,
    make_interactions,
    write_generated_database,
    write_movielens_database,
)
from edgerec.errors import ConfigurationError, DatasetUnavailable
from edgerec.evaluate.table import evaluate_table
from edgerec.export.bundle import add_metrics
from edgerec.files import require_writable
from edgerec.pipeline import train
from edgerec.samples.split import split_table
from edgerec.source import find_columns, open_engine

_EXAMPLE = """\
  edgerec demo
  EDGEREC_DATA=~/data edgerec demo        (finds ml-latest-small/ in that folder)
  edgerec demo --generated"""
_REC_SYS = "examples.movielens.movielens:MovieLens"
_QUESTION = {"userId": 108, "itemIdList": [1, 2, 39]}
_TIMEOUT_SECONDS = 60


def add_to(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    parser = add_command(commands, "demo", _EXAMPLE)
    parser.add_argument(
        "--folder", default="models", help="where database and model go (default %(default)s)"
    )
    parser.add_argument(
        "--generated", action="store_true", help="use generated data even where MovieLens is found"
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Run the demo and print the four figures and the answer."""
    root = Path(__file__).parents[2]
    if not (root / "examples" / "movielens" / "movielens.py").is_file():
        raise ConfigurationError(
            "The demo runs examples/movielens of the repository, which the installed package does "
            "not hold. Clone the repository and run `make demo` there."
        )
    folder = Path(options.folder).absolute()
    require_writable(folder / "movielens.onnx")
    folder.mkdir(parents=True, exist_ok=True)
    database, output = folder / "movielens.db", folder / "movielens.onnx"
    _write_database(database, options.generated)
    url = f"sqlite:///{database}"
    engine = open_engine(url)
    split = split_table(
        engine, "ratings", find_columns(engine, "ratings"), by="user-time", overwrite=True
    )
    print(
        f"split: {split.n_train:,} ratings to train on, each user's last {split.n_test:,} to test"
    )
    os.environ["EDGEREC_DATABASE"] = url
    rec_sys = load_rec_sys(_REC_SYS, root)
    with DrawnProgress() as progress:
        model = train(rec_sys, training_folder=folder / "movielens.training", progress=progress)
        exported = model.export(output, progress=progress)
        evaluation = evaluate_table(output, url, "ratings_test", progress=progress)
    add_metrics(output, evaluation_mapping(evaluation))
    answer = _ask(output)
    metrics = evaluation.metrics
    print_table(
        str(output),
        {
            "AUC": f"{metrics.auc:.4f} on {metrics.n_samples:,} test ratings",
            "GAUC": f"{metrics.gauc:.4f}",
            **exported_rows(model, exported),
        },
    )
    print("POST /api/v1/recommend", json.dumps(_QUESTION))
    print(json.dumps(answer))


def _write_database(path: Path, generated: bool) -> None:
    if not generated:
        try:
            counts = write_movielens_database(fetch_movielens(), path)
        except DatasetUnavailable as error:
            named = os.environ.get("EDGEREC_DATA")
            if named:
                print(f"EDGEREC_DATA is {named}, which holds no whole ml-latest-small/")
            print(f"using generated data, since MovieLens is not to be had: {error}")
        else:
            print(f"data: MovieLens latest-small, {counts.n_ratings:,} ratings")
            return
    counts = write_generated_database(path, make_interactions())
    print(f"data: generated, {counts.n_ratings:,} ratings")


def _ask(model: Path) -> Any:
    """Serve the file by the device's own command, ask one question, stop the server."""
    command = [sys.executable, "-m", "device_runtime", str(model), "--port", "0"]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout is not None
        line = server.stdout.readline()
        if " on http" not in line:
            raise ConfigurationError(f"The server did not start; it said {line!r}.")
        request = urllib.request.Request(
            line.rsplit(" ", 1)[1].strip(),
            json.dumps(_QUESTION).encode(),
            {"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=_TIMEOUT_SECONDS) as response:
            return json.load(response)
    finally:
        server.terminate()
        server.wait(_TIMEOUT_SECONDS)
        if server.stdout is not None:
            server.stdout.close()
