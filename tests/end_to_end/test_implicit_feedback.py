"""What was taken and nothing else: from a table of purchases to lists better than popularity."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from edgerec.cli import main

URL = "sqlite:///shop.db"
N_USERS, N_ITEMS, N_PURCHASES = 120, 80, 16


def write_shop(path: Path) -> None:
    """Even customers buy even items, odd ones odd items; some items are far more popular."""
    random = np.random.default_rng(0)
    rows = []
    for user in range(N_USERS):
        liked = np.arange(user % 2, N_ITEMS, 2)
        weight = 1 / (1 + liked // 2) ** 0.7
        bought = random.choice(liked, N_PURCHASES, replace=False, p=weight / weight.sum())
        rows += [
            (f"{item:03}A", f"thing {item}", int(random.integers(1, 40)), 86_400 * day, user)
            for day, item in enumerate(bought.tolist(), 1)
        ]
        # What came back says nothing.
        rows.append((f"{int(bought[0]):03}A", "returned", -2, 86_400 * (N_PURCHASES + 1), user))
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(
            "CREATE TABLE purchases (StockCode TEXT, Description TEXT, Quantity INTEGER,"
            " InvoiceDate INTEGER, CustomerID INTEGER)"
        )
        connection.executemany("INSERT INTO purchases VALUES (?, ?, ?, ?, ?)", rows)


def test_a_draft_of_purchases_ranks_better_than_popularity(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    write_shop(tmp_path / "shop.db")
    assert main(["split", URL, "--table", "purchases", "--by", "user-time"]) == 0
    assert main(["init", URL]) == 0
    capsys.readouterr()
    assert main(["train", "edgerec.toml", "--json"]) == 0
    ranking = json.loads(capsys.readouterr().out)["ranking"]
    _, low, _ = ranking["rankings"]["popularity"]["ndcg_of_model_above"]
    assert low > 0
    # The best list there is knows the customer's half of the shop, and not his dice.
    assert ranking["rankings"]["model"]["ndcg"][0] < 0.6
    manifest = json.loads((tmp_path / "models" / "edgerec.json").read_text())
    assert manifest["metrics"][0]["protocol"] == ranking["protocol"]
