"""Parity of a request's context: what is asked."""

import numpy as np

from edgerec.recsys import Id
from edgerec.schema import Request
from edgerec.training.ranker import Ranker


def context_requests(ranker: Ranker, items: list[Id]) -> list[Request]:
    """Return requests with a context that is whole, too short, too long, not stated, far off."""
    defaults = ranker.tables.context.defaults
    stated = (defaults + 1).tolist()
    if not stated:
        return []
    far = [(-1) ** at * 1e30 for at in range(len(defaults))]
    return [
        Request(name="context", item_ids=items, context=stated),
        Request(name="context, the first alone", item_ids=items, context=stated[:1]),
        Request(name="context and more", item_ids=items, context=[*stated, 7.0]),
        Request(name="context not stated", item_ids=items, context=[float("nan")] * len(stated)),
        Request(name="context far off", item_ids=items, context=far),
    ]


def random_context(ranker: Ranker, number: int) -> list[float]:
    """Return numbers about the defaults, some not stated, drawn apart from the rest."""
    defaults = ranker.tables.context.defaults
    random = np.random.default_rng([ranker.settings.random_state, 3, number])
    stated = random.normal(defaults, 1 + np.abs(defaults)).astype(np.float32)
    stated[random.random(len(stated)) < 0.2] = np.nan
    return [float(one) for one in stated[: int(random.integers(0, len(stated) + 1))]]
