"""Features that move when the future does are found, and histories that look ahead."""

from pathlib import Path

import numpy as np
import pytest

from edgerec.audit.behavior import Question, behavior_fault
from edgerec.audit.future import check_future
from edgerec.audit.report import Finding
from edgerec.features.history import kinds_of_items, scales
from edgerec.features.statistics import fit_statistics, folds
from edgerec.features.tables import content_directions, item_table, user_table
from edgerec.features.taste.tables import no_taste
from edgerec.features.vector import FeatureTables
from edgerec.progress import Silent
from edgerec.recsys import Id, Interaction, RecSys
from edgerec.samples import stream
from edgerec.samples.intake import Intake
from edgerec.samples.stream import FoldsOfUser
from tests.toy import Checkerboard, taken_in


def checked(rec_sys: RecSys, folder: Path) -> Finding:
    intake = taken_in(rec_sys, folder)
    n_users, n_items = intake.spool.n_users, len(intake.item_ids)
    fold = folds(n_users, 2, 0)
    features = item_table(rec_sys, intake.item_ids)
    random = np.random.default_rng(0)
    tables = FeatureTables(
        user_features=user_table(rec_sys, intake.user_ids),
        item_features=features,
        content=content_directions(features),
        kinds=kinds_of_items(features, np.zeros((n_items + 1, 0), np.float32), 64),
        scales=scales(features),
        audience=random.normal(size=(2, n_items + 1, 2)).astype(np.float32),
        taste=no_taste(n_items, 2),
        embedding=random.normal(size=(1, n_items + 1, 3)).astype(np.float32),
        statistics=fit_statistics(lambda: intake.spool.blocks(1024), n_items, fold, 2, Silent()),
        label_above=intake.label_above,
        value_range=intake.value_range,
    )
    folds_of_user = FoldsOfUser(fold, np.zeros(n_users + 1, np.int64))
    return check_future(rec_sys, intake, tables, folds_of_user, 5, folder, 0)


@pytest.mark.parametrize("rated", [True, False])
def test_the_features_of_training_do_not_move(tmp_path: Path, rated: bool) -> None:
    finding = checked(Checkerboard(rated=rated), tmp_path)
    assert finding.outcome == "passed"
    assert finding.looked_at == "32 samples of 16 users, their later events changed"


def test_one_event_too_many_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    honest = stream.history_positions

    def one_ahead(user, item, timestamp, enters, n_history):  # type: ignore[no-untyped-def]
        """Move every moment to the next sample's."""
        later = np.r_[timestamp[1:], timestamp[-1:]]
        return honest(
            user,
            item,
            np.where(np.r_[user[1:] == user[:-1], False], later, timestamp),
            enters,
            n_history,
        )

    monkeypatch.setattr(stream, "history_positions", one_ahead)
    finding = checked(Checkerboard(rated=True), tmp_path)
    assert finding.outcome == "failed"
    assert finding.figure.endswith(" features change")
    assert " when events at or after that moment are " in finding.advice


class Told(Checkerboard):
    """Answers get_user_behavior in one way or another."""

    def __init__(self, way: str) -> None:
        super().__init__(rated=True)
        self.way = way
        self.of_user: dict[Id, list[Interaction]] = {}
        for sample in self.sample_generator():
            told = Interaction(sample.item_id, sample.value, sample.timestamp)
            self.of_user.setdefault(sample.user_id, []).append(told)

    def get_user_behavior(self, user_id: Id, as_of: int, limit: int) -> list[Interaction]:
        own = self.of_user[user_id]
        if self.way == "at most":
            return [one for one in own if one.timestamp <= as_of][-limit:]
        if self.way == "stamped":
            return [one._replace(timestamp=as_of - 1) for one in own][-limit:]
        if self.way == "in days":
            return [one._replace(timestamp=one.timestamp // 86_400) for one in own if as_of > 0]
        return [one for one in own if one.timestamp < as_of][-limit:]


@pytest.mark.parametrize(
    ("way", "sentence"),
    [
        ("at most", "only interactions strictly before as_of may stand in a history. Compare with"),
        ("stamped", ", a century before the first sample. Return what the user did strictly"),
        ("in days", "answers all of "),
    ],
)
def test_histories_that_look_ahead_are_found(tmp_path: Path, way: str, sentence: str) -> None:
    finding = checked(Told(way), tmp_path)
    assert finding.outcome == "failed"
    assert sentence in finding.advice


def test_histories_that_do_not_look_ahead_pass(tmp_path: Path) -> None:
    finding = checked(Told("before"), tmp_path)
    assert (finding.outcome, finding.figure) == ("passed", "none looks ahead")


def test_few_equal_answers_are_no_proof(tmp_path: Path) -> None:
    told = Told("in days")
    intake: Intake = taken_in(told, tmp_path)
    every_item = frozenset(range(1, len(intake.item_ids) + 1))
    questions = [Question(user, 1_300, every_item) for user in range(1, 5)]
    assert behavior_fault(told, intake, questions, 20) is None
    assert behavior_fault(told, intake, [*questions, *questions], 20) is not None
