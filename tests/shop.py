"""A shop in a database: who gave what how many stars; configurations declare more of it."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from edgerec.recsys import Id

FILE = """\
[database]
url = "sqlite:///shop.db"

[interactions]
table = "ratings"
user_id = "user_id"
item_id = "item_id"
timestamp = "time"
value = "stars"

[label]
rule = "above"
above = 2
"""


def write_shop(
    folder: Path,
    script: str = "",
    *,
    n_users: int = 20,
    n_items: int = 9,
    item_id: Callable[[int], Id] = "i{}".format,
    first_time: int = 0,
) -> None:
    """Write shop.db: nine ratings by each user, and the tables that a script of SQL makes."""
    kind = "TEXT" if isinstance(item_id(0), str) else "INTEGER"
    with closing(sqlite3.connect(folder / "shop.db")) as connection, connection:
        connection.executescript(script)
        connection.execute(
            f"CREATE TABLE ratings (user_id INTEGER, item_id {kind}, stars INTEGER, time INTEGER)"
        )
        connection.executemany(
            "INSERT INTO ratings VALUES (?, ?, ?, ?)",
            [
                (user, item_id((user * step) % n_items), (user + step) % 5, first_time + step)
                for user in range(n_users)
                for step in range(9)
            ],
        )
