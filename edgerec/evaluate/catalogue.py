"""Ranks the whole catalogue for each test user, through the file and by the baselines.

A user's lists are made as of his first test row, from what was strictly earlier. What he had in
training is left out of his lists, and then out of what is relevant too, unless repeats are
allowed, as they are where people buy the same again.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, diags

from edgerec.errors import EvaluationError
from edgerec.evaluate.baselines import Baseline, standard_baselines
from edgerec.evaluate.owned import OwnedItems
from edgerec.evaluate.prequential import Row, check_kinds
from edgerec.evaluate.ranking import NOTHING, RankedLists, RankingMetrics, ranking_metrics
from edgerec.progress import Progress, Silent
from edgerec.recsys import Id
from edgerec.scoring import TableScorer


@dataclass(frozen=True)
class CatalogueEvaluation:
    """Metrics of the file and of the baselines on the same users."""

    protocol: str
    k: int
    user_ids: list[Id]
    """[U]: in the order of every per-user metric"""
    metrics: dict[str, RankingMetrics]
    """by name: "model" first, then the baselines"""
    n_users_skipped: int
    """test users without a relevant item"""
    n_cold: int
    """relevant items that are not in the catalogue, and so never hit"""
    objective: str = "samples"
    """what the file was trained for: "samples" or "top"; see `edgerec.config.TrainSettings`"""


@dataclass(frozen=True)
class _TestUser:
    user_id: Id
    first: int
    """time of his first test row"""
    relevant: list[Id]
    context: Sequence[float]
    """of his first test row"""


def evaluate_catalogue(
    scorer: TableScorer,
    test_rows: Iterable[Row],
    owned: OwnedItems,
    *,
    k: int = 10,
    repeats: bool = False,
    same_second: bool = False,
    label_above: float | None = None,
    baselines: Sequence[Baseline] | None = None,
    progress: Progress | None = None,
) -> CatalogueEvaluation:
    """Rank the catalogue for each test user and compute the metrics.

    Parameters
    ----------
    test_rows : iterable of Row
        The rows of one user stand together, in order of time. Rows of label 1 are relevant.
    owned : OwnedItems
        The training interactions, over the file's catalogue. What stands there strictly before
        the user's first test row is given as history; a file that knows it already is told
        nothing new.
    k : int
        Places of a list.
    repeats : bool
        True: items that the user had in training may be recommended, and are relevant.
    same_second : bool
        True: training rows of the very second of the user's first test row are history too, as
        where a split divides a basket and the rest of it is to be guessed.
    label_above : float, optional
        A value above this is labelled 1; by default the rule that stands in the manifest. With
        neither, every test row counts as taken.
    baselines : sequence of Baseline, optional
        By default `standard_baselines`.

    Raises
    ------
    EvaluationError
        No test user has a relevant item, or ids are of another kind than the file's.
    """
    progress = progress or Silent()
    threshold = scorer.label_above if label_above is None else label_above
    progress.stage("baselines")
    others = standard_baselines(owned) if baselines is None else list(baselines)
    position = {id_: place for place, id_ in enumerate(owned.catalogue)}
    tops: dict[str, list[NDArray[np.int64]]] = {"model": [], **{one.name: [] for one in others}}
    hits: dict[str, list[NDArray[np.bool_]]] = {name: [] for name in tops}
    user_ids: list[Id] = []
    n_relevant: list[int] = []
    n_skipped = n_cold = 0
    progress.stage("ranking")
    for user in _test_users(scorer, test_rows, threshold):
        own = owned.of(user.user_id)
        excluded = np.zeros(0, np.int32) if repeats else np.unique(own)
        places = {position.get(id_, NOTHING) for id_ in user.relevant}
        n_unknown = sum(id_ not in position for id_ in user.relevant)
        relevant = places - set(excluded.tolist()) - {NOTHING}
        if not relevant and not n_unknown:
            n_skipped += 1
            continue
        as_of = user.first + same_second
        history = owned.of(user.user_id, before=as_of)
        ids = scorer.top(
            user.user_id,
            owned.history(user.user_id, as_of, scorer.n_history),
            as_of,
            [owned.catalogue[place] for place in excluded.tolist()],
            k,
            user.context,
        )
        ranked = {"model": _filled([position[id_] for id_ in ids], k)}
        ranked.update((one.name, _top(one, history, excluded, k)) for one in others)
        for name, items in ranked.items():
            tops[name].append(items)
            hits[name].append(np.isin(items, list(relevant)))
        user_ids.append(user.user_id)
        n_relevant.append(len(relevant) + n_unknown)
        n_cold += n_unknown
        progress.advance(len(user_ids), None)
    if not user_ids:
        raise EvaluationError(
            f"None of {n_skipped} test users has a relevant item"
            + ("" if repeats else " that he did not have in training already")
            + ". Check the test table and the label rule, or allow what he had with --repeats."
        )
    progress.stage("metrics")
    taken = owned.matrix()
    counts = np.asarray(taken.sum(axis=0)).ravel()
    vectors = _unit_rows(taken.T.tocsr())
    metrics = {
        name: ranking_metrics(
            RankedLists(np.stack(tops[name]), np.stack(hits[name]), np.array(n_relevant)),
            counts,
            owned.n_users,
            vectors,
        )
        for name in tops
    }
    rule = "every row" if threshold is None else f"value > {threshold:g}"
    known = ", rows of its second included" if same_second else ""
    protocol = (
        f"top {k} of the whole catalogue of {len(owned.catalogue):,} items as of each user's first "
        f"test row{known}; "
        f"relevant: {rule}; items had in training are "
        + ("allowed and relevant" if repeats else "left out")
    )
    return CatalogueEvaluation(protocol, k, user_ids, metrics, n_skipped, n_cold, scorer.objective)


def _test_users(
    scorer: TableScorer, rows: Iterable[Row], threshold: float | None
) -> Iterator[_TestUser]:
    for user_id, group in groupby(rows, lambda row: row.user_id):
        own = list(group)
        check_kinds(scorer, own[0])
        relevant = dict.fromkeys(row.item_id for row in own if is_relevant(row, threshold))
        first = min(own, key=lambda row: row.timestamp)
        yield _TestUser(user_id, first.timestamp, list(relevant), first.context)


def is_relevant(row: Row, threshold: float | None) -> bool:
    """Whether a row says that its user likes the item, or took it where there is no rule.

    >>> is_relevant(Row(7, 1, None, 0), 0), is_relevant(Row(7, 1, 3.0, 0), 3.5)
    (True, False)
    """
    if row.label is not None:
        return row.label == 1
    # A row without a value states nothing against the item; it was taken.
    if threshold is None or (row.value is None and threshold == 0):
        return True
    return row.value is not None and row.value > threshold


def _top(
    baseline: Baseline, history: NDArray[np.int32], excluded: NDArray[np.int32], k: int
) -> NDArray[np.int64]:
    scores = baseline.scores(history).copy()
    scores[excluded] = -np.inf
    # Among equal scores the earlier in the catalogue, as in the graph; a partition first, since
    # sorting the whole catalogue for each user takes longer than scoring it.
    k_allowed = min(k, len(scores) - len(excluded))
    if k_allowed <= 0:
        return _filled([], k)
    threshold = np.partition(scores, len(scores) - k_allowed)[len(scores) - k_allowed]
    candidates = np.flatnonzero(scores >= threshold)
    order = np.argsort(-scores[candidates], kind="stable")[:k_allowed]
    return _filled(candidates[order].tolist(), k)


def _filled(places: list[int], k: int) -> NDArray[np.int64]:
    top = np.full(k, NOTHING, np.int64)
    top[: len(places)] = places[:k]
    return top


def _unit_rows(rows: csr_matrix) -> csr_matrix:
    length = np.sqrt(np.asarray(rows.multiply(rows).sum(axis=1)).ravel())
    return (diags(1 / np.maximum(length, 1e-9)) @ rows).tocsr()
