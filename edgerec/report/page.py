"""Writes a page as one HTML file that asks for nothing else."""

import base64
import hashlib
import re
from pathlib import Path
from typing import Final

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from edgerec.files import replace_file
from edgerec.report.content import Figure, MapChart, Page
from edgerec.report.drawing import draw
from edgerec.report.map_drawing import draw_map

# Control characters have no place in HTML; a half of a surrogate pair cannot be written at all.
_UNPRINTABLE: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")


def _printable(value: object) -> object:
    if isinstance(value, str) and not isinstance(value, Markup):
        return _UNPRINTABLE.sub("\N{REPLACEMENT CHARACTER}", value)
    return value


def _drawn(figure: Figure, key: str) -> Markup:
    chart, title = figure.chart, figure.description
    drawn = draw_map(chart, title, key) if isinstance(chart, MapChart) else draw(chart, title, key)
    # ElementTree has escaped every text in it.
    return Markup(_printable(drawn))


def _breakable(name: str) -> Markup:
    """Let a long name of code break behind its underscores and dots.

    >>> _breakable("a_b<c")
    Markup('a_<wbr>b&lt;c')
    """
    parts = re.split("(?<=[_.])(?=.)", str(_printable(name)))
    return Markup("<wbr>").join(parts)


def _policy(style: str) -> str:
    """Return a content security policy that allows this style sheet and nothing else.

    >>> _policy("")
    "default-src 'none'; img-src data:; style-src 'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm...'"
    """
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return f"default-src 'none'; img-src data:; style-src 'sha256-{digest}'"


def html(page: Page) -> str:
    """Return the page as HTML; the same page is the same text."""
    environment = Environment(
        loader=PackageLoader("edgerec.report"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_printable,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.tests["kind"] = lambda block, name: type(block).__name__ == name
    environment.globals["drawn"] = _drawn
    environment.globals["breakable"] = _breakable
    style = environment.get_template("page.css").render().strip()
    return environment.get_template("page.html").render(
        page=page, style=Markup(style), policy=_policy(style)
    )


def write_page(page: Page, path: str | Path) -> int:
    """Write the page whole and return its size in bytes.

    Raises
    ------
    StorageError
        The place cannot be written to, or the disk is full.
    """
    target = Path(path)
    data = html(page).encode("utf-8")
    target.parent.mkdir(parents=True, exist_ok=True)
    replace_file(target, lambda temporary: temporary.write_bytes(data))
    return len(data)
