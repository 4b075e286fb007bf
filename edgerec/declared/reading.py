"""Reads edgerec.toml, and says of a mistake where it stands and what was meant."""

import re
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel, ValidationError

from edgerec.declared.schema import Configuration, section_in
from edgerec.errors import ConfigurationError
from edgerec.names import nearest
from edgerec.source import with_variables

_LARGEST_BYTES: Final = 1 << 20
_HEADER: Final = re.compile(r"^\s*\[\[?\s*([^\[\]]+?)\s*\]?\]\s*(#.*)?$")
_KEY: Final = re.compile(r"^\s*([A-Za-z0-9_\-\"']+)\s*=")
_Path = Sequence[int | str]


def read_configuration(path: str | Path) -> Configuration:
    """Read and validate an edgerec.toml.

    Raises
    ------
    ConfigurationError
        The file is missing or no TOML; a key is unknown, missing, or of another type; the
        sentence names file, line where possible, what was expected and the nearest valid name.
    """
    path = Path(path)
    try:
        if path.stat().st_size > _LARGEST_BYTES:
            raise ConfigurationError(
                f"{path} is larger than 1 MiB, which is no edgerec.toml. Name another file."
            )
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(
            f"{path} cannot be read ({error}). `edgerec init DATABASE_URL` writes a draft."
        ) from None
    try:
        plain = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f"{path} is no TOML: {error}.") from None
    try:
        configuration = Configuration.model_validate(plain)
    except ValidationError as error:
        raise ConfigurationError(_sentence(path, text, plain, error)) from None
    _check_label(path, configuration)
    return configuration


def database_url(configuration: Configuration) -> str:
    """Return the database's URL with environment variables put in.

    Raises
    ------
    ConfigurationError
        A variable is not set; the sentence names it, and never shows the URL.
    """
    return with_variables(configuration.database.url, "database.url")


def _check_label(path: Path, configuration: Configuration) -> None:
    label, interactions = configuration.label, configuration.interactions
    if label.rule == "above" and label.above is None:
        raise ConfigurationError(
            f'{path}: label.above is missing, which the rule "above" compares with. '
            "Write for example above = 3.5."
        )
    if label.rule == "above" and interactions.value is None:
        raise ConfigurationError(
            f'{path}: the rule "above" needs interactions.value, the column that is compared. '
            'Name it, or write rule = "taken".'
        )


def _sentence(path: Path, text: str, plain: dict[str, Any], error: ValidationError) -> str:
    # A misspelt key is also a missing one; the misspelling says more.
    first = min(error.errors(), key=lambda one: one["type"] != "extra_forbidden")
    location = [part for part in first["loc"] if part not in ("int", "float", "str", "bool")]
    dotted = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in location)
    dotted = dotted.lstrip(".")
    line = find_line(text, location)
    where = f"{path}, line {line}" if line else str(path)
    if first["type"] == "extra_forbidden":
        names = _names_at(location[:-1])
        hint = nearest(location[-1], names, "") or f" The keys there are {', '.join(names)}."
        return f"{where}: {dotted} is an unknown key.{hint}"
    if first["type"] == "missing":
        return (
            f"{where}: {dotted} is missing (expected: {_description(location)}). "
            "docs/edgerec-toml.md has every key."
        )
    came = _value_at(plain, location)
    message = first["msg"].removeprefix("Input should be ").removeprefix("Value error, ")
    if not location:
        # Of the whole file; what came is all of it, the database's URL included.
        return f"{where} needs {message}."
    if first["type"] == "string_pattern_mismatch":
        # A pattern is for the machine; what it means stands in the description.
        message = _description(location)
    return f"{where}: {dotted} must be {message}, but is {came!r}."


def _model_at(location: _Path) -> type[BaseModel] | None:
    model: type[BaseModel] | None = Configuration
    for part in location:
        if isinstance(part, int):
            continue
        if model is None or part not in model.model_fields:
            return None
        model = section_in(model.model_fields[part].annotation)
    return model


def _names_at(location: _Path) -> list[str]:
    model = _model_at(location)
    return list(model.model_fields) if model else []


def _description(location: _Path) -> str:
    model = _model_at(location[:-1])
    field = model.model_fields.get(str(location[-1])) if model else None
    if field is None:
        return "needed"
    inner = section_in(field.annotation)
    text = field.description or (inner.__doc__ if inner else None) or "needed"
    text = text.strip().rstrip(".")
    return text[0].lower() + text[1:]


def _value_at(plain: Any, location: _Path) -> Any:
    for part in location:
        try:
            plain = plain[part]
        except (KeyError, IndexError, TypeError):
            return None
    return plain


def find_line(text: str, location: _Path) -> int | None:
    """Return the line (from 1) where the key at `location` stands, or its nearest parent.

    >>> find_line("[items]\\ntable = 1\\nid = 2", ["items", "id"])
    3
    """
    wanted = [str(part) for part in location if not isinstance(part, int)]
    number_in_list = next((part for part in location if isinstance(part, int)), 0)
    best: tuple[int, int | None] = (0, None)
    section: list[str] = []
    n_seen: dict[str, int] = {}
    for number, line in enumerate(text.splitlines(), 1):
        header = _HEADER.match(line)
        if header:
            section = [part.strip().strip("\"'") for part in header[1].split(".")]
            if line.lstrip().startswith("[["):
                n_seen[header[1]] = n_seen.get(header[1], -1) + 1
                if n_seen[header[1]] != number_in_list:
                    section = ["\0"]
            path = section
        else:
            key = _KEY.match(line)
            if not key:
                continue
            path = [*section, key[1].strip("\"'")]
        depth = len(path)
        if path == wanted[:depth] and depth > best[0]:
            best = (depth, number)
    return best[1]
