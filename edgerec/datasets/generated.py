"""Made-up interactions with real structure: what a good model finds and a poor one does not."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from edgerec.datasets.database import MovieCounts, write_movie_tables
from edgerec.errors import ConfigurationError

__all__ = ["GeneratedInteractions", "make_interactions", "write_generated_database"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

_GENRES = (
    *("Action", "Adventure", "Animation", "Children", "Comedy", "Crime", "Documentary", "Drama"),
    *("Fantasy", "Horror", "Musical", "Mystery", "Romance", "Sci-Fi", "Thriller", "Western"),
)
_START = 946_684_800  # 2000-01-01, Unix seconds
_SPAN = 15 * 365 * 86_400  # seconds during which users arrive
_BLOCK_ROWS = 100_000
_BLOCK_CELLS = 4_000_000  # user-item pairs weighed at once: 16 MB each for a few arrays

# The standard deviations of what makes a value. With them the means of user and item reach an
# AUC near .76 for "above 3.5", matrix factorisation .79, the value before its noise .875.
_MEAN, _USER, _ITEM, _TASTE, _NOISE = 3.2, 0.44, 0.44, 0.64, 0.68
_GENRE_SHARE = 0.4  # of the variance of taste; the rest lies in dimensions that nothing names
_PULL = 0.8  # how much more often a user picks what he will like


@dataclass(frozen=True)
class GeneratedInteractions:
    """Interactions in the order of time, and the catalogue they come from."""

    user_ids: IntArray
    """int64[n], from 1 to the number of users."""
    item_ids: IntArray
    """int64[n]."""
    values: FloatArray
    """float64[n], 0.5 to 5.0 in half steps."""
    timestamps: IntArray
    """int64[n], Unix seconds, not decreasing."""
    expected_values: FloatArray
    """float64[n], the values before noise and rounding: the most that a model can know."""
    catalogue_ids: IntArray
    """int64[n_items], increasing, with gaps."""
    titles: tuple[str, ...]
    """The items' titles, with a year, in the order of `catalogue_ids`."""
    genres: tuple[str, ...]
    """The items' genres, joined by `|`, in the order of `catalogue_ids`."""


def make_interactions(
    n_users: int = 600,
    n_items: int = 1000,
    n_interactions: int = 60_000,
    *,
    n_taste: int = 4,
    random_state: int = 0,
) -> GeneratedInteractions:
    """Make interactions of users who have tastes with items that have qualities.

    A value is the sum of a mean, the user's bias, the item's quality, the fit of the user's
    taste to the item's genres and to `n_taste` unnamed dimensions, and noise. Popularity falls as
    in Zipf's law; users pick popular items, and items that fit their taste, more often. No pair
    of user and item occurs twice.

    Parameters
    ----------
    n_users, n_items, n_interactions : int
        The sizes. A user has at most half of the items.
    n_taste : int, default=4
        The unnamed dimensions of taste.
    random_state : int, default=0
        The seed: the same arguments give the same interactions.

    Returns
    -------
    GeneratedInteractions

    Raises
    ------
    ConfigurationError
        If the sizes do not fit each other.

    Examples
    --------
    >>> made = make_interactions(n_users=50, n_items=80, n_interactions=1000)
    >>> len(made.values), made.titles[0]
    (1000, 'Generated Movie 1 (2009)')
    """
    _check_sizes(n_users, n_items, n_interactions, n_taste)
    random = np.random.default_rng(random_state)
    catalogue_ids = _catalogue_ids(n_items, random)
    has_genre = _genres(n_items, random)
    years = np.minimum(2018 - random.exponential(18, n_items), 2018).clip(1920).astype(np.int64)
    quality = random.normal(0, _ITEM, n_items)
    popularity = -0.9 * np.log(random.permutation(n_items) + 10.0) + 0.8 * quality / _ITEM
    item_traits = _item_traits(has_genre, n_taste, random)
    user_tastes = random.normal(0, _TASTE, (n_users, item_traits.shape[1]))
    user_bias = random.normal(0, _USER, n_users)

    counts = _counts(n_users, n_items, n_interactions, random)
    users = np.repeat(np.arange(n_users), counts)
    items = _picked_items(popularity, user_tastes, item_traits, counts, random)
    fit = np.einsum("nd,nd->n", user_tastes[users], item_traits[items])
    expected = _MEAN + user_bias[users] + quality[items] + fit
    values = np.round(2 * (expected + random.normal(0, _NOISE, len(expected)))) / 2
    timestamps = _timestamps(counts, random)

    user_ids, item_ids = users + 1, catalogue_ids[items]
    order = np.lexsort((item_ids, user_ids, timestamps))
    return GeneratedInteractions(
        user_ids=user_ids[order],
        item_ids=item_ids[order],
        values=values.clip(0.5, 5.0)[order],
        timestamps=timestamps[order],
        expected_values=expected[order],
        catalogue_ids=catalogue_ids,
        titles=tuple(
            f"Generated Movie {item_id} ({year})"
            for item_id, year in zip(catalogue_ids.tolist(), years.tolist(), strict=True)
        ),
        genres=tuple(
            "|".join(name for name, has in zip(_GENRES, row, strict=True) if has)
            for row in has_genre.tolist()
        ),
    )


