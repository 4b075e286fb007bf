"""Names in error messages: listed, and the nearest one to what came."""

import difflib
from collections.abc import Sequence

__all__ = ["listed", "nearest"]


def listed(names: Sequence[str]) -> str:
    """Return the names quoted, with commas between."""
    return ", ".join(f'"{name}"' for name in names) if names else "none"


def nearest(name: str, available: Sequence[str]) -> str:
    """Return a sentence that suggests the name of `available` nearest to `name`, or nothing."""
    lowered = {candidate.lower(): candidate for candidate in available}
    matches = difflib.get_close_matches(name.lower(), list(lowered), n=1, cutoff=0.5)
    return f' Did you mean "{lowered[matches[0]]}"?' if matches else ""
