"""By the objective "top", what a user did after his cut may move nothing that his samples see."""

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgerec import fitted, fitting, pipeline
from edgerec.audit.after_cut import check_after_cut
from edgerec.audit.report import Finding
from edgerec.errors import AuditError
from edgerec.progress import Silent
from tests.audit.worlds import SETTINGS, Ratings
from tests.toy import taken_in

TOP = dataclasses.replace(SETTINGS, objective="top", n_neighbours=5, n_candidates=40)


def checked(folder: Path) -> Finding:
    rec_sys = Ratings()
    intake = taken_in(rec_sys, folder)
    ranker = fitting.fit_tables(rec_sys, intake, TOP, folder, Silent())

    def fit(*arguments: Any) -> Any:
        return fitting.refit_tables(TOP, *arguments)

    return check_after_cut(fit, intake, ranker.tables, TOP, folder)


def test_an_honest_training_passes(tmp_path: Path) -> None:
    finding = checked(tmp_path)
    assert (finding.check, finding.outcome) == ("out-of-fold", "passed")
    assert finding.figure == "no feature of his candidates changes"


def tables_of_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    """What came after the cuts goes into the tables that the samples see."""
    monkeypatch.setattr(fitted, "interactions_before_cuts", fitted.interactions)


def the_last_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    """Samples are served from the fit of everything."""
    honest = pipeline.cut_blocks

    def served(intake: Any, tables: Any, *rest: Any) -> Any:
        statistics = tables.statistics.full()
        statistics = statistics.followed_by(statistics)
        return honest(intake, dataclasses.replace(tables, statistics=statistics), *rest)

    for module in ("edgerec.audit.after_cut", "edgerec.pipeline"):
        monkeypatch.setattr(f"{module}.cut_blocks", served)


@pytest.mark.parametrize("leak", [tables_of_everything, the_last_fit])
def test_tables_that_know_what_came_after_fail_the_run(
    leak: Callable[[pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    leak(monkeypatch)
    with pytest.raises(AuditError) as error:
        pipeline.train(Ratings(), TOP)
    sentence = str(error.value)
    assert "out-of-fold: The feature '" in sentence
    assert "when what he did after his cut is changed, which is what is asked of it." in sentence
    assert "fit the table on what came before the cuts, and serve the samples from that fit" in (
        sentence
    )


def test_where_nobody_is_asked_nothing_is_decided(tmp_path: Path) -> None:
    rec_sys = Ratings()
    rec_sys.train = [sample._replace(label=0.0) for sample in rec_sys.train[:-1]]
    rec_sys.train[0] = rec_sys.train[0]._replace(label=1.0)
    intake = taken_in(rec_sys, tmp_path)
    ranker = fitting.fit_tables(rec_sys, intake, TOP, tmp_path, Silent())
    finding = check_after_cut(
        lambda *arguments: fitting.refit_tables(TOP, *arguments),
        intake,
        ranker.tables,
        TOP,
        tmp_path,
    )
    assert finding.outcome == "not decidable"
    assert np.isfinite(ranker.tables.taste.root).all()
