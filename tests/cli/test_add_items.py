"""edgerec add-items: a table of new items, from a database to a copy of a file."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from device_runtime.scorer import Scorer
from edgerec.cli import main
from edgerec.declared.capabilities import declared_rec_sys
from edgerec.declared.settings import train_settings
from edgerec.errors import ItemNotFound, StateError
from edgerec.pipeline import load_model, train
from edgerec.scoring import TableScorer
from edgerec.titles.kept import NamedItem, keep_titles, kept_titles
from tests.device_runtime.test_similar import ask
from tests.shop import FILE as SHOP_FILE
from tests.shop import write_shop

FILE = f"""\
{SHOP_FILE}
[items]
table = "goods"
id = "code"
title = "name"

[[items.features]]
column = "price"
kind = "min_max"

[[items.features]]
column = "colours"
kind = "multi_hot"
separator = "|"

[text]
columns = ["name"]
text_dim = 3
min_count = 1

[training]
n_history = 8

[training.embedding]
embedding_dim = 4

[training.network]
hidden_layer_sizes = [6]
max_epochs = 1
"""


GOODS = """
CREATE TABLE goods (code INTEGER, price REAL, colours TEXT, name TEXT);
CREATE TABLE more (code INTEGER, price REAL, colours TEXT, name TEXT);
CREATE TABLE priceless (code INTEGER, prices REAL, colours TEXT, name TEXT);
CREATE TABLE told (code INTEGER, price REAL, colours TEXT, name TEXT);
CREATE TABLE empty AS SELECT * FROM more;
CREATE TABLE twice AS SELECT * FROM more;
INSERT INTO more VALUES (14, 3, 'red', 'red boat'), (1, 3, 'blue', 'boat'),
    (1000000, NULL, NULL, NULL);
INSERT INTO told VALUES (31, NULL, NULL, 'boat 2');
INSERT INTO twice VALUES (14, 3, 'red', 'red boat'), (14, 4, 'red', 'red boat');
""" + "\n".join(
    f"INSERT INTO goods VALUES ({2 * item}, {item % 5}, '{colours}', 'boat {item % 4}');"
    for item, colours in enumerate(["red", "blue", "red|blue"] * 4)
)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A trained shop: all tests but one look at it, and write elsewhere."""
    folder = tmp_path_factory.mktemp("shop")
    write_shop(
        folder,
        GOODS,
        n_users=24,
        n_items=12,
        item_id=lambda item: 2 * item,
        first_time=10**9,
    )
    return folder


@pytest.fixture(scope="module")
def trained(shop: Path) -> Path:
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(shop)
        Path("edgerec.toml").write_text(FILE, "utf-8")
        rec_sys = declared_rec_sys("edgerec.toml")
        settings = train_settings(rec_sys.configuration)
        train(rec_sys, settings, training_folder="shop.training").export("shop.onnx")
    return shop


