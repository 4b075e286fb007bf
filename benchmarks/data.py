"""The data and the model that the benchmarks share."""

import os
import tempfile
from pathlib import Path

from edgerec.datasets import (
    find_movielens,
    make_interactions,
    write_generated_database,
    write_movielens_database,
)
from edgerec.samples.split import split_table
from edgerec.source import find_columns, open_engine
from examples.movielens.movielens import MovieLens


def movielens(folder: Path) -> MovieLens:
    """Write a database with a split by user into `folder`, and return the example over it."""
    path = folder / "movielens.db"
    found = find_movielens()
    if found is not None:
        counts = write_movielens_database(found, path)
        print(f"data: MovieLens latest-small, {counts.n_ratings:,} ratings")
    else:
        counts = write_generated_database(path, make_interactions())
        print(f"data: generated, {counts.n_ratings:,} ratings (EDGEREC_DATA names no MovieLens)")
    url = f"sqlite:///{path}"
    engine = open_engine(url)
    split_table(engine, "ratings", find_columns(engine, "ratings"), by="user", overwrite=True)
    return MovieLens(url)


def temporary_folder() -> tempfile.TemporaryDirectory[str]:
    """Return a folder that is removed at the end."""
    return tempfile.TemporaryDirectory(prefix="edgerec-benchmark-")


def say_machine() -> None:
    """Print what a reader must know of the machine."""
    print(f"cores: {os.cpu_count()}; times are medians, quote the ratios")
