"""Training refuses each leak of the seed, and trains without them."""

import inspect
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from edgerec.audit.report import CHECKS
from edgerec.errors import AuditError, ConfigurationError
from edgerec.pipeline import train
from edgerec.recsys import Id, Interaction, Sample
from edgerec.samples import history, stream
from tests.audit.worlds import SETTINGS, Ratings


class MeanOfAllRows(Ratings):
    """The seed's features: a mean over all rows."""

    def __init__(self, role: str) -> None:
        super().__init__()
        self.role = role
        self.means = self.mean(role)

    def get_user_feature(self, user_id: Id) -> Sequence[float]:
        return [self.means[user_id]] if self.role == "user" else []

    def get_item_feature(self, item_id: Id) -> Sequence[float]:
        genres = self.genres[item_id]
        return [*genres, self.means[item_id]] if self.role == "item" else genres


class KnownBefore(Ratings):
    """The same means, honestly: of items among users who are in no sample, of users earlier on.

    They are the strongest features that such data have, and nobody's samples went into them.
    """

    def __init__(self) -> None:
        super().__init__()
        others = [one for one in self.everything if int(one.user_id) % 2]
        self.train = [one for one in self.train if not int(one.user_id) % 2]
        self.test = [one for one in self.test if not int(one.user_id) % 2]
        earlier: list[Sample] = []
        later: list[Sample] = []
        for _, own in groupby(self.train, key=lambda sample: sample.user_id):
            rows = list(own)
            earlier += rows[: len(rows) // 3]
            later += rows[len(rows) // 3 :]
        self.train = later
        self.known = {"item": means(others, "item_id"), "user": means(earlier, "user_id")}

    def get_user_feature(self, user_id: Id) -> Sequence[float]:
        return [self.known["user"].get(user_id, 3.5)]

    def get_item_feature(self, item_id: Id) -> Sequence[float]:
        return [*self.genres[item_id], self.known["item"].get(item_id, 3.5)]


def means(samples: Sequence[Sample], role: str) -> dict[Id, float]:
    values: dict[Id, list[float]] = {}
    for sample in samples:
        values.setdefault(getattr(sample, role), []).append(float(sample.value or 0))
    return {id_: (sum(own) + 3 * 3.5) / (len(own) + 3) for id_, own in values.items()}


class SequencesOfAllRows(Ratings):
    """The seed's item2vec: sequences of all rows."""

    def item_seq_generator(self) -> Iterator[Sequence[Id]]:
        return self.sequences(self.everything)


class LikedSequencesOfAllRows(Ratings):
    """The same where sequences are of what was liked."""

    def item_seq_generator(self) -> Iterator[Sequence[Id]]:
        return self.sequences([sample for sample in self.everything if sample.label])


class TrainedOnTest(Ratings):
    """A few held-out rows are samples."""

    def sample_generator(self) -> Iterator[Sample]:
        return iter(
            sorted([*self.train, *self.test[::400]], key=lambda one: (one.user_id, one.timestamp))
        )


def test_an_honest_recommender_trains_and_is_audited():
    for seed in range(3):
        findings = train(Ratings(seed), SETTINGS).ranker.audit
        assert tuple(finding["check"] for finding in findings) == CHECKS
        assert [finding["outcome"] for finding in findings] == ["passed"] * len(CHECKS)


def test_honest_features_that_are_as_strong_do_not_trip_it():
    honest = KnownBefore()
    findings = train(honest, SETTINGS).ranker.audit
    assert [finding["outcome"] for finding in findings] == ["passed"] * len(CHECKS)
    liked = np.array([one.label for one in honest.train])
    item = [honest.get_item_feature(one.item_id)[-1] for one in honest.train]
    user = [honest.get_user_feature(one.user_id)[0] for one in honest.train]
    # Both tell likes apart by themselves: they are no weak features that pass for being weak.
    assert roc_auc_score(liked, item) > 0.6
    assert roc_auc_score(liked, user) > 0.6


@pytest.mark.parametrize(
    ("leaking", "check", "sentence"),
    [
        (
            lambda: MeanOfAllRows("user"),
            "user-features",
            "Feature 0 of get_user_feature knows the chance in the values of the users' own",
        ),
        (
            lambda: MeanOfAllRows("item"),
            "item-features",
            "Feature 16 of get_item_feature knows the chance in the values of the items' own",
        ),
        (
            SequencesOfAllRows,
            "held-out-sequences",
            "item_seq_generator yields sequences that hold held-out rows: those of ",
        ),
        (
            LikedSequencesOfAllRows,
            "held-out-sequences",
            "item_seq_generator yields sequences that hold held-out rows: those of ",
        ),
        (
            TrainedOnTest,
            "test-overlap",
            "5 of 1,719 held-out rows are training samples too, for example user ",
        ),
    ],
)
def test_each_leak_fails_the_run(leaking: Any, check: str, sentence: str) -> None:
    with pytest.raises(AuditError) as error:
        train(leaking(), SETTINGS)
    assert str(error.value).startswith(
        f"The leak audit failed, so nothing was trained. {check}: {sentence}"
    )
    assert str(error.value).endswith(
        f" Where it is no leak after all, say so: --accept-leak {check} (in Python "
        "accepted_leaks=…)."
    )


def test_at_most_instead_of_before_fails_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    source = inspect.getsource(history)
    assert source.count('side="left"') == 1
    wrong: dict[str, Any] = {}
    exec(source.replace('side="left"', 'side="right"'), wrong)
    monkeypatch.setattr(stream, "history_positions", wrong["history_positions"])
    with pytest.raises(
        AuditError, match="future-events: The feature 'mean_value' of user "
    ) as error:
        train(Ratings(), SETTINGS)
    assert "compare timestamps with `<` and not with `<=`." in str(error.value)


def test_at_most_in_get_user_behavior_fails_the_run():
    class AtMost(Ratings):
        def get_user_behavior(self, user_id: Id, as_of: int, limit: int) -> list[Interaction]:
            return [
                Interaction(one.item_id, one.value, one.timestamp)
                for one in self.train
                if one.user_id == user_id and one.timestamp <= as_of
            ][-limit:]

    with pytest.raises(AuditError, match="future-events: get_user_behavior"):
        train(AtMost(), SETTINGS)


def test_a_leak_may_be_accepted_by_name_and_the_manifest_says_so():
    findings = train(TrainedOnTest(), SETTINGS, accepted_leaks=["test-overlap"]).ranker.audit
    found = {finding["check"]: finding for finding in findings}["test-overlap"]
    assert found["outcome"] == "accepted"
    assert found["advice"].startswith("5 of 1,719 held-out rows are training samples too")
    with pytest.raises(AuditError, match="test-overlap"):
        train(TrainedOnTest(), SETTINGS, accepted_leaks=["user-features"])


def test_an_unknown_check_is_refused_before_anything_is_read():
    expected = (
        "There is no check 'leaks' to accept a leak of; the checks are future-events, "
        "test-overlap, held-out-sequences, own-statistics, out-of-fold, item-features, "
        "user-features. Name one of them."
    )
    with pytest.raises(ConfigurationError) as error:
        train(Ratings(), SETTINGS, accepted_leaks=["leaks"])
    assert str(error.value) == expected
