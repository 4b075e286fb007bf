"""Makes shop.db, a small shop whose tables look like those of many databases.

Run `python -m examples.your_database.shop` from the root of the repository.
"""

import json
import sqlite3
import uuid
from contextlib import closing
from datetime import date, datetime, timedelta
from pathlib import Path

import numpy as np

N_CUSTOMERS, N_PRODUCTS, N_VIEWS = 600, 400, 60
FIRST_DAY = datetime(2024, 1, 1)
CATEGORIES = ("garden", "kitchen", "books", "toys", "sport", "music", "office", "pets")
WORDS = ("small", "large", "red", "green", "wooden", "steel", "soft", "folding", "classic", "new")
THINGS = ("chair", "lamp", "knife", "ball", "guitar", "guide", "basket", "pen", "bed", "table")
COUNTRIES = ("DE", "FR", "ES", "IT", "PL", "NL")

SCHEMA = """
CREATE TABLE customers (
    customer_id CHAR(36) PRIMARY KEY, born DATE, country TEXT, newsletter BOOLEAN
);
CREATE TABLE products (
    sku VARCHAR(12) PRIMARY KEY, name TEXT, price DECIMAL(8, 2), categories JSON, added DATE
);
CREATE TABLE views (
    customer_id CHAR(36), sku VARCHAR(12), seen_at TIMESTAMP, bought BOOLEAN
);
CREATE TABLE order_lines (order_id INTEGER, sku VARCHAR(12), ordered_at TIMESTAMP);
"""


def make_shop(path: Path, random_state: int = 0) -> None:
    """Write the shop to a new SQLite file at `path`.

    Each customer likes some categories, and a price that goes up with his age. He looks at
    products, and buys what is to his taste; what he buys in one day is an order.
    """
    random = np.random.default_rng(random_state)
    places = random.random((N_PRODUCTS, len(CATEGORIES))).argsort(axis=1)[:, :2]
    log_prices = random.normal(3, 0.8, N_PRODUCTS)
    skus = [f"{85000 + number}{'ABC'[number % 3]}" for number in range(N_PRODUCTS)]
    popularity = random.dirichlet(np.full(N_PRODUCTS, 0.5))
    customers, views, lines = [], [], []
    n_orders = 0
    for _ in range(N_CUSTOMERS):
        customer = str(uuid.UUID(bytes=random.bytes(16), version=4))
        age = int(random.integers(18, 80))
        known = random.random() < 0.9
        born = (date(2024, 1, 1) - timedelta(days=365 * age)).isoformat() if known else None
        customers.append(
            (customer, born, str(random.choice(COUNTRIES)), bool(random.random() < 0.4))
        )
        taste = random.normal(0, 1, len(CATEGORIES))
        price_wanted = 2 + age / 40
        met = random.choice(
            N_PRODUCTS, N_VIEWS, replace=False, p=popularity * 0.5 + 0.5 / N_PRODUCTS
        )
        at = FIRST_DAY + timedelta(days=int(random.integers(0, 200)))
        order, day = 0, None
        for product in met.tolist():
            at += timedelta(hours=float(random.exponential(9)))
            liking = taste[places[product]].sum() - 0.8 * abs(log_prices[product] - price_wanted)
            bought = bool(random.random() < 1 / (1 + np.exp(0.6 - 1.6 * liking)))
            when = at.isoformat(" ", "seconds")
            views.append((customer, skus[product], when, bought))
            if bought:
                if at.date() != day:
                    n_orders += 1
                    order, day = n_orders, at.date()
                lines.append((order, skus[product], when))
    products = [
        (
            sku,
            f"{random.choice(WORDS)} {random.choice(WORDS)} {random.choice(THINGS)}",
            round(float(np.exp(log_price)), 2) if random.random() < 0.97 else None,
            json.dumps([CATEGORIES[place] for place in own]),
            (date(2020, 1, 1) + timedelta(days=int(random.integers(0, 1400)))).isoformat(),
        )
        for sku, log_price, own in zip(skus, log_prices, places, strict=True)
    ]
    path.unlink(missing_ok=True)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.executescript(SCHEMA)
        connection.executemany("INSERT INTO customers VALUES (?, ?, ?, ?)", customers)
        connection.executemany("INSERT INTO products VALUES (?, ?, ?, ?, ?)", products)
        connection.executemany("INSERT INTO views VALUES (?, ?, ?, ?)", views)
        connection.executemany("INSERT INTO order_lines VALUES (?, ?, ?)", lines)


if __name__ == "__main__":
    make_shop(Path("shop.db"))
    print("made shop.db: customers, products, views and order_lines")
