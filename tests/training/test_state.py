import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from edgerec.errors import StateError
from edgerec.features.tables import KnownHistories, content_directions
from edgerec.features.taste.tables import taste_to_arrays
from edgerec.features.vector import FeatureTables
from edgerec.ids import IdType, id_array
from edgerec.training import state as state_module
from edgerec.training.fit import Course
from edgerec.training.network import Weights, new_network, optimiser_state, weights_of
from edgerec.training.packed_ids import pack_ids, unpack_ids
from edgerec.training.ranker import Ranker, TrainingFacts
from edgerec.training.state import load_state, save_checkpoint, save_tables
from tests.features.test_vector import some_tables
from tests.toy import SETTINGS, assert_same_arrays

NOTHING = np.zeros(0, np.float32)
STRINGS = ["", "a", "a\0b", "\0", "ä", "a\u0308", "日本", "\U0001f600", "\ud83d", "\udfff"]


def a_ranker(id_type: IdType = "int64", label_above: float | None = 3.0) -> Ranker:
    tables: FeatureTables = some_tables(label_above=label_above)
    tables = dataclasses.replace(tables, content=content_directions(tables.item_features))
    ids = {
        "int64": ([-5, 0, 2**62], [-(2**62), 1, 2, 3, 4]),
        "string": (["a", "ä", "日本"], ["\U0001f600", "b", "c", "d", "e"]),
    }[id_type]
    return Ranker(
        settings=SETTINGS,
        user_ids=id_array(sorted(ids[0]), id_type),
        item_ids=id_array(sorted(ids[1]), id_type),
        user_id_type=id_type,
        item_id_type=id_type,
        tables=tables,
        known=KnownHistories(
            offsets=np.array([0, 0, 2, 2, 3]),
            rows=np.array([1, 2, 5]),
            values=np.float32([4, 1, 5]),
            times=np.array([1, 2, 2**40]),
        ),
        embedding_fit_of_user=np.array([0, 1, 0, 1]),
        weights=Weights((), (), NOTHING, NOTHING),
        facts=TrainingFacts(
            n_samples=9,
            n_interactions=8,
            n_users=2,
            first_timestamp=1,
            last_timestamp=2**40,
            fingerprint="f" * 64,
            event_values={"viewed": None, "liked": 4.4},
        ),
    )


def checkpoint_of(ranker: Ranker, n_epochs: int, folder: Path) -> tuple[Any, Course]:
    """Save a network that has made a step for each epoch."""
    width = len(ranker.tables.names())
    network = new_network(ranker.settings.network, width, 0)
    course = Course([], 0, None)
    random = np.random.default_rng(0)
    mean, inverse_spread = np.ones(width, np.float32), np.full(width, 2, np.float32)
    for epoch in range(1, n_epochs + 1):
        features = random.normal(size=(32, width)).astype(np.float32)
        network.partial_fit(features, (features[:, 0] > 0).astype(int))
        course.epochs.append({"held_out_auc": float("nan") if epoch == 1 else 0.5 + epoch / 100})
        if epoch <= 2:
            course.best, course.best_epoch = weights_of(network, mean, inverse_spread), epoch
        save_checkpoint(folder, ranker, network, course)
    return network, course


