"""examples/your_database: the commands of its README, as they stand there."""

import json
import shutil
from pathlib import Path

import pytest

from edgerec.cli import main
from edgerec.declared.reading import read_configuration
from edgerec.declared.schema import Configuration
from examples.your_database.shop import make_shop

FOLDER = Path(__file__).parents[2] / "examples" / "your_database"


@pytest.fixture(autouse=True)
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    make_shop(Path("shop.db"))
    shutil.copy(FOLDER / "edgerec.toml", "edgerec.toml")
    assert main(["split", "sqlite:///shop.db", "--table", "views", "--by", "user"]) == 0


def test_the_file_trains_and_ranks_for_customers_it_never_saw(capsys) -> None:
    capsys.readouterr()
    assert main(["train", "edgerec.toml", "--json", "--no-report"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["auc"] > 0.72
    assert result["gauc"] > 0.64
    assert Path("models/shop.onnx").is_file()


def test_every_section_stands_in_it() -> None:
    configuration = read_configuration("edgerec.toml")
    # [impressions] says what was seen and not taken, where views are no rows with labels as here.
    sections = set(Configuration.model_fields) - {"impressions"}
    assert all(getattr(configuration, name) is not None for name in sections)


def test_a_draft_recognises_the_tables(capsys) -> None:
    assert main(["init", "sqlite:///shop.db", "--output", "draft.toml"]) == 0
    draft = read_configuration("draft.toml")
    assert draft.interactions.table == "views_train"
    assert draft.interactions.timestamp == "seen_at"
    assert (draft.interactions.value, draft.label.above) == ("bought", 0)
    # Not the lines of orders, which come first and have a sku too.
    assert (draft.items.table, draft.items.title) == ("products", "name")
    assert draft.users.table == "customers"
    assert draft.evaluation.test_table == "views_test"
