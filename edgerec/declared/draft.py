"""Writes the first edgerec.toml for a database: commented, and ready to train as it is."""

import json
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from edgerec.columns import StatisticsNeeded
from edgerec.declared.auto.candidates import Proposal
from edgerec.declared.label_guess import LabelGuess, guess_label
from edgerec.declared.proposals import propose
from edgerec.declared.roles import Roles, ThingTable
from edgerec.errors import SourceError
from edgerec.ids import padding_id
from edgerec.names import words_in
from edgerec.source import (
    ColumnNames,
    Engine,
    RowCondition,
    column_statistics,
    describe_table,
)

# Words of a column in which something is written of an item.
_WRITTEN: Final = frozenset(
    {"title", "description", "summary", "overview", "synopsis", "abstract", "text"}
)


@dataclass(frozen=True)
class Draft:
    """What is written, and what is said of it."""

    text: str
    label: LabelGuess


@dataclass(frozen=True)
class Chosen:
    """Features that were chosen by trying them."""

    proposals: Mapping[str, Sequence[Proposal]]
    """per role, users and items"""
    comments: Sequence[str]
    """how they were chosen, a line each"""


def write_draft(
    engine: Engine, url: str, roles: Roles, name: str, chosen: Chosen | None = None
) -> Draft:
    """Return a draft for the tables in their roles.

    Parameters
    ----------
    url : str
        What stands in the file: without a password.
    name : str
        Name of the model.
    chosen : Chosen, optional
        The features; by default they are guessed from the columns.
    """
    columns = roles.columns
    known = _known_ids(engine, roles)
    guess = guess_label(engine, roles, known)
    returns = guess.has_untaken
    lines = [
        "# A draft by `edgerec init`: it trains as it is. docs/edgerec-toml.md explains every key.",
        "",
        "[database]",
        "# ${NAME} is replaced by an environment variable: a password need not stand here.",
        _line("url", url),
        "",
        "[interactions]",
        _line("table", roles.interactions),
        _line("user_id", columns.user_id),
        _line("item_id", columns.item_id),
        _line("timestamp", columns.timestamp),
    ]
    if columns.value is not None:
        lines.append(_line("value", columns.value))
    if known:
        lines += [
            "",
            "# Rows whose user or item is NULL: they meet no condition.",
        ]
    for condition in known:
        lines += _condition_lines(condition)
    if returns:
        lines += ["", "# What is not above 0 was given back or never taken: no sign of liking."]
        lines += _condition_lines(RowCondition(columns.value or "", ">", 0))
    lines += ["", "[label]", *_label_lines(guess)]
    # What describes the interaction says nothing lasting of the item or the user.
    left_out = [columns.user_id, columns.item_id, columns.timestamp, columns.value or ""]
    if chosen is not None and chosen.comments:
        lines += ["", *(f"# {line}".rstrip() for line in chosen.comments)]
    for role, things in (("items", roles.items), ("users", roles.users)):
        if things is not None:
            proposals: Sequence[Proposal]
            if chosen is not None:
                proposals = chosen.proposals.get(role, [])
            elif things.table == roles.interactions:
                proposals = []
            else:
                proposals = propose(engine, things, left_out)
            lines += ["", f"[{role}]", *_thing_lines(role, things, proposals)]
            if role == "items":
                lines += _text_lines(engine, things)
    if guess.are_ratings:
        lines += [
            "",
            "# Users choose what they rate: what they rated together is alike, liked or not.",
            '# Where they are shown items by chance it need not be; then write "liked".',
            "[training.embedding]",
            _line("sequences", "all"),
        ]
    lines += ["", "[export]", _line("path", f"models/{name}.onnx")]
    if roles.test_table is not None:
        lines += [
            "",
            "# Rows that training never sees, to evaluate the file on.",
            "[evaluation]",
            _line("test_table", roles.test_table),
        ]
        if guess.above is None:
            lines += [
                "# The whole catalogue is ranked for each user. Where people buy the same again,",
                "# allow it: repeats = true.",
                "top = 10",
            ]
        else:
            lines += [
                "",
                "# The model tells what users liked from what they did not. One that is to find it",
                "# in the whole catalogue (top = 10 in [evaluation]) is trained for that:",
                "# [training]",
                '# objective = "top"',
            ]
    else:
        lines += [
            "",
            "# To evaluate, split the table by",
            f"# {_split_command(engine, roles, known, returns)}",
            f"# name {roles.interactions}_train above, and add:",
            "# [evaluation]",
            f'# test_table = "{roles.interactions}_test"',
        ]
    return Draft("\n".join(lines) + "\n", guess)


