"""Names that a gateway need not hold: parameters, and constants that only their module reads.

MicroPython keeps every name it meets for good, and its table of them doubles. No traceback tells a
parameter's name, so a build numbers them (`_0`, `_1` ...), but for those that a call gives by name.
A constant is folded into the bytecode once its name begins with an underscore.
"""

import ast
from collections.abc import Iterable, Iterator, Mapping, Set

_Scope = Mapping[str, str]  # parameter -> number
_Edit = tuple[int, int, str, str]  # line, column in bytes, old name, new one
_Function = ast.FunctionDef | ast.AsyncFunctionDef
_NAMED = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ExceptHandler)


def given_by_name(tree: ast.AST) -> set[str]:
    """Parameters that calls of this module name."""
    return {node.arg for node in ast.walk(tree) if isinstance(node, ast.keyword) and node.arg}


def read_elsewhere(tree: ast.AST) -> set[str]:
    """What this module may read of others."""
    imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)
                for alias in node.names}
    return imported | {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}


def shortened(text: str, by_name: Set[str], read: Set[str], numbered: Mapping[str, str]) -> str:
    """The same program with fewer names. `by_name`: parameters that keep theirs; `read`: constants
    that do; `numbered`: attributes and their new names."""
    tree = ast.parse(text)
    edits = [*_constants(tree, read), *_parameters([tree], {}, by_name),
             *_attributes(tree, numbered)]
    lines = [line.encode() for line in text.splitlines(keepends=True)]
    for number, column, old, new in sorted(edits, reverse=True):
        line = lines[number - 1]
        lines[number - 1] = line[:column] + new.encode() + line[column + len(old):]
    return b"".join(lines).decode()


def _constants(tree: ast.Module, read: Set[str]) -> Iterator[_Edit]:
    names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    kept = read | _in_texts(tree)
    alone = {name for name in map(_constant, tree.body)
             if name and name[0] != "_" and name not in kept and "_" + name not in names}
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and node.id in alone:
            yield node.lineno, node.col_offset, node.id, "_" + node.id


def _constant(node: ast.stmt) -> str:
    """The name of a constant that is defined here, if one is."""
    if (isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
            and isinstance(node.value, ast.Call) and isinstance(node.value.func, ast.Name)
            and node.value.func.id == "const"):
        return node.targets[0].id
    return ""


def _attributes(tree: ast.Module, numbered: Mapping[str, str]) -> Iterator[_Edit]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr in numbered:
            column = (node.end_col_offset or 0) - len(node.attr)
            yield node.end_lineno or 0, column, node.attr, numbered[node.attr]


def _parameters(nodes: Iterable[ast.AST], scope: _Scope, by_name: Set[str]) -> Iterator[_Edit]:
    """The edits of these nodes and all below, inside functions whose parameters are in `scope`."""
    for node in nodes:
        if isinstance(node, ast.Name) and node.id in scope:
            yield node.lineno, node.col_offset, node.id, scope[node.id]
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield from _parameters([*node.decorator_list, node.args], scope, by_name)
            yield from _function(node, scope, by_name)
        elif isinstance(node, ast.Lambda):
            own = {each.arg for each in _arguments(node)}
            yield from _parameters([node.args], scope, by_name)
            yield from _parameters([node.body], _without(scope, own), by_name)
        else:
            yield from _parameters(ast.iter_child_nodes(node), scope, by_name)


def _function(node: _Function, scope: _Scope, by_name: Set[str]) -> Iterator[_Edit]:
    kept = by_name | _unclear(node) | {"self"}
    first = 1 + max((int(number[1:]) for number in scope.values()), default=-1)
    renamed = [each for each in _arguments(node) if each.arg not in kept]
    numbers = {each.arg: f"_{first + at}" for at, each in enumerate(renamed)}
    for each in renamed:
        yield each.lineno, each.col_offset, each.arg, numbers[each.arg]
    own = {each.arg for each in _arguments(node)} | set(_stored(node.body))
    yield from _parameters(node.body, {**_without(scope, own), **numbers}, by_name)


def _arguments(node: "_Function | ast.Lambda") -> list[ast.arg]:
    told = node.args
    more = [each for each in (told.vararg, told.kwarg) if each]
    return [*told.posonlyargs, *told.args, *told.kwonlyargs, *more]


def _without(scope: _Scope, names: Set[str]) -> dict[str, str]:
    return {name: number for name, number in scope.items() if name not in names}


def _stored(nodes: Iterable[ast.AST]) -> Iterator[str]:
    """The variables that are bound here, but in inner functions."""
    for node in nodes:
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id
        elif not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            yield from _stored(ast.iter_child_nodes(node))


def _unclear(function: _Function) -> set[str]:
    """Names that a part of the function binds by another way than an assignment: they are left."""
    found = _in_texts(function)
    for node in ast.walk(function):
        if isinstance(node, ast.Nonlocal | ast.Global):
            found.update(node.names)
        elif isinstance(node, ast.comprehension):
            found.update(_stored([node.target]))
        elif isinstance(node, ast.ClassDef):
            found.update(_stored(node.body), [node.name])
        elif isinstance(node, _NAMED) and node.name:
            found.add(node.name)
        elif isinstance(node, ast.alias):
            found.add((node.asname or node.name).partition(".")[0])
    return found


def _in_texts(tree: ast.AST) -> set[str]:
    """What is read inside f-strings, where CPython 3.11 does not tell the place."""
    return {node.id for text in ast.walk(tree) if isinstance(text, ast.JoinedStr)
            for node in ast.walk(text) if isinstance(node, ast.Name)}
