"""The device's budget as an input: which file loses least within so many bytes, ms and memory."""

from edgerec.budget.bounds import Budget, Point
from edgerec.budget.described import write_chosen
from edgerec.budget.frontier import Frontier
from edgerec.budget.walk import search

__all__ = ["Budget", "Frontier", "Point", "search", "write_chosen"]
