"""The same rows give the same file, byte for byte, whatever database they stand in."""

from collections.abc import Callable
from pathlib import Path

from sqlalchemy import Column, Float, Integer, MetaData, String, Table, Text

from edgerec.config import EmbeddingSettings, NetworkSettings, TrainSettings
from edgerec.declared.capabilities import declared_rec_sys
from edgerec.pipeline import train
from tests.source.conftest import BACKENDS, Database

SETTINGS = TrainSettings(
    n_history=8,
    embedding=EmbeddingSettings(embedding_dim=4, window=5, epochs=1),
    network=NetworkSettings(hidden_layer_sizes=(8,), max_epochs=1),
)
FILE = """\
[database]
url = "{url}"

[interactions]
table = "Ratings of things"
user_id = "user"
item_id = "item"
timestamp = "time"
value = "rating"

[label]
rule = "above"
above = 3.5

[items]
table = "things"
id = "item"

[[items.features]]
column = "price"
kind = "standard"

[[items.features]]
column = "labels"
kind = "multi_hot"
separator = "|"
"""
# Upper and lower case, accents and trailing spaces are other items, whatever a collation says.
ITEMS = ["85123A", "85123a", "é", "e", "x", "x ", *(f"thing {number}" for number in range(20))]


def test_every_database_gives_the_same_bytes(
    new_database: Callable[[str], Database], tmp_path: Path
) -> None:
    written = {}
    for backend in BACKENDS:
        database = new_database(backend)
        fill(database)
        path = tmp_path / "edgerec.toml"
        path.write_text(FILE.format(url=database.url))
        model = train(declared_rec_sys(path), SETTINGS)
        written[backend] = model.export(tmp_path / "shop.onnx").path.read_bytes()
        assert len(model.ranker.item_ids) == len(ITEMS)
    assert written["mariadb"] == written["sqlite"]
    assert written["postgresql"] == written["sqlite"]


def fill(database: Database) -> None:
    ratings = Table(
        "Ratings of things",
        MetaData(),
        Column("user", Integer),
        Column("item", String(40)),
        Column("rating", Float(53)),
        Column("time", Integer),
    )
    # No primary key: MariaDB's collation would take `85123A` and `85123a` for a duplicate.
    things = Table(
        "things",
        MetaData(),
        Column("item", String(40)),
        Column("price", Float(53)),
        Column("labels", Text),
    )
    rated = [
        {
            "user": user,
            "item": ITEMS[(7 * user + 5 * step) % len(ITEMS)],
            "rating": 0.5 * (1 + (3 * user + step) % 10),
            "time": 1000 + step // 2,
        }
        for user in range(30)
        for step in range(14)
    ]
    described = [
        {"item": item, "price": position / 10, "labels": "a|b" if position % 3 else "c"}
        for position, item in enumerate(ITEMS)
    ]
    database.make(ratings, rated)
    database.make(things, described)
