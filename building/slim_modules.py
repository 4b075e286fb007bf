"""Makes what the wheel holds: modules less their comments and docstrings.

Modules keep the first line of theirs. A device reads none, and they are a fifth of the bytes.
Line numbers stay as they are, so that a traceback names lines of the repository. Editable
installs take the modules as they stand.
"""

import ast
import io
import tempfile
import tokenize
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

_DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


def slim(source: str) -> str:
    """Return a module without comments; of docstrings it has its own first line."""
    lines = source.splitlines(keepends=True)
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            row, column = token.start
            lines[row - 1] = lines[row - 1][:column].rstrip() + "\n"
    tree = ast.parse(source)
    docstrings = [
        node.body[0]
        for node in ast.walk(tree)
        if isinstance(node, _DOCUMENTED)
        and ast.get_docstring(node) is not None
        # One that is all that a body has stays, or there would be no body.
        and (len(node.body) == 1 or isinstance(node, ast.Module))
    ]
    for node in ast.walk(tree):
        if not isinstance(node, ast.Expr) or not isinstance(node.value, ast.Constant):
            continue
        if not isinstance(node.value.value, str):
            continue
        first, last = node.lineno, node.end_lineno or node.lineno
        if node not in docstrings:  # of a class, a function or, below it, a field
            lines[first - 1 : last] = ["\n"] * (last - first + 1)
        elif last > first:
            lines[first - 1] = lines[first - 1].rstrip("\n") + '"""\n'
            lines[first:last] = ["\n"] * (last - first)
    slimmed = "".join(lines)
    ast.parse(slimmed)
    return slimmed


class CustomBuildHook(BuildHookInterface):  # type: ignore[misc]
    """Puts slim copies of the modules into the wheel."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Write the copies, and name them as the wheel's files."""
        if version == "editable":
            return
        self._folder = tempfile.TemporaryDirectory()
        root = Path(self.root)
        for path in sorted(root.rglob("*.py")):
            within = path.relative_to(root)
            copy = Path(self._folder.name, within)
            copy.parent.mkdir(exist_ok=True)
            copy.write_text(slim(path.read_text("utf-8")), "utf-8")
            build_data["force_include"][str(copy)] = str(within)

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Delete the copies."""
        if version != "editable":
            self._folder.cleanup()
