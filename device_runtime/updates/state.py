"""What a device remembers of its feed: what it serves, and below what it never goes again."""

import json
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from device_runtime.durable import replace_durably

_MAX_BYTES: Final = 64 * 1024
_N_REFUSED: Final = 10
PACKAGE: Final = 0
"""the sequence of the model that stands on the command line"""


@dataclass(frozen=True)
class UpdateState:
    """One file, written whole: a power cut leaves the state before or after."""

    serving: int = PACKAGE
    """Sequence of the model that is to be served."""
    previous: int = PACKAGE
    """The one to go back to."""
    on_trial: bool = False
    """Whether `serving` may still be gone back from."""
    starts: int = 0
    """How often the server started while it was on trial."""
    floor: int = 0
    """The highest sequence that was ever signed to this device; below it nothing is taken."""
    floor_sha256: str = ""
    """Of the manifest of that sequence: there is only one."""
    refused: dict[int, str] = field(default_factory=dict)
    """Sequences that are not tried again, and why; the newest few."""

    def refuse(self, sequence: int, reason: str) -> "UpdateState":
        """Return the state in which a sequence is not tried again."""
        refused = {**self.refused, sequence: reason}
        return replace(self, refused=dict(sorted(refused.items())[-_N_REFUSED:]))


def read_state(path: Path) -> UpdateState | None:
    """Return what was written; None: nothing was, or it is not what this package writes.

    Raises
    ------
    OSError
        The file is there and cannot be read.
    """
    try:
        with path.open("rb") as file:
            content = file.read(_MAX_BYTES + 1)
    except FileNotFoundError:
        return None
    try:
        found = json.loads(content)
        return UpdateState(
            serving=_count(found["serving"]),
            previous=_count(found["previous"]),
            on_trial=bool(found["on_trial"]),
            starts=_count(found["starts"]),
            floor=_count(found["floor"]),
            floor_sha256=str(found["floor_sha256"]),
            refused={_count(int(key)): str(why) for key, why in found["refused"].items()},
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


def write_state(path: Path, state: UpdateState) -> None:
    """Write the state; it is on the disk on return.

    Raises
    ------
    OSError
        The disk takes nothing; the state before is still there.
    """
    replace_durably(path, json.dumps(asdict(state), indent=1).encode())


def _count(value: Any) -> int:
    if type(value) is not int or value < 0:
        raise ValueError(value)
    return value
