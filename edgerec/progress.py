"""What long work reports to. The command line draws it; a library user may pass his own."""

from typing import Protocol


class Progress(Protocol):
    """Receives what happens; never prints by itself."""

    def stage(self, name: str) -> None:
        """Say that the stage `name` begins."""
        ...

    def advance(self, n_done: int, n_total: int | None, note: str = "") -> None:
        """Say how far the current stage is; `n_total` None: not known."""
        ...

    def message(self, text: str) -> None:
        """Say one sentence that the user should read."""
        ...


class Silent:
    """Reports to nobody.

    >>> Silent().message("nobody reads this")
    """

    def stage(self, name: str) -> None:
        """Ignore it."""

    def advance(self, n_done: int, n_total: int | None, note: str = "") -> None:
        """Ignore it."""

    def message(self, text: str) -> None:
        """Ignore it."""
