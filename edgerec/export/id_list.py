"""NAME.ids: the text of item ids that the graph knows by their hashes alone.

In the order of the catalogue, in UTF-8, each with a NUL byte after it, which no id holds. A reader
needs it to rank the catalogue: the graph answers with positions, and the ids stand here. In the
graph they would take 80 bytes of memory each, even where the file is mapped.
"""

from pathlib import Path
from typing import Any

from edgerec.files import described_file, replace_file
from edgerec.ids import IdArray


def write_ids(ids: IdArray, model: Path) -> dict[str, dict[str, Any]]:
    """Write NAME.ids for the file NAME.onnx; return what the manifest says of it."""
    path = model.with_suffix(".ids")

    def write(temporary: Path) -> None:
        with temporary.open("wb") as file:
            file.writelines(text.encode() + b"\0" for text in ids.tolist())

    replace_file(path, write)
    return {"ids": described_file(path, path.name)}


def ids_of(model: Path) -> list[str]:
    """Return the ids in NAME.ids of the file NAME.onnx."""
    return model.with_suffix(".ids").read_bytes().decode().split("\0")[:-1]
