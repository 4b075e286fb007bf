"""What users did, as JSON lines, for training: what ``edgerec-device events`` writes."""

import json
from collections.abc import Iterator
from pathlib import Path

from device_runtime.errors import StorageError
from device_runtime.events.table import EventSettings, EventTable


def event_lines(path: str | Path) -> Iterator[str]:
    """Yield the events of a database, one JSON object per line, in the order they came.

    The server may go on meanwhile: what is on the disk when this begins is written.

    Parameters
    ----------
    path : path
        As given to ``--events``.

    Raises
    ------
    StorageError
        There is no such file, or it holds no events.
    """
    path = Path(path)
    if not path.is_file():
        what = "it is no file" if path.exists() else "there is no such file"
        raise StorageError(f"{path}: {what}; name the one given to --events")
    table = EventTable(path, EventSettings())
    try:
        for event in table.every():
            line = {
                "user_id": event.user_id,
                "item_id": event.item_id,
                "event": event.kind,
                "value": event.value,
                "timestamp": event.timestamp,
            }
            yield json.dumps(line, ensure_ascii=False)
    finally:
        table.close()
