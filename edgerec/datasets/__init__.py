"""Data sets to learn and to test with: MovieLens, Online Retail, and made-up interactions."""

from edgerec.datasets.database import MovieCounts
from edgerec.datasets.generated import (
    GeneratedInteractions,
    make_interactions,
    write_generated_database,
)
from edgerec.datasets.movielens import fetch_movielens, find_movielens, write_movielens_database
from edgerec.datasets.movielens_10m import find_movielens_10m, write_movielens_10m_database
from edgerec.datasets.online_retail import (
    PurchaseCounts,
    find_online_retail,
    write_online_retail_database,
)

__all__ = [
    "GeneratedInteractions",
    "MovieCounts",
    "PurchaseCounts",
    "fetch_movielens",
    "find_movielens",
    "find_movielens_10m",
    "find_online_retail",
    "make_interactions",
    "write_generated_database",
    "write_movielens_10m_database",
    "write_movielens_database",
    "write_online_retail_database",
]
