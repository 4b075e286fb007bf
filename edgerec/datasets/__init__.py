"""Data sets to learn and to test with: MovieLens, and made-up interactions of any size."""

from edgerec.datasets.database import MovieCounts
from edgerec.datasets.generated import (
    GeneratedInteractions,
    make_interactions,
    write_generated_database,
)
from edgerec.datasets.movielens import fetch_movielens, find_movielens, write_movielens_database

__all__ = [
    "GeneratedInteractions",
    "MovieCounts",
    "fetch_movielens",
    "find_movielens",
    "make_interactions",
    "write_generated_database",
    "write_movielens_database",
]
