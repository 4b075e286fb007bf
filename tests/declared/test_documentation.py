"""docs/edgerec-toml.md and the schema agree."""

from pathlib import Path

from edgerec.declared.documentation import documentation

DOCUMENT = Path(__file__).parents[2] / "docs" / "edgerec-toml.md"


def test_the_document_is_what_the_schema_says() -> None:
    assert DOCUMENT.read_text("utf-8") == documentation(), (
        "run `python -m edgerec.declared.documentation > docs/edgerec-toml.md`"
    )
