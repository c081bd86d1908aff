"""Fewer names in a build: the same program, whatever it calls its parameters."""

import ast

import pytest

from boards import build
from boards.names import given_by_name, read_elsewhere, shortened

TWISTED = """
const = int
BIT = const(4)
ODD = const(5)
_ODD = 1
TOLD = const(6)


def outer(first, second, *rest, kept=TOLD, **more):
    def inner(second, third=first, bound=second):
        first = third + BIT
        return lambda fourth, second=second: (first, second, third, fourth, bound, rest)

    def counts():
        nonlocal second
        second += ODD + _ODD
        return second, f"{kept}", [first for first in range(3)], more

    class Local:
        rest = 7

        def __call__(self, kept):
            return self.rest + kept

    if first:
        for first in range(first):
            kept += first
    return inner(1)(2), counts(), counts(), Local()(kept), first, second, rest, kept, more


def naps(error, os):
    import os
    try:
        raise ValueError(error)
    except ValueError as error:
        return str(error), os.sep


said = outer(3, 9, 8, 8, kept=2, other=1), outer(0, 1), naps(5, 6)
"""


def ran(text: str) -> dict:
    space: dict = {}
    exec(compile(text, "twisted", "exec"), space)
    return space


def test_scopes_and_closures_mean_the_same():
    tree = ast.parse(TWISTED)
    text = shortened(TWISTED, given_by_name(tree), {"TOLD"})
    assert ran(text)["said"] == ran(TWISTED)["said"]
    left = {node.arg for node in ast.walk(ast.parse(text)) if isinstance(node, ast.arg)}
    assert left == {"self", "kept", "second", "first", "rest", "error", "os", "fourth",
                    "_0", "_1", "_2", "_3"}
    assert {"_BIT", "ODD", "_ODD", "TOLD"} <= set(ran(text))
    assert "BIT" not in ran(text)


def test_calls_and_reads_are_found():
    tree = ast.parse("from edge.gate import PASSED\nopen(path, mode=msgpack.KIND)\nf(**keys)")
    assert given_by_name(tree) == {"mode"}
    assert read_elsewhere(tree) == {"PASSED", "KIND"}


@pytest.mark.parametrize("name", sorted(
    build.closure(["edge.app", "edge.command", "edge.fleet", "edge.evidence.keeper"])))
def test_of_a_module_nothing_but_names_changes(name):
    """Structure, texts and numbers stay, and what a call or another module may ask for."""
    before = list(ast.walk(ast.parse(build.lean(build.source(name)))))
    after = list(ast.walk(ast.parse(build.shortest(name))))
    assert [_told(node) for node in before] == [_told(node) for node in after]
    numbers = {new.arg for old, new in zip(before, after, strict=True)
               if isinstance(old, ast.arg) and isinstance(new, ast.arg) and old.arg != new.arg}
    assert all(number[0] == "_" and number[1:].isdigit() for number in numbers)


def _told(node: ast.AST) -> tuple[str, list]:
    """What a node is, and its texts and numbers, but for the name of a variable."""
    named = isinstance(node, ast.Name | ast.arg)
    return type(node).__name__, [] if named else [
        value for _, value in ast.iter_fields(node) if isinstance(value, str | int | bytes)]
