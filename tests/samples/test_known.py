import dataclasses
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from edgerec.features.tables import KnownHistories
from edgerec.progress import Silent
from edgerec.recsys import Id, Interaction, RecSys, Sample
from edgerec.samples.history import newest_distinct
from edgerec.samples.known import known_histories, longest_kept
from tests.toy import SETTINGS, Listed, taken_in

SAMPLES = [
    Sample(1, 1, 1.0, 1, 0.1),
    Sample(1, 2, 1.0, 2, 0.2),
    Sample(1, 1, 1.0, 3, 0.3),
    Sample(1, 3, 0.0, 4, None),
    Sample(1, 4, 1.0, 5, 0.4),
    Sample(2, 3, 0.0, 1, None),
    Sample(3, 2, 1.0, 7, 0.7),
]


class Heard(Silent):
    def __init__(self) -> None:
        self.messages: list[str] = []
        self.done: list[tuple[int, int | None]] = []

    def message(self, text: str) -> None:
        self.messages.append(text)

    def advance(self, n_done: int, n_total: int | None, note: str = "") -> None:
        self.done.append((n_done, n_total))


class Remembering(Listed):
    """Answers `get_user_behavior` from the samples it was given."""

    def get_user_behavior(self, user_id: Id, as_of: int, limit: int) -> Sequence[Interaction]:
        return [
            Interaction(one.item_id, one.value, one.timestamp)
            for one in self.samples
            if one.user_id == user_id and one.timestamp < as_of and one.value is not None
        ]


def known(
    rec_sys: RecSys,
    folder: Path,
    n_history: int = 2,
    limit: int = 1000,
    progress: Silent | None = None,
) -> KnownHistories:
    settings = dataclasses.replace(SETTINGS, n_history=n_history, n_known_interactions=limit)
    return known_histories(taken_in(rec_sys, folder), settings, rec_sys, progress or Silent())


@pytest.mark.parametrize("kind", [Listed, Remembering])
def test_they_are_the_newest_at_the_end_of_training(kind: type[Listed], tmp_path: Path) -> None:
    histories = known(kind(SAMPLES), tmp_path)
    assert histories.offsets.tolist() == [0, 0, 2, 2, 3]
    assert histories.rows.tolist() == [1, 4, 2]
    assert histories.values.tolist() == [np.float32(0.3), np.float32(0.4), np.float32(0.7)]
    assert histories.times.tolist() == [3, 5, 7]


def test_they_equal_one_user_after_the_other(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    samples = [
        Sample(
            int(user),
            int(random.integers(1, 30)),
            float(random.integers(2)),
            time,
            None if random.random() < 0.2 else float(random.random()),
        )
        for time, user in enumerate(random.geometric(0.02, 4000))
    ]
    intake = taken_in(Listed(samples), tmp_path)
    settings = dataclasses.replace(SETTINGS, n_history=7)
    histories = known_histories(intake, settings, Listed(samples), Silent())
    for row, user in enumerate(intake.user_ids.tolist(), 1):
        own = [one for one in samples if one.user_id == user and one.value is not None]
        kept = np.sort(newest_distinct(np.array([one.item_id for one in own], np.int64), 7))
        part = slice(histories.offsets[row], histories.offsets[row + 1])
        assert intake.item_ids[histories.rows[part] - 1].tolist() == [
            own[at].item_id for at in kept
        ]
        assert histories.times[part].tolist() == [own[at].timestamp for at in kept]


@pytest.mark.parametrize("kind", [Listed, Remembering])
def test_more_than_the_file_may_hold_is_cut_to_the_newest_and_said(
    kind: type[Listed], tmp_path: Path
) -> None:
    heard = Heard()
    histories = known(kind(SAMPLES), tmp_path, n_history=3, limit=3, progress=heard)
    assert histories.offsets.tolist() == [0, 0, 1, 1, 2]
    assert histories.times.tolist() == [5, 7]
    (message,) = heard.messages
    assert message == (
        "The file keeps the newest 1 items of each of 3 users and not 3: n_known_interactions "
        "allows 3 in all. Raise it if the file may be larger; a request can bring the history "
        "that the file lacks."
    )
    assert heard.done


def test_a_file_may_hold_none(tmp_path: Path) -> None:
    histories = known(Listed(SAMPLES), tmp_path, limit=0)
    assert not histories.offsets.any()
    assert len(histories.rows) == 0


def test_the_longest_that_fits_is_kept():
    random = np.random.default_rng(0)
    counts = random.geometric(0.1, 50)
    totals = [int(np.minimum(counts, m).sum()) for m in range(21)]
    for limit in range(0, totals[-1] + 5, 7):
        expected = max(m for m, total in enumerate(totals) if total <= limit)
        assert longest_kept(counts, 20, limit) == expected
