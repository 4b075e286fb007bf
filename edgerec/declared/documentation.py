"""docs/edgerec-toml.md, written from the schema, so that the two cannot disagree.

Run `python -m edgerec.declared.documentation > docs/edgerec-toml.md`.
"""

import sys

from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from edgerec.declared.schema import Configuration, section_in

_INTRODUCTION = """\
# edgerec.toml

A recommender that is declared: tables, columns, features and settings, and no code.
`edgerec init DATABASE_URL` writes a draft that trains as it is, `edgerec train edgerec.toml`
trains it. This page is written from the schema.

An unknown key, a missing one, or a value of another type is an error that names file and line.
`[[…]]` may stand more than once.
"""


def documentation() -> str:
    """Return the whole page."""
    sections: list[str] = []
    _describe(Configuration, "", sections)
    return _INTRODUCTION + "".join(sections)


def _describe(model: type[BaseModel], path: str, sections: list[str]) -> None:
    rows, inner = [], []
    for name, field in model.model_fields.items():
        nested = section_in(field.annotation)
        where = f"{path}.{name}" if path else name
        if nested is not None:
            is_list = getattr(field.annotation, "__origin__", None) is list
            inner.append((nested, where, is_list, field.is_required()))
            continue
        default = _shown(field.get_default(call_default_factory=True))
        need = "needed" if field.is_required() else f"default {default}"
        rows.append(f"| `{name}` | {field.description or ''} | {need} |\n")
    if path and rows:
        sections.append("\n| key | what | |\n|---|---|---|\n" + "".join(rows))
    if path.endswith("features"):
        sections.append(
            "\nWhat else a kind takes stands beside these: see [features.md](features.md).\n"
        )
    for nested, where, is_list, required in inner:
        title = f"[[{where}]]" if is_list else f"[{where}]"
        doc = (nested.__doc__ or "").strip()
        need = "" if required else " May be left out."
        sections.append(f"\n## `{title}`\n\n{doc}{need}\n")
        _describe(nested, where, sections)


def _shown(value: object) -> str:
    if value is None or value is PydanticUndefined:
        return "none"
    if isinstance(value, str):
        return f'`"{value}"`'
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


if __name__ == "__main__":
    sys.stdout.write(documentation())