def weights_arrays(weights: Weights | None) -> list[NDArray[np.float32]]:
    assert weights is not None
    return [
        *weights.coefficients,
        *weights.intercepts,
        weights.mean,
        weights.inverse_spread,
    ]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A state after three epochs, the second the best."""
    folder = tmp_path / "toy.training"
    save_tables(folder, a_ranker())
    checkpoint_of(a_ranker(), 3, folder)
    return folder


def sentence(folder: Path) -> str:
    with pytest.raises(StateError) as caught:
        load_state(folder)
    return str(caught.value)


@pytest.mark.parametrize("id_type", ["int64", "string"])
@pytest.mark.parametrize("label_above", [3.0, None])
def test_tables_survive(id_type: IdType, label_above: float | None, tmp_path: Path) -> None:
    ranker = a_ranker(id_type, label_above)
    save_tables(tmp_path / "new" / "folder", ranker)
    saved = load_state(tmp_path / "new" / "folder")
    back = saved.ranker
    assert (saved.network, saved.course) == (None, Course([], 0, None))
    for name in ("settings", "user_id_type", "item_id_type", "facts"):
        assert getattr(back, name) == getattr(ranker, name)
    for name in ("user_ids", "item_ids"):
        assert getattr(back, name).tolist() == getattr(ranker, name).tolist()
        assert getattr(back, name).dtype == getattr(ranker, name).dtype
    np.testing.assert_array_equal(back.embedding_fit_of_user, ranker.embedding_fit_of_user)
    tables, original = vars(back.tables).copy(), vars(ranker.tables).copy()
    assert_same_arrays(
        vars(tables.pop("statistics")).values(), vars(original.pop("statistics")).values()
    )
    for name in ("label_above", "value_range"):
        assert tables.pop(name) == original.pop(name)
    context, original_context = tables.pop("context"), original.pop("context")
    assert context.names == original_context.names
    np.testing.assert_array_equal(context.defaults, original_context.defaults)
    taste, original_taste = tables.pop("taste"), original.pop("taste")
    assert_same_arrays(taste_to_arrays(taste).values(), taste_to_arrays(original_taste).values())
    assert_same_arrays(tables.values(), original.values())
    assert_same_arrays(vars(back.known).values(), vars(ranker.known).values())


def test_a_checkpoint_survives(folder: Path) -> None:
    network, course = checkpoint_of(a_ranker(), 3, folder)
    saved = load_state(folder)
    assert saved.course.best_epoch == 2
    assert not saved.course.finished
    assert json.dumps(saved.course.epochs) == json.dumps(course.epochs)
    assert_same_arrays(weights_arrays(saved.course.best), weights_arrays(course.best))
    assert_same_arrays(weights_arrays(saved.ranker.weights), weights_arrays(course.best))
    restored = new_network(SETTINGS.network, len(saved.ranker.tables.names()), 0)
    saved.restore_network(restored)
    assert_same_arrays(restored.coefs_, network.coefs_)
    assert_same_arrays(restored.intercepts_, network.intercepts_)
    state, original = optimiser_state(restored), optimiser_state(network)
    assert state.keys() == original.keys()
    assert_same_arrays(state.values(), original.values())


def test_being_finished_survives(folder: Path) -> None:
    network, course = checkpoint_of(a_ranker(), 3, folder)
    save_checkpoint(folder, a_ranker(), network, dataclasses.replace(course, finished=True))
    assert load_state(folder).course.finished


def test_only_what_is_needed_stands_there(folder: Path) -> None:
    names = sorted(path.name for path in folder.iterdir())
    assert names == ["network-3.npz", "state.json", "tables.npz"]


def test_nothing_is_pickled(folder: Path) -> None:
    save_tables(folder.with_name("strings"), a_ranker("string"))
    files = [*folder.glob("*.npz"), *folder.with_name("strings").glob("*.npz")]
    assert len(files) == 3
    for path in files:
        with np.load(path, allow_pickle=False) as arrays:
            assert all(array.dtype.kind in "fiu" for array in dict(arrays).values())


@settings(deadline=None)
@given(st.lists(st.one_of(st.sampled_from(STRINGS), st.text(st.characters())), min_size=1))
def test_string_ids_survive_whatever_they_hold(texts: list[str]) -> None:
    packed = pack_ids("item", id_array(texts, "string"))
    assert {array.dtype.kind for array in packed.values()} <= {"i", "u"}
    assert unpack_ids("item", packed).tolist() == texts


def test_integer_ids_survive():
    ids = id_array([-(2**63) + 1, 0, 2**63 - 1], "int64")
    back = unpack_ids("user", pack_ids("user", ids))
    assert back.tolist() == ids.tolist()
    assert back.dtype == np.int64


def test_a_folder_without_a_state(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "not there"):
        assert sentence(folder) == (
            f"{folder} holds no state.json, so there is nothing to resume. Train without resume "
            "first, or name the folder that training wrote (NAME.training)."
        )


@pytest.mark.parametrize("text", ["", "{", "\x80"])
def test_a_state_that_is_no_json(text: str, folder: Path) -> None:
    path = folder / "state.json"
    path.write_bytes(text.encode("latin-1"))
    assert sentence(folder).startswith(f"{path} is no JSON (")
    assert sentence(folder).endswith("). Train again without resume.")


@pytest.mark.parametrize(
    ("state", "shown"), [({"format": 1}, "1"), ({}, "None"), ([], "None"), (7, "None")]
)
def test_a_state_of_another_format(state: Any, shown: str, folder: Path) -> None:
    path = folder / "state.json"
    path.write_text(json.dumps(state))
    assert sentence(folder) == (
        f"{path} has format {shown}, this edgeRec reads 2. Train again without resume."
    )


def without(key: str) -> Callable[[dict[str, Any]], None]:
    return lambda state: state.pop(key)


@pytest.mark.parametrize(
    "change",
    [
        *map(without, ("settings", "user_id_type", "value_range", "facts", "course", "files")),
        lambda state: state["course"].pop("best_epoch"),
        lambda state: state["settings"].update(n_history=0),
        lambda state: state["settings"].update(unknown=1),
        lambda state: state["facts"].update(unknown=1),
        lambda state: state.update(course=None),
        lambda state: state.update(value_range=None),
    ],
)
def test_a_state_that_was_changed(change: Callable[[dict[str, Any]], None], folder: Path) -> None:
    path = folder / "state.json"
    state = json.loads(path.read_text())
    change(state)
    path.write_text(json.dumps(state))
    assert sentence(folder).startswith(f"{path} was changed or is incomplete (")
    assert sentence(folder).endswith("). Train again without resume.")


@pytest.mark.parametrize("name", ["tables.npz", "network-3.npz"])
def test_a_file_that_is_missing(name: str, folder: Path) -> None:
    (folder / name).unlink()
    assert sentence(folder).startswith(f"{folder / name} cannot be read (")
    assert sentence(folder).endswith("Train again without resume.")


@pytest.mark.parametrize("name", ["tables.npz", "network-3.npz"])
@pytest.mark.parametrize(
    "damage",
    [lambda data: data[:-1], lambda data: b"", lambda data: data[:99] + b"!" + data[100:]],
)
def test_a_file_that_was_damaged(damage: Callable[[bytes], bytes], name: str, folder: Path) -> None:
    path = folder / name
    path.write_bytes(damage(path.read_bytes()))
    assert sentence(folder) == (
        f"{path} is not the file that state.json was written for. Train again without resume."
    )


def rehash(folder: Path, name: str) -> None:
    path = folder / "state.json"
    state = json.loads(path.read_text())
    state["files"][name] = state_module.hashlib.sha256((folder / name).read_bytes()).hexdigest()
    path.write_text(json.dumps(state))


@pytest.mark.parametrize("data", [b"", b"no zip", b"PK\x03\x04 cut"])
def test_a_file_that_was_damaged_together_with_its_hash(data: bytes, folder: Path) -> None:
    path = folder / "tables.npz"
    path.write_bytes(data)
    rehash(folder, path.name)
    assert sentence(folder).startswith(f"{path} is damaged (")


def test_a_file_that_wants_to_be_unpickled(folder: Path) -> None:
    path = folder / "tables.npz"
    np.savez(path, item_features=np.array([{}], object))
    rehash(folder, path.name)
    assert sentence(folder).startswith(f"{path} is damaged (")


def test_a_file_without_an_array(folder: Path) -> None:
    np.savez(folder / "tables.npz", embedding=np.zeros(3, np.float32))
    rehash(folder, "tables.npz")
    assert "is incomplete (KeyError('user_features" in sentence(folder)


def interrupt_after(n_moved: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let Ctrl-C come when so many files have been moved to their places."""
    replace, left = Path.replace, n_moved

    def replacing(path: Path, target: Path) -> Path:
        nonlocal left
        left -= 1
        if left < 0:
            raise KeyboardInterrupt
        return replace(path, target)

    monkeypatch.setattr(Path, "replace", replacing)


