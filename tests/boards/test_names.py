"""Fewer names in a build: the same program, whatever it calls its parameters."""

import ast

import pytest

from boards import build
from boards.attributes import numbered
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
    text = shortened(TWISTED, given_by_name(tree), {"TOLD"}, {})
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


FAMILY = {
    "edge.base": """
class Base:
    def __init__(self):
        self._base, self._both, self._spelled = 1, 2, 4
    def _run(self):
        return self._base, getattr(self, "_spelled")
""",
    "edge.child": """
from edge.base import Base
class Child(Base):
    def __init__(self):
        Base.__init__(self)
        self._child = [1, self._both]; self._run = 3
    def all(self):
        return self._base, self._child, self._both, self._run
""",
    "edge.alone": "class Alone:\n    def put(self, other):\n        self._mine = other._shared",
    "edge.other": "class Other:\n    def __init__(self):\n        self._shared = self._own = 1",
    "edge.beat": "class Beat:\n    def __init__(self):\n        self._fast = 1"}


def test_attributes_of_one_object_have_numbers_of_their_own():
    """A base's and its child's; not a method's name, a spelled one, or one that others read."""
    trees = {name: ast.parse(text) for name, text in FAMILY.items()}
    family = {"_base": "_0", "_both": "_1", "_child": "_2"}
    assert numbered(trees, {"edge.beat"}) == {
        "edge.base": family, "edge.child": family, "edge.alone": {"_mine": "_0"},
        "edge.other": {"_own": "_0"}}
    assert shortened(FAMILY["edge.child"], set(), set(), family).endswith("""
        self._2 = [1, self._1]; self._run = 3
    def all(self):
        return self._0, self._2, self._1, self._run
""")


@pytest.mark.parametrize("name", sorted(build.closure(
    ["edge.app", "edge.command", "edge.fleet", "edge.evidence.keeper", "edge.mqtt5_client"])))
def test_of_a_module_nothing_but_names_changes(name):
    """Structure, texts and numbers stay, and what a call or another module may ask for."""
    before = list(ast.walk(ast.parse(build.lean(build.source(name)))))
    after = list(ast.walk(ast.parse(build.shortest(name))))
    assert [_told(node) for node in before] == [_told(node) for node in after]
    numbers = {new.arg for old, new in zip(before, after, strict=True)
               if isinstance(old, ast.arg) and isinstance(new, ast.arg) and old.arg != new.arg}
    assert all(number[0] == "_" and number[1:].isdigit() for number in numbers)


def _told(node: ast.AST) -> tuple[str, list]:
    """What a node is, and its texts and numbers, but for what may be renamed."""
    named = isinstance(node, ast.Name | ast.arg) or (
        isinstance(node, ast.Attribute) and node.attr[0] == "_" and node.attr[:2] != "__")
    return type(node).__name__, [] if named else [
        value for _, value in ast.iter_fields(node) if isinstance(value, str | int | bytes)]
