"""The section on the item embedding: what is near in it."""

from edgerec.evaluate.next_item import N_LAST, NextItems
from edgerec.report.content import Cell, Section, Table
from edgerec.report.words import count, interval_cell


def next_items_section(found: NextItems) -> Section:
    """Return how high what users took next stands among the neighbours of what they took last."""
    left_out = [
        f"{count(number)} {what}"
        for number, what in (
            (found.n_without_history, "users of whom nothing was known before"),
            (found.n_seen, "next items that the user had before"),
        )
        if number
    ]
    note = f"{count(found.n_users)} users, once each, at their first test row. Intervals: 95 %, by "
    note += "bootstrap over users; the difference is of the same users."
    if left_out:
        note += f" Not counted: {'; '.join(left_out)}."
    if found.n_cold:
        note += f" {count(found.n_cold)} next items were not in training, and in no list."
    difference = interval_cell(found.difference(), is_difference=True)
    return Section(
        "near",
        "What is near what",
        f"The item embedding by itself, as it finds similar items: all items that a user did not "
        f"have are ranked by how near they are to his last {N_LAST}, and by popularity. The mean "
        "reciprocal rank of what he took next is 1 where it always stands first, and 0.01 where "
        "it stands hundredth. Items of fewer than five interactions are no neighbours.",
        (
            Table(
                "The next item in two lists",
                ("", "mean reciprocal rank", "above popularity by"),
                tuple(
                    (
                        Cell(name),
                        interval_cell(found.interval(name)),
                        difference if place == 0 else Cell(""),
                    )
                    for place, name in enumerate(found.reciprocal_ranks)
                ),
                note,
            ),
        ),
    )
