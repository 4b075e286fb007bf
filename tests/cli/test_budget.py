"""The frontier as people see it."""

from rich.console import Console

from edgerec.budget import Budget, Frontier, Point
from edgerec.cli.budget import frontier_table, stored_as
from edgerec.config import TrainSettings
from edgerec.export_settings import ExportSettings

WHAT = (
    "int8, shared rows once, 100 items of history, 50 known interactions a user, 16 embedding "
    "directions, 10 content directions of taste, one variance an item"
)


def test_a_frontier_fits_a_terminal():
    point = Point(ExportSettings(), TrainSettings(), WHAT, 2_000_000, 0.5, 82_000_000, None)
    console = Console(width=80, record=True, markup=False)
    frontier = Frontier(Budget(n_bytes=3e6), 0.001, (point,), (), point, 900)
    console.print(frontier_table(frontier))
    console.print(stored_as(frontier))
    lines = console.export_text().splitlines()
    assert max(map(len, lines)) <= 80
    (row,) = (line for line in lines if "2.00 MB" in line)
    assert "→1" in row and "0.50 ms" in row and "82 MB" in row
    below = " ".join(" ".join(lines[lines.index(row) + 2 :]).split())
    assert below == f"1 {WHAT}"
