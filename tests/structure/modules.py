"""The project's source as syntax trees, and what each module imports. Nothing is executed."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

Modules = dict[str, ast.Module]


def load(root: Path, *packages: str) -> Modules:
    """Parse every module below `root/package`, by its dotted name."""
    found = {}
    for package in packages:
        for path in sorted((root / package).rglob("*.py")):
            parts = path.relative_to(root).with_suffix("").parts
            name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
            found[name] = ast.parse(path.read_text(encoding="utf-8"), str(path))
    return found


@dataclass(frozen=True)
class Import:
    """`target` is the full name; `from a import b` counts as an import of `a` and of `a.b`."""

    target: str
    line: int
    may_be_name: bool = False  # `a.b` of `from a import b`: a module, or just a name in one


def imports(name: str, tree: ast.Module, is_package: bool = False) -> Iterator[Import]:
    """Every import that runs, wherever it stands; those for a type checker alone do not."""
    for node in running(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(alias.name, node.lineno)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parts = name.split(".")
                keep = len(parts) - node.level + is_package
                base = ".".join([*parts[:keep], *([base] if base else [])])
            if base:
                yield Import(base, node.lineno)
            for alias in node.names:
                full = f"{base}.{alias.name}" if base else alias.name
                yield Import(full, node.lineno, may_be_name=bool(base))
        elif called(node) in ("__import__", "import_module"):
            assert isinstance(node, ast.Call)
            yield Import(_first_words(node.args[0]) if node.args else "?", node.lineno)


def running(node: ast.AST) -> Iterator[ast.AST]:
    """Every node below (and with) `node`, less what stands under `if TYPE_CHECKING:`."""
    yield node
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and name_of(child.test) == "TYPE_CHECKING":
            for other in child.orelse:
                yield from running(other)
        else:
            yield from running(child)


def called(node: ast.AST) -> str:
    """The last name of what `node` calls, "" if it is no call."""
    return name_of(node.func) if isinstance(node, ast.Call) else ""


def name_of(node: ast.AST) -> str:
    """`b` of `a.b` and of `b`, "" of anything else."""
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def _first_words(node: ast.AST) -> str:
    """The text a computed module name begins with, "?" if it begins with something computed."""
    while isinstance(node, ast.BinOp):
        node = node.left
    if isinstance(node, ast.JoinedStr) and node.values:
        node = node.values[0]
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    return "?"
