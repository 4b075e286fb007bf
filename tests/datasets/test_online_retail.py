import gzip
import hashlib
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from edgerec.datasets import (
    find_online_retail,
    online_retail,
    write_online_retail_database,
)
from edgerec.errors import DatasetUnavailable

LINES = (
    "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n"
    '536365,85123A,"WHITE, HANGING",6,2010-12-01 08:26:00,2.55,17850,United Kingdom\n'
    "C536379,85123a,NA,-1,2010-12-01 09:41:00,27.5,14527,France\n"
    "536414,22139,,56,2010-12-01 11:52:00,0,NA,United Kingdom\n"
    "536415,22140,BOX,1,2010-12-01 11:53:00,1,,United Kingdom\n"
)


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "online-retail" / "online_retail.csv.gz"
    path.parent.mkdir()
    path.write_bytes(gzip.compress(LINES.encode(), mtime=0))
    checksum = hashlib.sha256(path.read_bytes()).hexdigest()
    monkeypatch.setattr(online_retail, "_SHA256", checksum)
    monkeypatch.setenv("EDGEREC_DATA", str(tmp_path))
    return path


def rows(path: Path) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute("SELECT * FROM purchases").fetchall()


def test_it_is_found_in_the_named_folder(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert find_online_retail() == file
    monkeypatch.delenv("EDGEREC_DATA")
    assert find_online_retail() is None


def test_another_file_is_refused(file: Path) -> None:
    file.write_bytes(b"something else")
    with pytest.raises(DatasetUnavailable, match=r"is not the known file of Online Retail: expect"):
        find_online_retail()


def test_lines_of_nobody_are_left_out_and_counted(file: Path, tmp_path: Path) -> None:
    counts = write_online_retail_database(file, tmp_path / "new" / "shop.db")
    assert counts == (2, 2)
    purchase, returned = rows(tmp_path / "new" / "shop.db")
    assert purchase == (
        *("536365", "85123A", "WHITE, HANGING", 6),
        *("2010-12-01 08:26:00", 2.55, 17850, "United Kingdom"),
    )
    # Ids that differ in case are two; no description is NULL.
    assert returned[1:4] == ("85123a", None, -1)


def test_lines_of_nobody_are_written_where_asked_for(file: Path, tmp_path: Path) -> None:
    counts = write_online_retail_database(file, tmp_path / "shop.db", without_customer=True)
    assert counts == (4, 2)
    assert [row[6] for row in rows(tmp_path / "shop.db")] == [17850, 14527, None, None]
