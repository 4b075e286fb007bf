from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from edgerec.embedding import fit_embeddings
from edgerec.errors import SampleError
from edgerec.progress import Silent
from edgerec.recsys import Id, Sample
from tests.toy import SETTINGS, Checkerboard, taken_in

Sequences = Callable[[Checkerboard, int], list[int]]


class Sequenced(Checkerboard):
    """Everything rated; offers what `kept` says of each user."""

    def __init__(self, kept: Sequences) -> None:
        super().__init__(n_users=10, rated=True)
        self.kept = kept

    def item_seq_generator(self) -> Iterator[Sequence[Id]]:
        for user in self.users:
            yield [self.item_id(item) for item in self.kept(self, user)]


def touched(board: Checkerboard, user: int) -> list[int]:
    return board.seen[user]


def liked(board: Checkerboard, user: int) -> list[int]:
    return [item for item in board.seen[user] if (user + item) % 2 == 0]


class Listening(Silent):
    def __init__(self) -> None:
        self.messages: list[str] = []

    def message(self, text: str) -> None:
        self.messages.append(text)


def fit(
    board: Checkerboard, folder: Path
) -> tuple[NDArray[np.float32], NDArray[np.int64], list[str]]:
    progress = Listening()
    intake = taken_in(board, folder)
    return (*fit_embeddings(board, intake, SETTINGS, folder, progress), progress.messages)


def test_sequences_of_all_that_was_touched_are_fitted_once(tmp_path: Path) -> None:
    embedding, fit_of_user, messages = fit(Sequenced(touched), tmp_path)
    assert embedding.shape == (1, 25, 4)
    assert fit_of_user.tolist() == [0] * 11
    assert messages == []


def test_sequences_of_what_was_liked_are_fitted_out_of_half(tmp_path: Path) -> None:
    embedding, fit_of_user, messages = fit(Sequenced(liked), tmp_path)
    assert embedding.shape == (3, 25, 4)
    assert sorted(fit_of_user[1:].tolist()) == [0] * 5 + [1] * 5
    (message,) = messages
    assert message == (
        "10 of 10 sequences hold only what their user liked, so the embedding is fitted out of "
        "half for training, which takes twice the time."
    )


@pytest.mark.parametrize("half", [0, 1])
def test_a_user_s_own_sequence_is_in_no_fit_that_his_samples_see(half: int, tmp_path: Path) -> None:
    before, fit_of_user, _ = fit(Sequenced(liked), tmp_path)

    def turned(board: Checkerboard, user: int) -> list[int]:
        own = liked(board, user)
        # The same items, so that the sequence stays his.
        return own[::-1] if fit_of_user[user + 1] == half else own

    after, _, _ = fit(Sequenced(turned), tmp_path)
    np.testing.assert_array_equal(after[half], before[half])
    assert (after[1 - half] != before[1 - half]).any()
    assert (after[2] != before[2]).any()


@pytest.mark.parametrize("rated", [True, False])
def test_without_sequences_what_was_liked_is_fitted_out_of_half(
    rated: bool, tmp_path: Path
) -> None:
    embedding, fit_of_user, messages = fit(Checkerboard(n_users=10, rated=rated), tmp_path)
    assert embedding.shape == (3, 25, 4)
    assert sorted(fit_of_user[1:].tolist()) == [0] * 5 + [1] * 5
    assert messages == []


def test_a_sequence_of_nobody_is_in_both_halves(tmp_path: Path) -> None:
    def somebody_else(board: Checkerboard, user: int) -> list[int]:
        # Neither all that user 0 touched nor a selection by value: it is of nobody.
        return [0, 1, 2] if user == 0 else liked(board, user)

    def turned(board: Checkerboard, user: int) -> list[int]:
        return somebody_else(board, user)[::-1] if user == 0 else liked(board, user)

    before, _, _ = fit(Sequenced(somebody_else), tmp_path)
    after, _, _ = fit(Sequenced(turned), tmp_path)
    assert all((before[half] != after[half]).any() for half in (0, 1))


@pytest.mark.parametrize("odd", [[], [99, 98]])
def test_sequences_that_hold_no_item_of_the_samples_are_refused(
    odd: list[int], tmp_path: Path
) -> None:
    with pytest.raises(SampleError, match="yielded 10 sequences, none with an item of sample_gen"):
        fit(Sequenced(lambda board, user: odd), tmp_path)


@pytest.mark.parametrize("kept", [[3], [3, 3, 98]])
def test_a_corpus_of_one_item_is_said(kept: list[int], tmp_path: Path) -> None:
    embedding, _, messages = fit(Sequenced(lambda board, user: kept), tmp_path)
    # A vector that nothing taught would be chance.
    assert not embedding.any()
    assert messages[-1] == (
        "item2vec learns nothing: its sequences hold one item alone, and an item is known by "
        "those beside it. Nothing was liked, or all of it is one item; check the label rule, or "
        "offer sequences with item_seq_generator or [sequences]."
    )


def test_sequences_of_one_item_each_are_said(tmp_path: Path) -> None:
    embedding, _, messages = fit(Sequenced(lambda board, user: [user, user]), tmp_path)
    assert not embedding.any()
    assert messages[-1] == (
        "item2vec learns nothing: each of its 10 sequences holds one item alone, and an item is "
        "known by those beside it. Check which column is the user's id, the label rule and "
        "training.embedding.session_gap, or offer longer sequences with item_seq_generator or "
        "[sequences]."
    )


def test_an_item_that_stands_beside_no_other_has_no_vector(tmp_path: Path) -> None:
    def alone_or_not(board: Checkerboard, user: int) -> list[int]:
        return [23] if user == 0 else [item for item in touched(board, user) if item != 23]

    embedding, _, messages = fit(Sequenced(alone_or_not), tmp_path)
    has = embedding[0].any(axis=1)
    assert has.sum() > 4 and not has[24]
    assert messages[-1].endswith("; items that stand beside no other have no vector: 1")


def test_an_empty_corpus_is_said(tmp_path: Path) -> None:
    class Unvalued(Checkerboard):
        def sample_generator(self) -> Iterator[Sample]:
            for sample in super().sample_generator():
                yield sample._replace(value=None)

    embedding, _, messages = fit(Unvalued(n_users=10, rated=True), tmp_path)
    assert not embedding.any()
    assert messages[-1].startswith("item2vec learns nothing: its sequences hold no item, and ")


def test_what_is_left_out_of_the_corpus_is_said(tmp_path: Path) -> None:
    _, _, messages = fit(Sequenced(lambda board, user: [*touched(board, user), 99]), tmp_path)
    (message,) = messages
    assert message == (
        "item2vec reads 10 sequences with 160 words of 24 items; 160 words are kept, 10 are of "
        "unknown items"
    )


def test_sessions_are_sequences_of_their_own(tmp_path: Path) -> None:
    board = Checkerboard(n_users=10, rated=True)
    apart = replace(SETTINGS, embedding=replace(SETTINGS.embedding, session_gap=1))
    intake = taken_in(board, tmp_path)
    whole, _ = fit_embeddings(board, intake, SETTINGS, tmp_path, Silent())
    split, _ = fit_embeddings(board, intake, apart, tmp_path, Silent())
    # Every interaction is a session: nothing stands beside anything, and vectors stay as drawn.
    assert (whole != split).any()