def write_generated_database(path: str | Path, interactions: GeneratedInteractions) -> MovieCounts:
    """Write interactions to a SQLite database with the tables of MovieLens, replacing it.

    Parameters
    ----------
    path : str or Path
        The file to write.
    interactions : GeneratedInteractions
        What `make_interactions` returned. The table of tags stays empty.

    Returns
    -------
    MovieCounts
        The rows of each table.
    """
    made = interactions
    return write_movie_tables(
        path,
        zip(made.catalogue_ids.tolist(), made.titles, made.genres, strict=True),
        _rows(made),
        (),
    )


def _rows(made: GeneratedInteractions) -> Iterator[tuple[int, int, float, int]]:
    """Yield the rows a block at a time: millions of them as Python's numbers would fill memory."""
    columns = (made.user_ids, made.item_ids, made.values, made.timestamps)
    for start in range(0, len(made.values), _BLOCK_ROWS):
        part = slice(start, start + _BLOCK_ROWS)
        yield from zip(*(column[part].tolist() for column in columns), strict=True)


def _check_sizes(n_users: int, n_items: int, n_interactions: int, n_taste: int) -> None:
    if n_users < 1 or n_items < 2 or n_taste < 0:
        raise ConfigurationError(
            "expected n_users of at least 1, n_items of at least 2 and n_taste of at least 0, "
            f"got {n_users}, {n_items} and {n_taste}"
        )
    most = n_users * (n_items // 2)
    if not n_users <= n_interactions <= most:
        raise ConfigurationError(
            f"n_interactions must be between {n_users} (one for each of n_users) and {most} "
            f"(half of n_items for each), got {n_interactions}: change one of the three"
        )


def _catalogue_ids(n_items: int, random: np.random.Generator) -> IntArray:
    """Return ids with gaps, as databases have them; 1, 2 and 39 are among them if they fit."""
    wanted = np.array([1, 2, 39])[:n_items]
    others = np.setdiff1d(np.arange(1, 3 * max(n_items, 20)), wanted)
    drawn = random.choice(others, n_items - len(wanted), replace=False)
    return np.sort(np.concatenate([wanted, drawn])).astype(np.int64)


def _genres(n_items: int, random: np.random.Generator) -> npt.NDArray[np.bool_]:
    """Return bool[n_items, n_genres] with one to three genres in each row."""
    share = 1 / np.arange(1.0, len(_GENRES) + 1)[random.permutation(len(_GENRES))]
    # An exponential race draws without replacement by share, for all items at once.
    finish = random.standard_exponential((n_items, len(_GENRES))) / (share + 0.05)
    place = np.argsort(np.argsort(finish, axis=1), axis=1)
    return np.asarray(place < random.integers(1, 4, (n_items, 1)))


def _item_traits(
    has_genre: npt.NDArray[np.bool_], n_taste: int, random: np.random.Generator
) -> FloatArray:
    """Return float64[n_items, n_genres + n_taste], each row of length 1."""
    named = has_genre / np.sqrt(has_genre.sum(axis=1, keepdims=True))
    if n_taste == 0:
        return np.asarray(named, dtype=np.float64)
    unnamed = random.normal(size=(len(has_genre), n_taste))
    unnamed /= np.linalg.norm(unnamed, axis=1, keepdims=True)
    return np.hstack([np.sqrt(_GENRE_SHARE) * named, np.sqrt(1 - _GENRE_SHARE) * unnamed])


def _counts(
    n_users: int, n_items: int, n_interactions: int, random: np.random.Generator
) -> IntArray:
    """Return int64[n_users] that adds up to `n_interactions`: a few users do much."""
    most = n_items // 2
    least = min(20, most, n_interactions // n_users)
    activity = random.lognormal(0, 1, n_users)
    counts = np.full(n_users, least, dtype=np.int64)
    while (left := n_interactions - int(counts.sum())) > 0:
        room = counts < most
        share = np.where(room, activity, 0)
        more = np.floor(left * share / share.sum()).astype(np.int64)
        if not more.any():
            more[np.flatnonzero(room)[:left]] = 1
        counts = np.minimum(counts + more, most)
    return counts


def _picked_items(
    popularity: FloatArray,
    user_tastes: FloatArray,
    item_traits: FloatArray,
    counts: IntArray,
    random: np.random.Generator,
) -> IntArray:
    """Return the rows of the items that each user picks, users one after the other."""
    picked = []
    traits = (item_traits.T * (_PULL / _TASTE)).astype(np.float32)
    tastes = user_tastes.astype(np.float32)
    n_rows = max(1, _BLOCK_CELLS // len(popularity))
    for start in range(0, len(counts), n_rows):
        rate = np.exp(tastes[start : start + n_rows] @ traits + popularity.astype(np.float32))
        # The first of an exponential race: a draw without replacement, weighted by rate.
        finish = random.standard_exponential(rate.shape, dtype=np.float32) / rate
        for row, count in zip(finish, counts[start : start + n_rows].tolist(), strict=True):
            picked.append(random.permutation(np.argpartition(row, count)[:count]))
    return np.concatenate(picked).astype(np.int64)


def _timestamps(counts: IntArray, random: np.random.Generator) -> IntArray:
    """Return int64[n]: each user arrives some day and comes back for short sessions."""
    n = int(counts.sum())
    gaps = random.exponential(30, n)
    comes_back = random.random(n) < 0.04
    gaps[comes_back] += random.exponential(20 * 86_400, int(comes_back.sum()))
    elapsed = np.cumsum(gaps)
    first = np.cumsum(counts) - counts
    since_arrival = elapsed - np.repeat(elapsed[first], counts)
    arrival = _START + random.integers(0, _SPAN, len(counts))
    return np.asarray(np.repeat(arrival, counts) + since_arrival.astype(np.int64))
