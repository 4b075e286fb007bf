"""Compare answers with those of the golden requests in a manifest."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

TOLERANCE = 1e-5


def difference(
    feeds: Mapping[str, NDArray[Any]],
    expected: Mapping[str, NDArray[Any]],
    found: Mapping[str, NDArray[Any]],
    padding: int | str,
) -> str | None:
    """Say how an answer differs from a golden one, by the rules of the bundle format.

    Scores agree within 1e-5. ``top_positions`` and ``top_ids`` are compared through their scores,
    since near-ties may swap between processors.

    Parameters
    ----------
    feeds : mapping of str to ndarray
        The nine inputs.
    expected : mapping of str to ndarray
        Some or all of the outputs, as the manifest has them.
    found : mapping of str to ndarray
        The outputs, as the graph answered.
    padding : int or str
        The padding id of items.

    Returns
    -------
    str or None
        What differs; None: nothing does.

    Examples
    --------
    >>> difference({}, {"scores": np.array([0.5])}, {"scores": np.array([0.75])}, "")
    'scores[0]: expected 0.5, got 0.75'
    """
    for name, wanted in expected.items():
        got = found[name]
        if got.shape != wanted.shape:
            return f"{name}: expected length {len(wanted)}, got {len(got)}"
        if name in ("scores", "top_scores", "similarities"):
            # Written so that NaN, which compares false, is a difference.
            differs = ~(np.abs(got - wanted) <= TOLERANCE)
        elif name == "known":
            differs = got != wanted
        else:
            continue
        if differs.any():
            at = int(differs.argmax())
            return f"{name}[{at}]: expected {wanted[at]}, got {got[at]}"
    if {"similar_ids", "similarities"} <= set(expected):
        # In the middle of what is nearly as similar, neighbours may swap.
        near = np.abs(np.diff(expected["similarities"], prepend=9, append=-9)) <= 2 * TOLERANCE
        clear = ~(near[:-1] | near[1:])
        # What stands last may have swapped with what is not listed.
        clear[-1:] = False
        if (expected["similar_ids"][clear] != found["similar_ids"][clear]).any():
            return "similar_ids: another item than expected"
    if "top_positions" in expected or "top_ids" in expected:
        return _ranking_difference(feeds, expected, found, padding)
    return None


def _ranking_difference(
    feeds: Mapping[str, NDArray[Any]],
    expected: Mapping[str, NDArray[Any]],
    found: Mapping[str, NDArray[Any]],
    padding: int | str,
) -> str | None:
    positions, ids, scores = found["top_positions"], found["top_ids"], found["top_scores"]
    # Where the best of a catalogue were asked for, the lists may stand alone.
    alone = len(found["scores"]) == 0
    # Not np.unique, which imports masked arrays: a tenth of a start.
    if len(set(positions.tolist())) != len(positions):
        return "top_positions: the same position stands in it twice"
    if len(positions) and (
        positions.min() < 0 or (not alone and positions.max() >= len(found["scores"]))
    ):
        return "top_positions: a position is outside the candidates"
    reference = scores if alone else expected.get("scores", found["scores"])[positions]
    far = ~(np.abs(reference - expected.get("top_scores", scores)) <= 2 * TOLERANCE)
    if far.any():
        at = int(far.argmax())
        return f"top_positions[{at}]: {positions[at]} has another score than the item expected"
    if set(ids.tolist()) & (set(feeds["exclude"].tolist()) - {padding}):
        return "top_ids: an excluded item stands in it"
    candidates = feeds["item_ids"][feeds["item_ids"] != padding]
    if len(candidates):
        wrong = candidates[positions] != ids
    elif {"top_positions", "top_ids"} <= set(expected):
        # The catalogue's ids are known only where the golden answer names them.
        named = dict(zip(expected["top_positions"].tolist(), expected["top_ids"], strict=True))
        wrong = np.array(
            [named.get(at, each) != each for at, each in zip(positions.tolist(), ids, strict=True)],
            dtype=np.bool_,
        )
    else:
        return None
    if wrong.any():
        at = int(wrong.argmax())
        return f"top_ids[{at}]: {ids.tolist()[at]!r} is not the id at position {positions[at]}"
    return None
