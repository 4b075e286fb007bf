"""The section on the budget: what files of other sizes would take and cost."""

from collections.abc import Mapping
from typing import Any

from edgerec.report.content import (
    Block,
    Cell,
    Figure,
    Point,
    ScatterChart,
    Section,
    Table,
    Text,
)
from edgerec.report.words import count, figure, signed, size


def budget_section(manifest: Mapping[str, Any]) -> Section | None:
    """Return what the search for a budget found; None: the file was exported without one."""
    found = manifest.get("budget")
    if found is None:
        return None
    best = sorted(
        (one for one in found["points"] if not one["is_beaten"]), key=lambda one: -one["bytes"]
    )
    blocks: list[Block] = [
        Text(f"Asked for: {_bounds(found['bounds'])}; at most {found['max_loss']:g} lost."),
        Table(
            "Files that no other beats in size, time and loss",
            ("stored as", "size", "100 candidates", "memory", "loss", "top 10 that stay"),
            tuple(_row(one) for one in best),
            "Time and memory as measured where this was written. The loss is of AUC or GAUC, the "
            f"larger, on {count(found['n_samples'])} held-out samples, against the file as it was "
            "trained.",
        ),
    ]
    if len(best) > 1:
        blocks.insert(
            1,
            Figure(
                "Loss by size, of the files that no other beats; the one that was written is the "
                "diamond.",
                f"Points from {size(best[0]['bytes'])} with a loss of {best[0]['loss']:.5f} to "
                f"{size(best[-1]['bytes'])} with {best[-1]['loss']:.5f}.",
                ScatterChart(
                    "MB",
                    "loss, in thousandths",
                    tuple(
                        Point(one["bytes"] / 1e6, 1000 * one["loss"], is_marked=one["is_chosen"])
                        for one in best
                    ),
                ),
            ),
        )
    if found["steps"]:
        blocks.append(_steps(found["steps"]))
    return Section(
        "budget",
        "What a smaller file costs",
        "The device's budget was asked for, and files were exported until one was within it. Each "
        "row is a whole file, checked against training like the one that was written.",
        tuple(blocks),
    )


def _bounds(bounds: Mapping[str, float]) -> str:
    words = {
        "n_bytes": lambda most: f"a file of at most {size(round(most))}",
        "ms": lambda most: f"{most:g} ms for 100 candidates",
        "resident_bytes": lambda most: f"{size(round(most))} of memory",
    }
    return ", ".join(words[name](most) for name, most in bounds.items())


def _row(point: Mapping[str, Any]) -> tuple[Cell, ...]:
    resident = point["resident_bytes"]
    return (
        Cell(point["what"], "written" if point["is_chosen"] else ""),
        Cell(size(point["bytes"])),
        Cell(f"{point['ms']:.2f} ms"),
        Cell("–" if resident is None else size(resident)),
        Cell(figure(point["loss"], 5)),
        Cell(f"{point['top_10_overlap']:.1%}"),
    )


def _steps(steps: list[Mapping[str, Any]]) -> Table:
    def row(one: Mapping[str, Any]) -> tuple[Cell, ...]:
        overlap = one["top_10_overlap"]
        return (
            Cell(one["what"]),
            Cell(("−" if one["saved_bytes"] > 0 else "+") + size(abs(one["saved_bytes"]))),
            Cell(f"{-one['saved_ms']:+.3f} ms"),
            Cell(signed(one["loss"], 5)),
            Cell("–" if overlap is None else f"{overlap:.1%}"),
        )

    return Table(
        "Each step by itself, against the step before",
        ("to", "size", "100 candidates", "loss", "top 10 that stay"),
        tuple(row(one) for one in steps),
    )
