"""Draws progress bars and tables, on standard error where standard output is for results."""

import argparse
import time
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Final, Self

from rich.console import Console
from rich.progress import BarColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.progress import Progress as RichProgress
from rich.table import Table

from edgerec.audit.report import CHECKS
from edgerec.source import ColumnNames


def plain_console(stderr: bool = False) -> Console:
    """Return a console that prints text as it stands: `[evaluation]` and `:id:` are no markup."""
    return Console(stderr=stderr, markup=False, emoji=False)


_SECONDS_BETWEEN_LINES: Final = 10
_ERRORS = plain_console(stderr=True)


class DrawnProgress:
    """Reports to the terminal: a bar per stage and a line per message.

    Used as a context manager. Without a terminal the bars stay away, the messages remain, and a
    stage says every ten seconds in a line how far it is.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._stage = ""
        self._said_at = clock()
        self._bars = RichProgress(
            TextColumn("{task.description:>17}", markup=False),
            BarColumn(bar_width=14),
            TextColumn("{task.fields[count]:>17}", markup=False),
            TimeElapsedColumn(),
            # Last: what does not fit a narrow terminal is cut off, and nothing else is.
            TextColumn("{task.fields[note]}", markup=False),
            console=_ERRORS,
            disable=not _ERRORS.is_terminal,
        )
        self._task: TaskID | None = None

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._close_stage()
        self._bars.stop()

    def stage(self, name: str) -> None:
        """Begin a bar."""
        self._close_stage()
        self._stage, self._said_at = name, self._clock()
        self._task = self._bars.add_task(name, total=None, count="", note="")

    def advance(self, n_done: int, n_total: int | None, note: str = "") -> None:
        """Move the bar."""
        if self._task is not None:
            count = f"{n_done:,}" if n_total is None else f"{n_done:,}/{n_total:,}"
            self._bars.update(self._task, completed=n_done, total=n_total, count=count, note=note)
            if not _ERRORS.is_terminal and self._clock() - self._said_at >= _SECONDS_BETWEEN_LINES:
                self._said_at = self._clock()
                self.message(f"{self._stage}: {count} {note}".rstrip())

    def message(self, text: str) -> None:
        """Print a line above the bars."""
        _ERRORS.print(text, highlight=False)

    def _close_stage(self) -> None:
        if self._task is None:
            return
        task = self._bars.tasks[self._bars.task_ids.index(self._task)]
        total = task.total or task.completed or 1
        self._bars.update(self._task, total=total, completed=total)
        self._bars.stop_task(self._task)
        self._task = None


def print_table(title: str, rows: Mapping[str, str]) -> None:
    """Print names and what they are."""
    table = Table(title=title, title_justify="left", show_header=False)
    for name, text in rows.items():
        table.add_row(name, text)
    plain_console().print(table)


def add_column_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that name columns."""
    for option, what in (
        ("--user-column", "the user's id"),
        ("--item-column", "the item's id"),
        ("--value-column", "the rating or weight"),
        ("--timestamp-column", "the time"),
    ):
        parser.add_argument(
            option, metavar="NAME", help=f"column of {what} (default: usual spellings are found)"
        )


def add_accept_leak(parser: argparse.ArgumentParser) -> None:
    """Add the option that accepts a finding of the leak audit."""
    parser.add_argument(
        "--accept-leak",
        action="append",
        default=[],
        metavar="CHECK",
        help="train although this check of the leak audit fails: " + ", ".join(CHECKS),
    )


def column_names(options: argparse.Namespace) -> ColumnNames:
    """Return the columns that were named."""
    return ColumnNames(
        user_id=options.user_column,
        item_id=options.item_column,
        value=options.value_column,
        timestamp=options.timestamp_column,
    )
