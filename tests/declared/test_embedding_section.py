"""[training.embedding]: item2vec under gensim's names."""

from pathlib import Path

import pytest

from edgerec.config import EmbeddingSettings
from edgerec.declared.reading import read_configuration
from edgerec.declared.recsys import train_settings
from edgerec.errors import ConfigurationError

FILE = """\
[database]
url = "sqlite:///shop.db"

[interactions]
table = "ratings"
user_id = "user_id"
item_id = "item_id"
timestamp = "time"

[label]
rule = "taken"

[training.embedding]
"""


def settings_of(text: str, folder: Path) -> EmbeddingSettings:
    path = folder / "edgerec.toml"
    path.write_text(FILE + text)
    return train_settings(read_configuration(path)).embedding


def test_what_is_not_named_is_the_default(tmp_path: Path) -> None:
    assert settings_of("", tmp_path) == EmbeddingSettings()


def test_gensim_s_names(tmp_path: Path) -> None:
    names = "vector_size = 8\nwindow = 3\nepochs = 2\nsg = 0\nhs = 1\nnegative = 0\nsample = 0.01\n"
    assert settings_of(f"{names}min_count = 4\nworkers = 0\nsession_gap = 60\n", tmp_path) == (
        EmbeddingSettings(*(8, 3, 2, 0, 0.01), sg=0, hs=1, min_count=4, workers=0, session_gap=60)
    )


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("embedding_dim = 8\nvector_size = 8", "training.embedding.vector_size is an unknown key"),
        ("sg = 2", "training.embedding.sg must be 0 or 1, but is 2."),
        ("negative = 0", "training.embedding must be negative of at least 1, or hs = 1: one of "),
        ("min_count = 0", "training.embedding.min_count must be greater than or equal to 1, but"),
    ],
)
def test_what_cannot_be(text: str, sentence: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as caught:
        settings_of(text, tmp_path)
    assert sentence in str(caught.value)
