"""What no file of the portable core may say: it would not parse, or mean the same, on a gateway."""

import ast

from tests.structure.modules import Modules, running

_DIVISION = "true division makes a float; use //"
ALLOWED = {
    ("edge.app", _DIVISION),  # asyncio.sleep on CPython takes seconds; MicroPython's has sleep_ms
}


def wrong_dialect(modules: Modules) -> list[str]:
    """Every forbidden construct in the core, as "module:line: what"."""
    return [
        f"{name}:{getattr(node, 'lineno', 0)}: {what}"
        for name, tree in modules.items()
        for node in running(tree)
        if (what := _objection(node)) and (name, what) not in ALLOWED
    ]


def _objection(node: ast.AST) -> str:
    match node:
        case ast.Constant(value=float() | complex()):
            return "float literal (boards have single floats, desktops double ones)"
        case ast.BinOp(op=ast.Div()) | ast.AugAssign(op=ast.Div()):
            return _DIVISION
        case ast.Call(func=ast.Name(id="float" | "complex")):
            return "float"
        case ast.FunctionDef() if any(_is_property(item) for item in node.decorator_list):
            return "property: every store to an object of this class costs five times as much"
        case ast.Match():
            return "match does not parse"
        case ast.TryStar():
            return "except* does not parse"
        case ast.ExceptHandler(type=None):
            return "bare except hides a bug"
        case ast.arguments(posonlyargs=[_, *_]):
            return "positional-only / does not parse"
        case ast.Dict(keys=keys) if None in keys:
            return "{**d} does not parse"
        case ast.List(elts=elements, ctx=ast.Load()) if any(
            isinstance(element, ast.Starred) for element in elements
        ):
            return "[*l] does not parse"
        case ast.ClassDef(keywords=[_, *_]):
            return "class keywords (metaclass) do not work"
        case ast.Assign(value=ast.Tuple(elts=[ast.Call(func=ast.Name(id="const")), *_])):
            return "const in a tuple is not folded: one a line"
        case ast.Assign(targets=[ast.Name(id="__slots__")]):
            return "__slots__ has no effect"
        case ast.FunctionDef(name="__set_name__" | "__init_subclass__" | "__class_getitem__"):
            return f"{node.name} is never called"
        case ast.comprehension(is_async=1):
            return "async comprehensions do not parse"
    return ""


def _is_property(decorator: ast.AST) -> bool:
    match decorator:
        case ast.Name(id="property" | "cached_property"):
            return True
        case ast.Attribute(attr="setter" | "getter" | "deleter" | "cached_property"):
            return True
    return False
