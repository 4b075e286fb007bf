"""Whatever is fitted on samples must serve them out of fold; a table that does not is found."""

import dataclasses
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgerec import fitted, fitting, pipeline
from edgerec.audit.out_of_fold import check_out_of_fold
from edgerec.audit.report import Finding
from edgerec.config import TrainSettings
from edgerec.errors import AuditError
from edgerec.progress import Silent
from edgerec.recsys import RecSys, Sample
from edgerec.samples.intake import Intake
from edgerec.training.ranker import Ranker
from tests.audit.worlds import SETTINGS, Ratings
from tests.toy import SETTINGS as TOY_SETTINGS
from tests.toy import Checkerboard, Listed, taken_in

Patch = Callable[[pytest.MonkeyPatch], None]


def replace(monkeypatch: pytest.MonkeyPatch, name: str, new: object) -> None:
    """Put a leak in the place of what fits or serves tables, wherever it is called."""
    for module in (fitted, fitting, pipeline):
        if hasattr(module, name):
            monkeypatch.setattr(module, name, new)


def checked(
    rec_sys: RecSys, folder: Path, settings: TrainSettings = SETTINGS, seed: int = 0
) -> Finding:
    intake = taken_in(rec_sys, folder)
    ranker = fitting.fit_tables(rec_sys, intake, settings, folder, Silent())
    fit = partial(fitting.refit_tables, settings)
    return check_out_of_fold(fit, intake, ranker.tables, settings.n_history, folder, seed)


@pytest.mark.parametrize("seed", range(4))
def test_what_training_fits_passes(tmp_path: Path, seed: int) -> None:
    finding = checked(Ratings(seed), tmp_path, seed=seed)
    assert finding.outcome == "passed"
    assert finding.figure == "none of his own features changes; those of others do"


@pytest.mark.parametrize("id_type", ["int64", "string"])
@pytest.mark.parametrize("rated", [True, False])
def test_small_and_implicit_data_pass(tmp_path: Path, rated: bool, id_type: Any) -> None:
    board = Checkerboard(rated=rated, id_type=id_type)
    assert checked(board, tmp_path, TOY_SETTINGS).outcome == "passed"


def test_one_user_serves_nobody_else(tmp_path: Path) -> None:
    alone = Listed([Sample(7, item, float(item % 2), item, 1.0) for item in range(6)])
    finding = checked(alone, tmp_path, TOY_SETTINGS)
    assert (finding.outcome, finding.figure) == ("not decidable", "no feature comes from samples")


def statistics_of_all_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    honest = fitted.fit_statistics

    def of_all(*arguments: Any) -> Any:
        found = honest(*arguments)
        names = [field.name for field in dataclasses.fields(found)]
        arrays = {name: getattr(found, name) for name in names}
        full = {name: np.repeat(array[-1:], len(array), axis=0) for name, array in arrays.items()}
        return dataclasses.replace(found, **full)

    replace(monkeypatch, "fit_statistics", of_all)


def item2vec_of_all_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    honest = fitting.fit_embeddings

    def of_all(*arguments: Any) -> Any:
        embedding, fit_of_user = honest(*arguments)
        return np.repeat(embedding[-1:], len(embedding), axis=0), fit_of_user

    replace(monkeypatch, "fit_embeddings", of_all)


def test_a_scale_that_all_share_is_no_leak(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A column may be standardised by the interactions of all users; no item is in that alone."""
    honest = fitting.item_table

    def standardised(rec_sys: RecSys, ids: Any) -> Any:
        table = honest(rec_sys, ids)
        return np.concatenate([table, np.arange(len(table))[:, None]], axis=1, dtype=np.float32)

    replace(monkeypatch, "item_table", standardised)
    all_fitted = fitting.fit_tables

    def with_scale(rec_sys: RecSys, intake: Intake, *rest: Any) -> Ranker:
        ranker = all_fitted(rec_sys, intake, *rest)
        item = np.concatenate([block["item"] for block in intake.spool.blocks(1024)])
        features = ranker.tables.item_features.copy()
        features[:, -1] = (features[:, -1] - item.mean()) / item.std()
        return ranker.replaced(tables=dataclasses.replace(ranker.tables, item_features=features))

    replace(monkeypatch, "fit_tables", with_scale)
    for seed in range(5):
        folder = tmp_path / str(seed)
        folder.mkdir()
        assert checked(Ratings(seed), folder, seed=seed).outcome == "passed"


def a_new_table_of_user_means(monkeypatch: pytest.MonkeyPatch) -> None:
    """A kind of table that the check has never heard of."""
    honest = fitting.fit_tables

    def with_means(
        rec_sys: RecSys, intake: Intake, settings: TrainSettings, *others: Any
    ) -> Ranker:
        ranker = honest(rec_sys, intake, settings, *others)
        means = np.zeros((intake.spool.n_users + 1, 1), np.float32)
        for block in intake.spool.blocks(settings.chunk_rows):
            for user in np.unique(block["user"]):
                means[user] = np.nanmean(block["value"][block["user"] == user])
        return ranker.replaced(tables=dataclasses.replace(ranker.tables, user_features=means))

    replace(monkeypatch, "fit_tables", with_means)


def counts_of_all_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only that something was done is known of the own samples, and not how it was liked."""
    honest = fitted.fit_statistics

    def of_all(*arguments: Any) -> Any:
        found = honest(*arguments)
        count = np.repeat(found.log_count[-1:], len(found.log_count), axis=0)
        return dataclasses.replace(found, log_count=count)

    replace(monkeypatch, "fit_statistics", of_all)


def the_wrong_fold(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each sample is served from a fit that leaves another fold out."""
    honest = fitting.folds_of_users

    def moved(intake: Intake, ranker: Ranker) -> Any:
        found = honest(intake, ranker)
        return dataclasses.replace(found, statistics=(found.statistics + 1) % SETTINGS.n_folds)

    replace(monkeypatch, "folds_of_users", moved)


@pytest.mark.parametrize(
    ("leak", "feature"),
    [
        (statistics_of_all_rows, "item_mean_value"),
        (item2vec_of_all_rows, "similar_"),
        (a_new_table_of_user_means, "user_0"),
        (counts_of_all_rows, "item_log_count"),
        (the_wrong_fold, "item_mean_value"),
    ],
)
def test_a_table_fitted_on_what_it_serves_fails_the_run(
    leak: Patch, feature: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    leak(monkeypatch)
    with pytest.raises(AuditError) as error:
        pipeline.train(Ratings(), SETTINGS)
    sentence = str(error.value)
    assert "out-of-fold: The feature '" in sentence
    assert feature in sentence.partition("out-of-fold: ")[2].partition(" changes from")[0]
    assert " of his own samples are changed and his history is not" in sentence
    assert "serve each sample from the fit without its user" in sentence
