import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgerec.config import EmbeddingSettings
from edgerec.errors import SampleError, StateError, StorageError
from edgerec.features.embeddings import unfinished as unfinished_module
from edgerec.item_vectors import embed as embed_module
from edgerec.item_vectors.embed import embed
from edgerec.item_vectors.kept import load_item_vectors
from edgerec.item_vectors.vectors import ItemVectors
from edgerec.progress import Silent
from edgerec.source import InteractionChunk

SETTINGS = EmbeddingSettings(embedding_dim=4, window=5, epochs=8, sample=0.0)
Rows = list[tuple[int, str, int]]


class Listening(Silent):
    def __init__(self) -> None:
        self.messages: list[str] = []

    def message(self, text: str) -> None:
        self.messages.append(text)


def parity_rows(n_users: int = 60, since: int = 0, extra: bool = False) -> Rows:
    """Even users take even items, odd users odd ones; `extra`: new items of both kinds too."""
    random = np.random.default_rng(since)
    rows = []
    for user in range(n_users):
        items = (2 * random.permutation(5) + user % 2).tolist()
        if extra:
            items = [*items[:2], 20 + user % 2, *items[2:4]]
        rows += [(user, f"item {item}", since + place) for place, item in enumerate(items)]
    return rows


def chunks_of(rows: Rows) -> Iterator[InteractionChunk]:
    rows = sorted(rows, key=lambda row: (row[0], row[2]))
    users, items, times = ([row[place] for row in rows] for place in range(3))
    for start in range(0, len(rows), 7):
        part = slice(start, start + 7)
        yield InteractionChunk(
            np.array(users[part], np.int64),
            np.array(items[part], object),
            np.ones(len(users[part])),
            np.array(times[part], np.int64),
        )


def embedded(rows: Rows, folder: Path, **options: Any) -> ItemVectors:
    settings = options.pop("settings", SETTINGS)
    return embed(lambda: chunks_of(rows), folder, settings, **options)


def assert_same(left: ItemVectors, right: ItemVectors) -> None:
    assert left.item_ids.tolist() == right.item_ids.tolist()
    for name, array in left.words.arrays().items():
        np.testing.assert_array_equal(right.words.arrays()[name], array, err_msg=name)
    assert (left.settings, left.last_timestamp) == (right.settings, right.last_timestamp)


def test_what_is_taken_together_is_near(tmp_path: Path) -> None:
    progress = Listening()
    found = embedded(parity_rows(), tmp_path, progress=progress)
    nearest = found.nearest("item 4", 4)
    assert {item for item, _ in nearest} == {"item 0", "item 2", "item 6", "item 8"}
    assert [round(cosine, 6) for _, cosine in nearest] == sorted(
        (round(cosine, 6) for _, cosine in nearest), reverse=True
    )
    assert progress.messages[0].startswith("read 300 interactions, ")
    assert progress.messages[1] == (
        "60 sequences with 300 words of 10 items; 300 words are kept, none is dropped"
    )
    assert progress.messages[2].startswith("trained 2,400 words in 8 passes, ")


def test_what_is_kept_is_read_back_and_is_the_same_each_time(tmp_path: Path) -> None:
    found = embedded(parity_rows(), tmp_path / "a")
    assert_same(load_item_vectors(tmp_path / "a"), found)
    embedded(parity_rows(), tmp_path / "b")
    files = sorted(path.name for path in (tmp_path / "a").iterdir())
    assert files == sorted(path.name for path in (tmp_path / "b").iterdir())
    assert [name.partition("-")[0] for name in files] == ["state.json", "vectors"]
    for name in files:
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_a_table_has_a_row_for_each_id_and_zeros_for_what_is_not_known(tmp_path: Path) -> None:
    table = embedded(parity_rows(), tmp_path).table(np.array(["item 3", "other"], object))
    assert table.shape == (3, 4)
    assert table.any(axis=1).tolist() == [False, True, False]
    np.testing.assert_allclose(np.linalg.norm(table[1]), 1, rtol=1e-5)


