"""Searches settings on rows that training does not see; the test rows stay untouched."""

from edgerec.tune.search import Outcome, tune
from edgerec.tune.space import SearchSpace

__all__ = ["Outcome", "SearchSpace", "tune"]