def _split_command(
    engine: Engine, roles: Roles, known: Sequence[RowCondition], returns: bool
) -> str:
    """Return the command that splits the interactions, with all that it cannot find by itself."""
    columns = roles.columns
    words = ["edgerec", "split", "DATABASE_URL", "--table", roles.interactions, "--by", "user-time"]
    options = {
        "--user-column": columns.user_id,
        "--item-column": columns.item_id,
        "--timestamp-column": columns.timestamp,
    }
    if not _is_recognised(engine, roles):
        for option, column in options.items():
            words += [option, column]
        if columns.value is not None:
            words += ["--value-column", columns.value]
    conditions = [*known, *([RowCondition(columns.value or "", ">", 0)] if returns else [])]
    for one in conditions:
        value = f'"{one.value}"' if isinstance(one.value, str) else one.value
        words += ["--where", f"{one.column} {one.operator} {value}"]
    return shlex.join(words)


def _is_recognised(engine: Engine, roles: Roles) -> bool:
    try:
        return ColumnNames().find(engine, roles.interactions) == roles.columns
    except SourceError:
        return False


def _label_lines(guess: LabelGuess) -> list[str]:
    if guess.above is None:
        return [
            "# Every interaction counts as taken; what a user takes next is told from his other",
            "# candidates.",
            _line("rule", "taken"),
        ]
    return [
        "# A value above this is liked: the threshold that divides the rows most evenly.",
        _line("rule", "above"),
        f"above = {guess.above!r}",
    ]


def _thing_lines(role: str, things: ThingTable, proposals: Sequence[Proposal]) -> list[str]:
    lines = [_line("table", things.table), _line("id", things.id)]
    if things.title is not None:
        lines.append(_line("title", things.title))
    for proposal in proposals:
        lines += ["", f"[[{role}.features]]"]
        lines += [_line(key, value) for key, value in proposal.items()]
    return lines


def _text_lines(engine: Engine, things: ThingTable) -> list[str]:
    """Return a section to uncomment, where something is written of the items."""
    columns = [] if things.title is None else [things.title]
    for one in describe_table(engine, things.table).columns:
        is_written = one.kind == "text" and not _WRITTEN.isdisjoint(words_in(one.name))
        if is_written and one.name not in (things.id, *columns):
            columns.append(one.name)
    if not columns:
        return []
    return [
        "",
        "# What is written of the items tells how to score those that nobody has touched yet. It",
        "# pays where it says more than the features above: try it without the marks.",
        "# [text]",
        f"# {_line('columns', columns)}",
    ]


def _line(key: str, value: object) -> str:
    if isinstance(value, str):
        # TOML's basic strings escape as JSON's do.
        return f"{key} = {json.dumps(value, ensure_ascii=False)}"
    if isinstance(value, bool):
        return f"{key} = {str(value).lower()}"
    if isinstance(value, list):
        return f"{key} = {json.dumps(value, ensure_ascii=False)}"
    return f"{key} = {value!r}"


def _condition_lines(condition: RowCondition) -> list[str]:
    return [
        "[[interactions.where]]",
        _line("column", condition.column),
        _line("operator", condition.operator),
        _line("value", condition.value),
    ]


def _known_ids(engine: Engine, roles: Roles) -> list[RowCondition]:
    """Return conditions that keep rows with ids, where some rows have none.

    No id is the padding id, and NULL is not unequal to it.
    """
    kinds = {one.name: one.kind for one in describe_table(engine, roles.interactions).columns}
    names = [roles.columns.user_id, roles.columns.item_id]
    needed = dict.fromkeys(names, StatisticsNeeded())
    found = column_statistics(engine, roles.interactions, needed)
    return [
        RowCondition(name, "!=", padding_id("int64" if kinds[name] == "integer" else "string"))
        for name in names
        if found[name].n_null
    ]
