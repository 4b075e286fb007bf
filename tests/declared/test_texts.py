"""[text]: what is written of the items, in columns of their table and in a table of tags."""

from pathlib import Path

import pytest

from edgerec.cli import main
from edgerec.declared.capabilities import declared_rec_sys
from edgerec.declared.settings import train_settings
from edgerec.errors import ConfigurationError
from edgerec.recsys import ItemEmbedding, ItemTexts
from tests import shop

FILE = f"""\
{shop.FILE}
[items]
table = "goods"
id = "code"
"""
TEXT = """
[text]
columns = ["name", "about"]
text_dim = 4
min_count = 1
"""
TAGS = """
[text.tags]
table = "tags"
item_id = "article"
text = "word"

[[text.tags.where]]
column = "at"
operator = "<="
value = "2020-01-01"
"""


GOODS = """
CREATE TABLE goods (code TEXT, name TEXT, about TEXT);
CREATE TABLE tags (article TEXT, word TEXT, at TEXT);
INSERT INTO goods VALUES ('i0', 'Red boat', NULL), ('i1', NULL, NULL),
    ('i2', 'Blue boat', 'goes far'), ('i0', 'Boat, red', 'small'), ('new', '', '');
INSERT INTO tags VALUES ('i0', 'sea', '2019-05-01'), ('i0', 'wet', '2020-05-01'),
    ('i1', 'sea', '2019-05-01'), ('i0', NULL, '2019-05-01'), ('x', 'a', '2019-05-01');
"""


@pytest.fixture(autouse=True)
def written_shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    shop.write_shop(tmp_path, GOODS)


def written(text: str) -> Path:
    Path("edgerec.toml").write_text(text, "utf-8")
    return Path("edgerec.toml")


def texts_of(text: str) -> list[str | None]:
    rec_sys = declared_rec_sys(written(FILE + text))
    assert isinstance(rec_sys, ItemTexts)
    return list(rec_sys.get_item_texts(["i2", "i1", "i0", "new", "nobody's"]))


def test_columns_are_joined_and_tags_follow_up_to_their_condition():
    assert texts_of(TEXT) == ["Blue boat\ngoes far", None, "Boat, red\nsmall", None, None]
    assert texts_of(TEXT + TAGS) == [
        "Blue boat\ngoes far",
        "sea",
        "Boat, red\nsmall\nsea",
        None,
        None,
    ]
    assert texts_of("\n[text]" + TAGS)[:3] == [None, "sea", "sea"]


def test_texts_are_off_unless_declared_and_go_with_sequences():
    assert not isinstance(declared_rec_sys(written(FILE)), ItemTexts)
    sequences = (
        '\n[sequences]\ntable = "ratings"\ngroup = "user_id"\nitem_id = "item_id"\n'
        'timestamp = "time"\n'
    )
    both = declared_rec_sys(written(FILE + TEXT + sequences))
    assert isinstance(both, ItemTexts) and isinstance(both, ItemEmbedding)
    assert train_settings(both.configuration).text.text_dim == 4


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (
            FILE + TEXT.replace("about", "abuot"),
            "edgerec.toml, line 20: text.columns: table 'goods' has no column 'abuot'; its",
        ),
        (
            FILE + TEXT + TAGS.replace('"word"', '"world"'),
            "edgerec.toml, line 27: text.tags.text: table 'tags' has no column 'world'; its",
        ),
        (
            FILE + "\n[text]\ntext_dim = 4\n",
            "edgerec.toml, line 19: text must be a section with columns, or with [text.tags], but",
        ),
        (
            FILE.partition("[items]")[0] + TEXT,
            "edgerec.toml needs a section [items], whose table and id the texts of [text] go by",
        ),
    ],
)
def test_a_mistake_is_said_with_its_line(text: str, sentence: str) -> None:
    with pytest.raises(ConfigurationError) as raised:
        declared_rec_sys(written(text))
    assert str(raised.value).startswith(sentence)


def test_a_model_is_trained_with_texts(capsys: pytest.CaptureFixture[str]) -> None:
    written(FILE + TEXT + TAGS)
    assert main(["train", "edgerec.toml", "--accept-leak", "item-features"]) == 0
    # Seven of nine items are in no table of goods.
    assert "have no text" in capsys.readouterr().err
