"""docs/features.md is the registry in words."""

import doctest
import re
from pathlib import Path

import pytest

from edgerec.features.tabular import TRANSFORMS

DOCUMENT = Path(__file__).parents[3] / "docs" / "features.md"
TEXT = DOCUMENT.read_text(encoding="utf-8")
SECTIONS = dict(re.findall(r"^### `(\w+)`\n(.*?)(?=^### |\Z)", TEXT, re.MULTILINE | re.DOTALL))
FITTED_FROM = {
    "nothing": "nothing; it is ready without data",
    "aggregates": "aggregates of the column",
    "values": "the different values with their counts",
    "labels": "interactions with labels and folds",
}


def test_each_kind_has_a_section() -> None:
    assert list(SECTIONS) == list(TRANSFORMS)


@pytest.mark.parametrize("name", TRANSFORMS)
def test_a_section_says_what_the_registry_says(name: str) -> None:
    kind, section = TRANSFORMS[name], SECTIONS[name].replace("\\|", "|")
    assert section.strip().startswith(kind.doc)
    options = [
        f"| `{option.name}` | {option.type} | `{option.default!r}` | {option.doc} |"
        for option in kind.options
    ]
    assert re.findall(r"^\| `.*$", section, re.MULTILINE) == options
    assert re.findall(r"^- (.*)$", section, re.MULTILINE) == [
        f"Columns: {', '.join(kind.accepts)}.",
        f"Missing: {kind.missing}.",
        f"Unseen: {kind.unseen}.",
        f"Fitted from: {FITTED_FROM[kind.fitted_from]}.",
    ]


@pytest.mark.parametrize("name", TRANSFORMS)
def test_each_kind_has_an_example(name: str) -> None:
    assert f'"{name}"' in re.findall(r"```python\n(.*?)```", SECTIONS[name], re.DOTALL)[0]


def test_the_examples_are_right() -> None:
    flags = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS
    result = doctest.testfile(str(DOCUMENT), module_relative=False, optionflags=flags)
    assert result.failed == 0
    assert result.attempted > 100
