"""Online Retail: a year of a British shop's invoices, found in a folder and put in a database.

Chen et al. 2012, "Data mining for the online retail industry", from the UCI Machine Learning
Repository. Purchases say what was taken, and nothing of what was liked: implicit feedback. Item
ids are text, 112 of them differ from another by case alone, and returns are negative quantities.
"""

import csv
import gzip
import hashlib
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Final, NamedTuple

from edgerec.errors import DatasetUnavailable

__all__ = ["PurchaseCounts", "find_online_retail", "write_online_retail_database"]

_FOLDER: Final = "online-retail"
_FILE: Final = "online_retail.csv.gz"
_SHA256: Final = "22a3f4623cf487a48881c10bc8a02033df6f81c8dd2783100b62c35854a6b62e"
_NO_CUSTOMER: Final = ("", "NA")
_SCHEMA: Final = """
CREATE TABLE purchases (
    InvoiceNo TEXT NOT NULL, StockCode TEXT NOT NULL, Description TEXT, Quantity INTEGER NOT NULL,
    InvoiceDate TEXT NOT NULL, UnitPrice REAL NOT NULL, CustomerID INTEGER, Country TEXT NOT NULL
);
"""


class PurchaseCounts(NamedTuple):
    """How many rows the file had."""

    n_purchases: int
    """Rows written: invoice lines."""
    n_without_customer: int
    """How many of the file's lines name no customer."""


def find_online_retail() -> Path | None:
    """Return the file of Online Retail on this machine, or None.

    Looked for is `online-retail/online_retail.csv.gz` in the folder that the environment variable
    `EDGEREC_DATA` names.

    Raises
    ------
    DatasetUnavailable
        If the file is there, but is not the known one.
    """
    named = os.environ.get("EDGEREC_DATA")
    path = Path(named or "") / _FOLDER / _FILE
    if not named or not path.is_file():
        return None
    came = hashlib.sha256(path.read_bytes()).hexdigest()
    if came != _SHA256:
        raise DatasetUnavailable(
            f"{path} is not the known file of Online Retail: expected sha256 {_SHA256}, got "
            f"{came}. Put the right one there, or delete it to go without."
        )
    return path


def write_online_retail_database(
    file: str | Path, path: str | Path, *, without_customer: bool = False
) -> PurchaseCounts:
    """Write the invoice lines to a table purchases of a SQLite database, replacing the file.

    The file appears whole or not at all.

    Parameters
    ----------
    file : str or Path
        What `find_online_retail` returned.
    path : str or Path
        The file to write; its folder is made if need be.
    without_customer : bool, default=False
        Write the lines that name no customer too, with NULL.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.{os.getpid()}.part")
    unfinished.unlink(missing_ok=True)
    n_without = 0

    def purchases() -> Iterator[tuple[object, ...]]:
        nonlocal n_without
        for row in _rows(Path(file)):
            n_without += row[6] is None
            if row[6] is not None or without_customer:
                yield row

    try:
        with closing(sqlite3.connect(unfinished)) as connection:
            connection.execute("PRAGMA journal_mode = OFF")
            connection.executescript(_SCHEMA)
            insert = "INSERT INTO purchases VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
            n_written = connection.executemany(insert, purchases()).rowcount
            connection.commit()
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
    return PurchaseCounts(max(n_written, 0), n_without)


def _rows(file: Path) -> Iterator[tuple[object, ...]]:
    with gzip.open(file, "rt", encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines):
            customer = row["CustomerID"]
            yield (
                row["InvoiceNo"],
                row["StockCode"],
                None if row["Description"] in ("", "NA") else row["Description"],
                int(row["Quantity"]),
                row["InvoiceDate"],
                float(row["UnitPrice"]),
                None if customer in _NO_CUSTOMER else int(float(customer)),
                row["Country"],
            )