@pytest.fixture(autouse=True)
def there(trained: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.chdir(trained)
    yield
    for path in trained.glob("*-added*"):
        shutil.rmtree(path) if path.is_dir() else path.unlink()


def test_titles_go_along_and_new_items_bring_theirs(capsys: pytest.CaptureFixture[str]) -> None:
    keep_titles(Path("shop.training"), [NamedItem(0, "boat of before", "red")])
    assert main(["add-items", "shop.onnx", "--from", "more"]) == 0
    named = {one.item_id: one for one in kept_titles(Path("shop-added.training"))}
    assert named[0] == NamedItem(0, "boat of before", "red")
    # Categories too, out of the column that training took for one.
    assert named[1] == NamedItem(1, "boat", "blue")
    assert named[1000000] == NamedItem(1000000, "")
    capsys.readouterr()
    assert main(["similar", "shop-added.onnx", "0", "--json", "-k", "99"]) == 0
    assert ["boat", "blue"] in [
        [one["title"], one["category"]] for one in json.loads(capsys.readouterr().out)
    ]
    keep_titles(Path("shop.training"), [])


NOTHING_KNOWN = (
    "item 1000000: it has no vector, since nobody did anything with it in training and it has "
    "neither features nor a text; ask for another"
)


def test_an_item_of_which_nothing_is_known_is_like_nothing(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Not by what rounding leaves of a missing price, either."""
    assert main(["add-items", "shop.onnx", "--from", "more"]) == 0
    capsys.readouterr()
    assert main(["similar", "shop-added.onnx", "1000000"]) == 1
    assert capsys.readouterr().err == f"error: {NOTHING_KNOWN}\n"
    with pytest.raises(ItemNotFound) as caught:
        load_model("shop-added.training").similar([1000000])
    assert str(caught.value) == (
        "item 1000000 has no vector, since nobody did anything with it in training and it has "
        "neither features nor a text. Ask for another."
    )
    status, answer = ask(Scorer.from_path("shop-added.onnx"), "/api/v1/similar/1000000")
    assert (status, answer["error"]) == (404, NOTHING_KNOWN)
    # Nor is anything like it.
    assert main(["similar", "shop-added.onnx", "0", "--json", "-k", "99"]) == 0
    found = [one["item_id"] for one in json.loads(capsys.readouterr().out)]
    assert 1 in found and 1000000 not in found


def test_a_new_item_of_which_a_text_alone_is_known_has_neighbours(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["add-items", "shop.onnx", "--from", "told"]) == 0
    capsys.readouterr()
    assert main(["similar", "shop-added.onnx", "31", "--json", "-k", "3"]) == 0
    found = [one["item_id"] for one in json.loads(capsys.readouterr().out)]
    assert found == [id_ for id_, _ in load_model("shop-added.training").similar([31], k=3)]
    # Items 4, 12 and 20 are called as it is.
    assert set(found) == {4, 12, 20}


def test_items_are_added_to_a_copy_and_to_the_copy(capsys: pytest.CaptureFixture[str]) -> None:
    before = Path("shop.onnx").read_bytes()
    # 14 is one of training's, whatever the new table says of it.
    assert main(["add-items", "shop.onnx", "--from", "more"]) == 0
    out, err = capsys.readouterr()
    assert "items added" in out and "1 of 3 items, such as 14, are in the model already" in err
    assert "1 of 2 new items have no text" in err
    assert Path("shop.onnx").read_bytes() == before
    manifest = json.loads(Path("shop-added.json").read_text("utf-8"))
    assert manifest["catalogue"] == {"n_users": 24, "n_items": 14, "n_added_items": 2}
    assert manifest["id_maps"]["item"]["kind"] == "encoder"
    old, new = TableScorer("shop.onnx"), TableScorer("shop-added.onnx")
    asked = (3, list(range(0, 24, 2)), [], 10**9 + 100)
    assert new.scores(*asked).tolist() == old.scores(*asked).tolist()
    assert list(new.catalogue()) == sorted([*old.catalogue(), 1, 10**6])
    assert load_model("shop-added.training").ranker.added_items.tolist() == [2, 14]
    assert main(["add-items", "shop-added.onnx", "--from", "more"]) == 1
    assert capsys.readouterr().err.endswith(
        "error: All 3 items, such as 1, are in the model already: there is nothing to add. Name "
        "items that it does not know; to change one, train again.\n"
    )


def test_a_model_with_added_items_is_not_trained_on() -> None:
    assert main(["add-items", "shop.onnx", "--from", "more"]) == 0
    with pytest.raises(StateError) as raised:
        train(declared_rec_sys("edgerec.toml"), training_folder="shop-added.training", resume=True)
    assert str(raised.value).startswith(
        "shop-added.training holds 2 items that were added after training, so there is nothing to"
    )


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (
            ["shop.onnx", "--from", "priceless"],
            "table \"priceless\" has no column 'price', which training read of its items; its",
        ),
        (
            ["shop.onnx", "--from", "empty"],
            'table "empty" holds no row with an id in column "code", so there is nothing to add.',
        ),
        (
            ["shop.onnx", "--from", "twice"],
            'table "twice" has two rows with the id 14 in column "code". Keep the one that counts',
        ),
        (
            ["shop.onnx", "--from", "more", "--output", "shop.onnx"],
            "shop.onnx is the model that items are to be added to; it stays as it is. Name another",
        ),
        (
            ["other.onnx", "--from", "more"],
            "other.json does not say how the file is stored (",
        ),
        (["shop.json", "--from", "more"], "'shop.json' is no model file; its name must end in .on"),
    ],
)
def test_what_cannot_be_added_is_said(
    arguments: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["add-items", *arguments]) == 1
    assert f"error: {sentence}" in capsys.readouterr().err


def test_a_model_of_a_class_is_added_to_in_python(capsys: pytest.CaptureFixture[str]) -> None:
    shutil.copytree("shop.training", "class-added.training")
    for name in ("onnx", "json"):
        shutil.copy(f"shop.{name}", f"class-added.{name}")
    path = Path("class-added.training/state.json")
    state = json.loads(path.read_text("utf-8"))
    for rules, sentence in (
        (None, "error: The model was trained from a class, which alone knows what features its"),
        ({"id": None}, "error: The model was trained without [items], so nothing of an item is"),
    ):
        path.write_text(json.dumps({**state, "item_rules": rules}), "utf-8")
        assert main(["add-items", "class-added.onnx", "--from", "more"]) == 1
        assert sentence in capsys.readouterr().err
