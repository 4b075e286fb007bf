"""The description of the HTTP interface as a page that needs nothing else, for people."""

import html
import json
from collections.abc import Iterable, Iterator
from typing import Any, Final

_STYLE: Final = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 46rem; margin: 2rem auto; padding: 0 1rem;
  color: #1b1b1f; background: #fff }
h2 { margin: 2.5rem 0 .3rem; font-size: 1.1rem; font-family: ui-monospace, monospace }
h2 b { display: inline-block; min-width: 4.5rem; color: #0b57d0 }
pre { background: #f3f4f7; padding: .8rem; overflow-x: auto; border-radius: .4rem; font-size: 14px }
table { border-collapse: collapse; width: 100% } td { padding: .25rem .6rem .25rem 0;
  vertical-align: top; border-top: 1px solid #e3e4e8 } td:first-child { white-space: nowrap }
@media (prefers-color-scheme: dark) { body { color: #e4e4e8; background: #17181c }
  pre { background: #23252b } td { border-color: #34363d } h2 b { color: #8ab4f8 } }
"""


def documentation_page(document: dict[str, Any], url: str) -> str:
    """Return an OpenAPI document as one page of HTML, which needs nothing else.

    Parameters
    ----------
    document : dict
        As `openapi` returned it.
    url : str
        Where the server is, for the examples; without a path.
    """
    title = html.escape(document["info"]["title"])
    described = html.escape(document["info"]["description"])
    parts = list(_sections(document, url))
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<style>{_STYLE}</style><h1>{title}</h1><p>{described} The same for programs: "
        f'<a href="/openapi.json">openapi.json</a>.</p>{"".join(parts)}</html>'
    )


def _sections(document: dict[str, Any], url: str) -> Iterator[str]:
    schemas = document["components"]["schemas"]
    token = "-H 'Authorization: Bearer TOKEN'" if "security" in document else ""
    for path, methods in document["paths"].items():
        for method, described in methods.items():
            yield f"<h2><b>{method.upper()}</b> {html.escape(path)}</h2>"
            yield f"<p>{html.escape(described['summary'])}</p>"
            said, sent = "" if method == "get" else f"-X {method.upper()}", ""
            properties: dict[str, Any] = {}
            if body := described.get("requestBody"):
                ((media, content),) = body["content"].items()
                said, sent = f"-H 'Content-Type: {media}'", json.dumps(content["example"])
                # Of several forms, the first is the plain one.
                plain = content["schema"].get("anyOf", [content["schema"]])[0]
                properties = _found(plain, schemas).get("properties", {})
            words = [said, token, f"-d '{sent}'" if sent else ""]
            words.append(url + _asked(path, described.get("parameters", [])))
            command = "curl " + " \\\n     ".join(filter(None, words))
            yield f"<pre>{html.escape(command)}</pre>"
            yield _table((name, one.get("description", "")) for name, one in properties.items())
            yield _table((code, one["description"]) for code, one in described["responses"].items())


def _found(schema: dict[str, Any], schemas: dict[str, Any]) -> dict[str, Any]:
    """Return a schema, looked up where it is a reference."""
    name = schema.get("$ref", "").rpartition("/")[2]
    return dict(schemas[name]) if name else schema


def _asked(path: str, parameters: list[dict[str, Any]]) -> str:
    """Return a path with something in each place of it."""
    for one in parameters:
        schema = one["schema"]
        path = path.replace(f"{{{one['name']}}}", str(schema.get("const", "1")))
    return path


def _table(rows: Iterable[tuple[str, str]]) -> str:
    lines = "".join(
        f"<tr><td><code>{html.escape(name)}</code></td><td>{html.escape(said)}</td></tr>"
        for name, said in rows
    )
    return f"<table>{lines}</table>" if lines else ""
