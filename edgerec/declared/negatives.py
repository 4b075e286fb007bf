"""The samples of what was taken, with negatives: drawn from all items, or seen and not taken."""

import dataclasses
from collections.abc import Iterator
from itertools import islice
from typing import Final

import numpy as np
from numpy.typing import NDArray

from edgerec.declared.schema import Configuration, Impressions, row_conditions
from edgerec.recsys import Id, Sample
from edgerec.samples.negatives import InBatchSampler, NegativeSampler
from edgerec.source import Engine, RowInContext, find_columns, read_interactions, rows_by_user

# Users of one batch of the sampler "in_batch".
_BATCH_USERS: Final = 256
_POPULARITY_EXPONENT: Final = 0.75
# What a value that is not stated stands for: the row says that the item was taken.
_TAKEN: Final = 1.0


def with_drawn(
    users_rows: Iterator[list[RowInContext]],
    items: list[Id],
    counts: NDArray[np.int64],
    configuration: Configuration,
) -> Iterator[Sample]:
    """Yield each interaction and, after it, items that its user never took.

    Those weigh 1, or what the correction says, however much the interaction does: a weight is how
    sure it is that this was liked, and says nothing of what was not taken.

    Parameters
    ----------
    users_rows : iterator
        The rows of one user at a time, in order of time.
    items, counts
        The catalogue, and how often each item occurs.
    """
    label, seed = configuration.label, configuration.training.random_state
    corrected, n_negatives = label.popularity_correction, label.n_negatives
    exponent = label.popularity_exponent
    if exponent is None:
        exponent = _POPULARITY_EXPONENT if label.negatives == "popularity" else 0.0
    code_of = {id_: code for code, id_ in enumerate(items)}
    sampler = NegativeSampler(counts, exponent, seed, corrected=corrected)
    number = 0
    while batch := list(islice(users_rows, _BATCH_USERS)):
        codes = [np.array([code_of[item] for _, item, *_ in rows], np.int64) for rows in batch]
        in_batch = InBatchSampler(
            np.concatenate(codes), counts, seed, number=number, corrected=corrected
        )
        number += 1
        for rows, own in zip(batch, codes, strict=True):
            chosen = in_batch if label.negatives == "in_batch" else sampler
            drawn = chosen.draw(np.unique(own), n_negatives * len(rows))
            # Hardly an item may be left: what was drawn is spread over all rows of the user.
            for row, some in zip(rows, np.array_split(drawn, len(rows)), strict=True):
                yield positive(row)
                weights = chosen.weights(some).tolist()
                for code, weight in zip(some.tolist(), weights, strict=True):
                    yield Sample(row[0], items[code], 0.0, row[3], None, weight, row[5])


def with_seen(
    users_rows: Iterator[list[RowInContext]],
    seen: Iterator[list[RowInContext]],
    n_negatives: int,
    random_state: int,
) -> Iterator[Sample]:
    """Yield each user's interactions and what he saw and never took, in order of time.

    Parameters
    ----------
    users_rows, seen : iterator
        The rows of one user at a time, in order of time; users come in ascending order in both.
    n_negatives : int
        At most so many times his interactions are kept of what he saw, at random.
    """
    random = np.random.default_rng([random_state, 3])
    shown = next(seen, None)
    for rows in users_rows:
        user = rows[0][0]
        while shown is not None and _before(shown[0][0], user):
            shown = next(seen, None)
        samples = [positive(row) for row in rows]
        if shown is not None and shown[0][0] == user:
            own = {item for _, item, *_ in rows}
            left = [row for row in shown if row[1] not in own]
            most = min(len(left), n_negatives * len(rows))
            kept = np.sort(random.permutation(len(left))[:most]).tolist()
            samples += [
                Sample(user, left[at][1], 0.0, left[at][3], None, context=left[at][5])
                for at in kept
            ]
        yield from sorted(samples, key=lambda one: one.timestamp)


def read_seen(
    engine: Engine, section: Impressions, chunk_rows: int, context: tuple[str, ...] = ()
) -> Iterator[list[RowInContext]]:
    """Return the impressions of one user at a time, in order of time.

    The columns of the context must be there as they are with the interactions: a number that
    positives alone have would tell them apart.

    Raises
    ------
    SourceError
        The table or a column is not there.
    """
    columns = find_columns(
        engine,
        section.table,
        user_id=section.user_id,
        item_id=section.item_id,
        timestamp=section.timestamp,
        has_value=False,
    )
    columns = dataclasses.replace(columns, context=context)
    chunks = read_interactions(
        engine,
        section.table,
        columns,
        chunk_rows=chunk_rows,
        order="user",
        where=row_conditions(section.where),
    )
    return rows_by_user(chunks)


def positive(row: RowInContext) -> Sample:
    """Return the sample of something that was taken.

    >>> positive((1, "a", float("nan"), 60, 2.0, ()))
    Sample(user_id=1, item_id='a', label=1.0, timestamp=60, value=1.0, weight=2.0, context=())
    """
    user, item, value, time, weight, cells = row
    return Sample(user, item, 1.0, time, value if value == value else _TAKEN, weight, cells)


def _before(first: Id, second: Id) -> bool:
    """Say whether one id stands before another in the order that tables are read in."""
    if isinstance(first, int) and isinstance(second, int):
        return first < second
    return str(first) < str(second)
