"""A small mutator: one expression or statement of one function becomes another.

Sources are compared as syntax trees, so that spaces and line breaks do not matter.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass
from pathlib import Path


class NotFoundError(LookupError):
    """The code to be changed is not there, or more than once: choose the bug anew."""


@dataclass(frozen=True)
class Bug:
    """In `function` of `file` (below edge/), `before` becomes `after`."""

    file: str
    function: str
    before: str
    after: str

    def plant(self, root: Path) -> None:
        """Put the bug into the copy of the project at `root`."""
        path = root / "edge" / self.file
        tree = ast.parse(path.read_text(encoding="utf-8"))
        changer = _Changer(ast.parse(self.before).body[0], ast.parse(self.after).body[0])
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef) and node.name == self.function:
                changer.visit(node)
        if changer.count != 1:
            raise NotFoundError(f"{self}: found {changer.count} times")
        path.write_text(ast.unparse(tree), encoding="utf-8")


class _Changer(ast.NodeTransformer):
    def __init__(self, before: ast.stmt, after: ast.stmt) -> None:
        self.count = 0
        expression = isinstance(before, ast.Expr) and isinstance(after, ast.Expr)
        self._before: ast.AST = before.value if expression else before  # type: ignore[attr-defined]
        self._after: ast.AST = after.value if expression else after  # type: ignore[attr-defined]
        self._source = ast.unparse(self._before)

    def visit(self, node: ast.AST) -> ast.AST:
        if type(node) is type(self._before) and ast.unparse(node) == self._source:
            self.count += 1
            return self._after
        return self.generic_visit(node)