@pytest.mark.parametrize("go_on", [False, True])
def test_an_interrupt_is_gone_on_from(
    go_on: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = parity_rows()
    folders = tmp_path / "whole", tmp_path / "interrupted"
    if go_on:
        for folder in folders:
            embedded(rows, folder)
        rows = rows + parity_rows(since=100, extra=True)
    whole = embedded(rows, folders[0], go_on=go_on)
    monkeypatch.setattr(unfinished_module, "SECONDS_BETWEEN", 0.0)
    progress = Interrupting(3)
    with pytest.raises(KeyboardInterrupt):
        embedded(rows, folders[1], go_on=go_on, progress=progress)
    assert progress.messages[-1] == (
        f"interrupted; {folders[1]} keeps 2 of 8 parts of the work: run it again with resume "
        "(--resume) to go on from there"
    )
    if go_on:
        assert load_item_vectors(folders[1]).last_timestamp == 4
    resumed = embedded(rows, folders[1], go_on=go_on, resume=True)
    assert_same(resumed, whole)
    assert not (folders[1] / "unfinished.npz").exists()


class Interrupting(Listening):
    def __init__(self, n_advances: int) -> None:
        super().__init__()
        self._left: int | None = None
        self._n_advances = n_advances

    def stage(self, name: str) -> None:
        self._left = self._n_advances if name == "item2vec" else None

    def advance(self, n_done: int, n_total: int | None, note: str = "") -> None:
        if self._left is not None:
            self._left -= 1
            if self._left == 0:
                raise KeyboardInterrupt


def test_an_interrupt_at_once_keeps_nothing(tmp_path: Path) -> None:
    progress = Interrupting(1)
    with pytest.raises(KeyboardInterrupt):
        embedded(parity_rows(), tmp_path, progress=progress)
    assert progress.messages[-1] == "interrupted; nothing of this run is kept yet: run it again"
    with pytest.raises(StateError, match="holds no unfinished item2vec, so there is nothing to "):
        embedded(parity_rows(), tmp_path, resume=True)


@pytest.mark.parametrize("changed", ["rows", "settings", "random_state"])
def test_only_the_same_training_is_resumed(
    changed: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unfinished_module, "SECONDS_BETWEEN", 0.0)
    with pytest.raises(KeyboardInterrupt):
        embedded(parity_rows(), tmp_path, progress=Interrupting(3))
    options: dict[str, Any] = {
        "rows": {},
        "settings": {"settings": replace(SETTINGS, window=4)},
        "random_state": {"random_state": 1},
    }[changed]
    rows = parity_rows(since=1) if changed == "rows" else parity_rows()
    with pytest.raises(
        StateError, match=r"is of other interactions, settings or another seed. Run"
    ):
        embedded(rows, tmp_path, resume=True, **options)


def test_new_items_get_vectors_and_old_ones_keep_theirs(tmp_path: Path) -> None:
    rows = parity_rows()
    before = embedded(rows, tmp_path, settings=replace(SETTINGS, epochs=20))
    later = parity_rows(n_users=30, since=100, extra=True)
    after = embedded(rows + later, tmp_path, go_on=True)
    assert after.item_ids.tolist() == [*before.item_ids.tolist(), "item 20", "item 21"]
    assert after.last_timestamp == 104
    # The new ends alone, and the window of five before each: 30 users, 5 + 5 words.
    assert after.words.counts.sum() == before.words.counts.sum() + 300
    near = {item for item, _ in after.nearest("item 20", 4)}
    assert near <= {f"item {number}" for number in range(0, 10, 2)}
    old, new = before.words.unit_vectors(), after.words.unit_vectors()
    assert (old * new[: len(old)])[1:].sum(axis=1).min() > 0.5


def test_with_nothing_new_the_vectors_stay(tmp_path: Path) -> None:
    before = embedded(parity_rows(), tmp_path)
    progress = Listening()
    after = embedded(parity_rows(), tmp_path, go_on=True, progress=progress)
    assert_same(after, before)
    assert progress.messages[-1] == (
        f"none of them is newer than 4, the last that {tmp_path} knows: its vectors stay as they "
        "are"
    )


def test_a_single_new_item_is_enough_to_go_on(tmp_path: Path) -> None:
    rows = parity_rows()
    before = embedded(rows, tmp_path)
    after = embedded([*rows, (99, "alone", 50)], tmp_path, go_on=True)
    assert after.item_ids.tolist() == [*before.item_ids.tolist(), "alone"]
    assert after.last_timestamp == 50


def test_an_interrupt_after_the_last_step_is_resumed_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = embedded(parity_rows(), tmp_path / "whole")

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(embed_module, "save_item_vectors", interrupted)
        with pytest.raises(KeyboardInterrupt):
            embedded(parity_rows(), tmp_path / "cut")
    assert_same(embedded(parity_rows(), tmp_path / "cut", resume=True), whole)


@pytest.mark.parametrize(
    ("rows", "came"),
    [([], "no interaction"), ([(1, "a", 0), (2, "a", 5)], "2 interactions of one item alone")],
)
def test_a_corpus_that_teaches_nothing_is_refused(rows: Rows, came: str, tmp_path: Path) -> None:
    with pytest.raises(SampleError) as caught:
        embedded(rows, tmp_path)
    assert str(caught.value) == (
        f"The corpus holds {came}; item2vec knows an item by those beside it, so it needs two at "
        "least. Check the table that is read and its conditions."
    )


def test_sequences_of_one_item_each_are_refused(tmp_path: Path) -> None:
    rows = [(user, f"item {user % 3}", user + again) for user in range(5) for again in range(2)]
    with pytest.raises(SampleError) as caught:
        embedded(rows, tmp_path)
    assert str(caught.value) == (
        "The corpus holds 5 sequences of one item each; item2vec knows an item by those beside it, "
        "so nothing can be learned. Check which column is the user's id (or the group of "
        "[sequences]), and training.embedding.session_gap."
    )


def test_an_item_beside_no_other_has_no_vector_until_it_is(tmp_path: Path) -> None:
    alone = [(99, "alone", 9), (98, "item 1", 9)]
    found = embedded([*parity_rows(), *alone], tmp_path)
    with pytest.raises(SampleError, match=r"has no vector: it stands beside no other item"):
        found.nearest("alone")
    assert found.nearest("item 1")
    # What comes later teaches it, and leaves what was known as it was.
    later = [*parity_rows(), *alone, (99, "item 1", 20), (97, "new", 20)]
    found = embedded(later, tmp_path, go_on=True)
    assert found.nearest("alone") and found.nearest("item 3")
    with pytest.raises(SampleError, match=r"The item 'new' has no vector"):
        found.nearest("new")


def test_an_item_without_a_vector_is_said(tmp_path: Path) -> None:
    found = embedded(
        [*parity_rows(), (1, "rare", 9)], tmp_path, settings=replace(SETTINGS, min_count=2)
    )
    for item in ("rare", "other"):
        with pytest.raises(
            SampleError, match=f"The item '{item}' has no vector: it stands beside no"
        ):
            found.nearest(item)
    assert "rare" not in {item for item, _ in found.nearest("item 1", 99)}
    assert len(found.nearest("item 1", 99)) == 9


def test_the_width_cannot_change(tmp_path: Path) -> None:
    embedded(parity_rows(), tmp_path)
    with pytest.raises(StateError, match=r"has vectors of width 4, but embedding_dim is now 8. Go"):
        embedded(parity_rows(), tmp_path, go_on=True, settings=replace(SETTINGS, embedding_dim=8))


def test_damage_is_said(tmp_path: Path) -> None:
    with pytest.raises(StateError, match=r"so there are no item vectors. `edgerec embed` makes"):
        load_item_vectors(tmp_path)
    embedded(parity_rows(), tmp_path)
    state = json.loads((tmp_path / "state.json").read_text())
    (vectors,) = tmp_path.glob("vectors-*.npz")
    whole = vectors.read_bytes()
    vectors.write_bytes(whole[:-9])
    with pytest.raises(StateError, match=r"is not the file that state.json was written for"):
        load_item_vectors(tmp_path)
    for odd, said in (
        ("no JSON", "is no JSON"),
        (json.dumps({**state, "format": 9}), "has format 9, this edgeRec reads 1"),
        (json.dumps({"format": 1}), "was changed or is incomplete"),
    ):
        (tmp_path / "state.json").write_text(odd)
        with pytest.raises(StateError, match=said):
            load_item_vectors(tmp_path)


def test_a_folder_that_cannot_be_written_is_said_before_anything_is_read(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="cannot be written, since"):
        embed(lambda: pytest.fail("was read"), tmp_path / "file", SETTINGS)
