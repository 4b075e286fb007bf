"""The description of the HTTP interface as a page that needs nothing else, for people."""

import html
import json
from collections.abc import Iterator
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
    needs_token = "security" in document
    for path, methods in document["paths"].items():
        for method, described in methods.items():
            yield f"<h2><b>{method.upper()}</b> {html.escape(path)}</h2>"
            yield f"<p>{html.escape(described['summary'])}</p>"
            if body := described.get("requestBody"):
                ((media, content),) = body["content"].items()
                token = "     -H 'Authorization: Bearer TOKEN' \\\n" if needs_token else ""
                command = (
                    f"curl -H 'Content-Type: {media}' \\\n{token}     -d "
                    f"'{json.dumps(content['example'])}' \\\n     {url}{path}"
                )
                yield f"<pre>{html.escape(command)}</pre>"
                yield "<table>"
                schema = content["schema"]
                # Of several forms, the first is the plain one.
                plain = schema.get("anyOf", [schema])[0]
                for name, schema in plain.get("properties", {}).items():
                    said = html.escape(schema.get("description", ""))
                    yield f"<tr><td><code>{html.escape(name)}</code></td><td>{said}</td></tr>"
                yield "</table>"
            yield "<table>"
            for status, response in described["responses"].items():
                said = html.escape(response["description"])
                yield f"<tr><td><code>{status}</code></td><td>{said}</td></tr>"
            yield "</table>"
