"""edgerec similar: what is like an item, or like a sum of items."""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

from rich.table import Table

from edgerec.cli.commands import add_command
from edgerec.cli.drawing import plain_console
from edgerec.cli.prompt import ask_again_and_again
from edgerec.declared.reading import read_configuration
from edgerec.errors import ConfigurationError, ItemNotFound
from edgerec.recsys import Id
from edgerec.scoring import TableScorer
from edgerec.source import open_engine, read_titles
from edgerec.titles.kept import NamedItem, kept_titles
from edgerec.titles.search import TitleSearch
from edgerec.titles.terms import terms

_EXAMPLE = """\
  edgerec similar models/movielens.onnx "Kung Fu Panda"
  edgerec similar models/movielens.onnx "Toy Story" + "Heat" - "Casino" -k 5
  edgerec similar models/movielens.onnx                      (asks for titles, one after another)"""


def add_to(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    parser = add_command(commands, "similar", _EXAMPLE)
    parser.add_argument(
        "model",
        metavar="MODEL.onnx | edgerec.toml",
        help="the file, or the configuration that names it",
    )
    parser.add_argument(
        "items",
        nargs="*",
        metavar="ITEM",
        help="a title, a part of one, or an id; + and - between several. None: a prompt asks",
    )
    parser.add_argument("-k", "--k", type=int, default=10, help="how many (default %(default)s)")
    parser.add_argument(
        "--database",
        metavar="URL",
        help="where --titles are; by default they are those that training kept in NAME.training",
    )
    parser.add_argument(
        "--titles",
        nargs=3,
        metavar=("TABLE", "ID", "TITLE"),
        help="table, id column and title column of what people call the items",
    )
    parser.add_argument("--json", action="store_true", help="print the list as JSON")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Answer what was asked, or ask."""
    if options.k < 1:
        raise ConfigurationError(f"-k is {options.k}; expected 1 or more.")
    if bool(options.database) != bool(options.titles):
        raise ConfigurationError("--database and --titles belong together. Give both.")
    model = Path(options.model)
    if model.suffix == ".toml":
        model = Path(read_configuration(model).export.path)
    scorer = TableScorer(model)
    search = TitleSearch(_named(options, model, scorer))

    def answer(line: str) -> None:
        _print(line, scorer, search, options.k, options.json)

    if options.items:
        answer(" ".join(options.items))
    else:
        ask_again_and_again(answer, [one.title for one in search.items])


def _named(options: argparse.Namespace, model: Path, scorer: TableScorer) -> list[NamedItem]:
    """Return the items of the file, with their titles where these are known."""
    ids = scorer.catalogue()
    if options.titles:
        table, id_column, title_column = options.titles
        engine = open_engine(options.database)
        titles = read_titles(engine, table, id_column, title_column, ids)
        return [NamedItem(id_, title or "") for id_, title in zip(ids, titles, strict=True)]
    kept = {one.item_id: one for one in kept_titles(model.with_suffix(".training"))}
    return [kept.get(id_, NamedItem(id_, "")) for id_ in ids]


def _print(line: str, scorer: TableScorer, search: TitleSearch, k: int, as_json: bool) -> None:
    asked = [(one.sign, _find(one.text, search)) for one in terms(line, search.is_exact)]
    added, taken = _ids(asked, 1), _ids(asked, -1)
    if not added:
        raise ItemNotFound("nothing is added, only taken away. Write A - B.")
    found = scorer.similar(added, taken, k)
    by_id = {one.item_id: one for one in search.items}
    rows = [(by_id[id_], cosine) for id_, cosine in found]
    if as_json:
        listed = [
            {"rank": rank, **one._asdict(), "similarity": cosine}
            for rank, (one, cosine) in enumerate(rows, 1)
        ]
        print(json.dumps(listed, ensure_ascii=False, indent=1))
        return
    named = " ".join(
        f"{'' if place == 0 and sign > 0 else '+ ' if sign > 0 else '− '}{_said(one)}"
        for place, (sign, one) in enumerate(asked)
    )
    table = Table(title=f"similar to {named}", title_justify="left")
    for heading in ("rank", "id", "similarity"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("title")
    with_category = any(one.category for one, _ in rows)
    if with_category:
        table.add_column("category")
    for rank, (one, cosine) in enumerate(rows, 1):
        cells = [str(rank), str(one.item_id), f"{cosine:.6f}", one.title]
        table.add_row(*cells, *([_category(one)] if with_category else []))
    plain_console().print(table)


def _find(text: str, search: TitleSearch) -> NamedItem:
    try:
        return search.find(text)
    except ItemNotFound as error:
        if any(one.title for one in search.items):
            raise
        raise ItemNotFound(
            f"{error} No titles are known: training keeps those of get_item_titles or of [items] "
            "in NAME.training. Name a table with --database and --titles, or ask by id."
        ) from None


def _ids(asked: Sequence[tuple[int, NamedItem]], sign: int) -> list[Id]:
    return [one.item_id for own, one in asked if own == sign]


def _said(one: NamedItem) -> str:
    title = f' "{one.title}"' if one.title else ""
    return f"{one.item_id}{title}{f' {_category(one)}' if one.category else ''}"


def _category(one: NamedItem) -> str:
    """Return the categories as people read them: a line breaks between two of them."""
    return one.category.replace("|", ", ")
