"""Every database makes the same profile of a column, whatever type it stores it in."""

from datetime import UTC, date, datetime

import numpy as np
from sqlalchemy import Column, MetaData, Table, types

from edgerec.declared.auto.profile import SHARES, profile_columns
from edgerec.declared.auto.things import read_things
from edgerec.declared.roles import ThingTable
from tests.source.conftest import Database

N = 60


def test_profiles_are_the_same_in_every_database(database: Database) -> None:
    random = np.random.default_rng(0)
    kinds = {
        "price": types.Numeric(10, 2, asdecimal=False),
        "stock": types.Integer(),
        "is_new": types.Boolean(),
        "out": types.Date(),
        "seen": types.DateTime(),
        "tags": types.JSON(),
        "colour": types.String(40),
        "title": types.Text(),
    }
    cells = {
        "price": [None, *(random.integers(100, 9999, N - 1) / 100).tolist()],
        "stock": random.integers(0, 5, N).tolist(),
        "is_new": [number % 3 == 0 for number in range(N)],
        "out": [date(2000 + number % 20, 1, 2) for number in range(N)],
        "seen": [datetime(2020, 1, 1, number % 24, tzinfo=UTC) for number in range(N)],
        "tags": [[f"a{number % 3}", f"é{number % 4}"] for number in range(N)],
        "colour": [f"{'Red' if number % 2 else 'red'}" for number in range(N)],
        "title": [f"Tale {number} of {number % 9}" for number in range(N)],
    }
    goods = Table(
        "goods",
        MetaData(),
        Column("id", types.Integer(), primary_key=True, autoincrement=False),
        *(Column(name, kind) for name, kind in kinds.items()),
    )
    rows = [dict(zip(cells, row, strict=True)) for row in zip(*cells.values(), strict=True)]
    # SQLite and MariaDB keep no zones.
    for row in rows:
        row["seen"] = row["seen"].replace(tzinfo=None)
    database.make(goods, [{"id": number, **row} for number, row in enumerate(rows)])
    read = read_things(database.engine, ThingTable("goods", "id", None))
    found = profile_columns(database.engine, read)
    price = np.array(cells["price"][1:], float)
    one = found["price"]
    assert (one.form, one.n_rows, one.n_values) == ("number", N, N - 1)
    assert (one.n_distinct, one.minimum, one.maximum) == (
        len(set(price.tolist())),
        price.min(),
        price.max(),
    )
    np.testing.assert_allclose(one.quantiles, np.quantile(price, SHARES))
    np.testing.assert_allclose([one.mean, one.spread], [price.mean(), price.std()])
    assert found["stock"].is_whole and found["stock"].n_distinct == 5
    assert found["is_new"].form == "flag"
    assert found["out"].form == found["seen"].form == "moment"
    assert (found["out"].has_hours, found["seen"].has_hours) == (False, True)
    assert (found["tags"].form, found["tags"].n_members) == ("members", 7)
    assert (found["colour"].form, found["colour"].n_distinct) == ("category", 2)
    assert (found["title"].form, found["title"].n_distinct) == ("words", N)
