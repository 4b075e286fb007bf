"""Makes the database of the example: MovieLens latest-small, or generated data offline.

Run `python -m examples.movielens.data [FILE]`; FILE is movielens.db if not given.
"""

import argparse

from edgerec.datasets import (
    fetch_movielens,
    make_interactions,
    write_generated_database,
    write_movielens_database,
)
from edgerec.errors import DatasetUnavailable
from edgerec.samples.split import split_table
from edgerec.source import find_columns, open_engine


def main(path: str = "movielens.db") -> None:
    """Write the tables movies, ratings and tags, then ratings_train and ratings_test."""
    try:
        counts = write_movielens_database(fetch_movielens(), path)
    except DatasetUnavailable as error:
        print(f"Using generated data, not MovieLens: {error}")
        counts = write_generated_database(path, make_interactions())
    print(f"{path}: {counts.n_movies} movies, {counts.n_ratings} ratings, {counts.n_tags} tags")
    engine = open_engine(f"sqlite:///{path}")
    columns = find_columns(engine, "ratings")
    split = split_table(engine, "ratings", columns, by="user", overwrite=True)
    print(f"{split.n_train} ratings to train on, {split.n_test} of other users to test on")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Makes the database of the example.")
    parser.add_argument(
        "file", nargs="?", default="movielens.db", help="what to write (default: %(default)s)"
    )
    main(parser.parse_args().file)
