"""A parser that takes options anywhere: before, between and after what they are options of."""

import argparse
from collections.abc import Sequence
from typing import Any


class AnyOrder(argparse.ArgumentParser):
    """Parses `MODEL -k 5 TITLE`, where argparse gives an empty list of titles to `MODEL` alone."""

    _is_within = False

    def parse_known_args(  # type: ignore[override]
        self, args: Sequence[str] | None = None, namespace: Any = None
    ) -> tuple[Any, list[str]]:
        """Parse options first and the rest after them."""
        # Until Python 3.12 the intermixed parsing calls this again, for each of its two passes.
        if self._is_within:
            return super().parse_known_args(args, namespace)
        self._is_within = True
        try:
            return self.parse_known_intermixed_args(args, namespace)
        finally:
            self._is_within = False