@pytest.mark.parametrize("n_moved", [0, 1])
def test_an_interrupted_checkpoint_leaves_the_one_before(
    n_moved: int, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    network, course = checkpoint_of(a_ranker(), 3, folder)
    course.epochs.append({"held_out_auc": 0.6})
    with monkeypatch.context() as patch:
        interrupt_after(n_moved, patch)
        with pytest.raises(KeyboardInterrupt):
            save_checkpoint(folder, a_ranker(), network, course)
    saved = load_state(folder)
    assert len(saved.course.epochs) == 3
    assert saved.network is not None
    save_checkpoint(folder, a_ranker(), network, course)
    assert len(load_state(folder).course.epochs) == 4


@pytest.mark.parametrize("n_moved", [0, 1])
def test_a_new_training_that_is_interrupted_leaves_nothing_to_resume(
    n_moved: int, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    interrupt_after(n_moved, monkeypatch)
    with pytest.raises(KeyboardInterrupt):
        save_tables(folder, a_ranker())
    assert "holds no state.json" in sentence(folder)


def test_a_new_training_starts_over(folder: Path) -> None:
    save_tables(folder, a_ranker())
    saved = load_state(folder)
    assert (saved.network, saved.course) == (None, Course([], 0, None))
    assert not list(folder.glob("network-*"))
