"""A database in which every column is known: what helps, what is useless, and what cheats."""

import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

N_USERS, N_ITEMS = 240, 300
START = datetime(2020, 1, 1, tzinfo=UTC)


def write_planted_database(path: Path, random_state: int = 0) -> None:
    """Write movies (items), people (users) and ratings of 1 to 5.

    An item's quality and a user's taste for one of three moods decide the ratings. `critics` is
    the quality with little noise, from elsewhere: honest, and stronger than the items' own few
    ratings. `average` is of the ratings themselves.
    """
    random = np.random.default_rng(random_state)
    quality = random.normal(0, 1.2, N_ITEMS)
    mood = random.integers(0, 3, N_ITEMS)
    taste = random.normal(0, 1, (N_USERS, 3))
    kindness = random.normal(0, 0.8, N_USERS)
    out = [START - timedelta(days=int(day)) for day in random.integers(1, 9000, N_ITEMS)]
    ratings = []
    for user in range(N_USERS):
        own = random.choice(N_ITEMS, int(random.integers(12, 30)), replace=False)
        days = np.sort(random.integers(0, 700, len(own)))
        for item, day in zip(own.tolist(), days.tolist(), strict=True):
            value = 3 + quality[item] + taste[user, mood[item]] + kindness[user]
            value = min(max(round(value + random.normal(0, 0.8)), 1), 5)
            when = START + timedelta(days=day, seconds=int(random.integers(0, 86_400)))
            ratings.append((user + 1, item + 1, value, int(when.timestamp())))
    total, count = np.zeros(N_ITEMS), np.zeros(N_ITEMS)
    last = dict.fromkeys(range(N_ITEMS), 0)
    of_user: dict[int, list[int]] = {}
    for user, item, value, when in ratings:
        total[item - 1] += value
        count[item - 1] += 1
        last[item - 1] = max(last[item - 1], when)
        of_user.setdefault(user, []).append(value)
    movies = [
        (
            item + 1,
            ("dark", "light", "odd")[mood[item]],
            ("D", "L", "O")[mood[item]],
            round(float(quality[item] + random.normal(0, 0.1)), 3),
            round(float(random.normal()), 4),
            "film",
            7_000_000 + 13 * item,
            f"X{random.integers(10**9)}",
            out[item].date().isoformat(),
            datetime.fromtimestamp(last[item], UTC).date().isoformat() if last[item] else None,
            float(total[item] / count[item]) if count[item] else None,
            int(count[item]),
            float(total[item] / count[item] * 20) if count[item] else None,
        )
        for item in range(N_ITEMS)
    ]
    people = [
        (
            user + 1,
            round(float(kindness[user] + random.normal(0, 0.1)), 3),
            float(np.mean(of_user[user + 1])),
        )
        for user in range(N_USERS)
    ]
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(
            "CREATE TABLE movies (movie_id INTEGER PRIMARY KEY, mood TEXT,"
            " mood_code TEXT, critics REAL, noise REAL, sort TEXT, register INTEGER, barcode TEXT,"
            " released TEXT, last_rated TEXT, average REAL, n_ratings INTEGER, percent REAL)"
        )
        connection.execute(
            "CREATE TABLE users (user_id INTEGER PRIMARY KEY, kindness REAL, own_average REAL)"
        )
        connection.execute(
            "CREATE TABLE ratings (user_id INTEGER, movie_id INTEGER, rating REAL,"
            " timestamp INTEGER)"
        )
        connection.executemany(f"INSERT INTO movies VALUES ({', '.join('?' * 13)})", movies)
        connection.executemany("INSERT INTO users VALUES (?, ?, ?)", people)
        connection.executemany("INSERT INTO ratings VALUES (?, ?, ?, ?)", ratings)
