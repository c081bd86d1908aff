"""What no function on the beat may do: it takes heap, or many times the cost of the plain form.

Measured on 32-bit MicroPython, on a Cortex-M3 and on an RP2040. Calls of builtins and methods are
known by name; everything else by its place in the syntax tree.
"""

import ast

from tests.structure.beat import definitions, reachable
from tests.structure.modules import Modules, running

SMALL_MAX = (1 << 30) - 1  # the largest integer that is not a heap object

BUILTINS = frozenset(
    "abs array bytearray bytes dict divmod enumerate filter format frozenset iter list map max "
    "memoryview min pow print repr reversed round set sorted str sum super tuple zip".split()
)
METHODS = frozenset(
    "append collect copy decode encode extend format from_bytes insert items join keys pack "
    "replace split strip time time_ns to_bytes unpack unpack_from values".split()
)

# (module, function, construct) that is right all the same, and why.
ALLOWED = {
    ("edge.controller", "_assemble.beat", "try"):
        "the one place where an internal error of any kind becomes a safe command",
    ("edge.controller", "Controller._rest", "try"):
        "after an internal error: the row that tells of it may fail too, the safe command may not",
}

# In the slow thinking, a few times in a slice of 60,000 instructions, these cost less than they
# save in bytecode; over arguments or an array they take no heap (hil bench: alloc_bytes).
THINKING = "edge.plan."
SHORTER = frozenset(("max()", "min()", "sum()"))

_NODES: dict[type[ast.AST], str] = {
    ast.AsyncFunctionDef: "function made",
    ast.ClassDef: "class made",
    ast.Dict: "dict",
    ast.DictComp: "comprehension",
    ast.FunctionDef: "function made",
    ast.GeneratorExp: "generator",
    ast.Import: "import",
    ast.ImportFrom: "import",
    ast.JoinedStr: "f-string",
    ast.Lambda: "lambda",
    ast.ListComp: "comprehension",
    ast.Raise: "raise",
    ast.Set: "set",
    ast.SetComp: "comprehension",
    ast.Slice: "slice",
    ast.Starred: "*args",
    ast.Try: "try",
    ast.With: "with",
    ast.Yield: "generator",
    ast.YieldFrom: "generator",
}


def wrong_on_beat(modules: Modules) -> list[str]:
    """Every such construct in a function the beat can reach, as "module:line: what"."""
    return [text for key, text in _findings(modules) if key not in ALLOWED
            and not (key[0].startswith(THINKING) and key[2] in SHORTER)]


def unused_allowances(modules: Modules) -> set[tuple[str, str, str]]:
    """Entries of ALLOWED that no longer allow anything."""
    return ALLOWED.keys() - {key for key, _ in _findings(modules)}


def _findings(modules: Modules) -> list[tuple[tuple[str, str, str], str]]:
    own = _own_names(modules)
    found = []
    for (module, path), function in reachable(modules).items():
        for line, what in _Reader(own).read(function):
            found.append(((module, path, what), f"{module}:{line}: {what} in {path}"))
    return found


class _Own:
    """The names the core itself gives: its classes, its functions, its attributes."""

    classes: set[str]
    functions: set[str]
    attributes: set[str]


def _own_names(modules: Modules) -> _Own:
    own = _Own()
    own.functions = {path.rpartition(".")[2] for (_, path), _ in definitions(modules)}
    nodes = [node for tree in modules.values() for node in running(tree)]
    own.classes = {node.name for node in nodes if isinstance(node, ast.ClassDef)}
    own.attributes = {
        node.attr
        for node in nodes
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store)
    }
    return own


class _Reader(ast.NodeVisitor):
    """Reads the body of one function; what it was defined with ran when it was defined."""

    def __init__(self, own: _Own):
        self.own = own
        self.found: list[tuple[int, str]] = []

    def read(self, function: ast.FunctionDef) -> list[tuple[int, str]]:
        if function.args.vararg or function.args.kwarg:
            self._note(function, "*args")
        for statement in function.body:
            self.visit(statement)
        return self.found

    def _note(self, node: ast.expr | ast.stmt | ast.AST, what: str) -> None:
        self.found.append((getattr(node, "lineno", 0), what))

    def generic_visit(self, node: ast.AST) -> None:
        if type(node) in _NODES:
            self._note(node, _NODES[type(node)])
        super().generic_visit(node)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        if node.value:
            self.visit(node.value)
        self.visit(node.target)

    def visit_Constant(self, node: ast.Constant) -> None:
        if isinstance(node.value, int) and abs(node.value) > SMALL_MAX:
            self._note(node, "integer beyond 31 bits")

    def visit_List(self, node: ast.List) -> None:
        self._sequence(node, "list")

    def visit_Tuple(self, node: ast.Tuple) -> None:
        if not all(isinstance(element, ast.Constant) for element in node.elts):
            self._sequence(node, "tuple")

    def _sequence(self, node: ast.List | ast.Tuple, what: str) -> None:
        if isinstance(node.ctx, ast.Load):
            self._note(node, what)
        super().generic_visit(node)

    def visit_Assign(self, node: ast.Assign) -> None:
        """`a, b = c, d` and the same with three are compiled without a tuple."""
        value = node.value
        for target in node.targets:
            self.visit(target)
        if (len(node.targets) == 1 and isinstance(node.targets[0], ast.Tuple)
                and isinstance(value, ast.Tuple) and len(value.elts) <= 3):
            for element in value.elts:
                self.visit(element)
        else:
            self.visit(value)

    def visit_BinOp(self, node: ast.BinOp) -> None:
        if isinstance(node.op, ast.Mod) and _is_text(node.left):
            self._note(node, "% formatting")
        elif isinstance(node.op, ast.Add) and (_is_text(node.left) or _is_text(node.right)):
            self._note(node, "text built")
        self.generic_visit(node)

    def visit_For(self, node: ast.For) -> None:
        """`for i in range(...)` is compiled to a counter if its step is plain to see; any other
        range is an object."""
        loop = node.iter
        if isinstance(loop, ast.Call) and _builtin(loop) == "range" and _has_plain_step(loop):
            for argument in loop.args:
                self.visit(argument)
        else:
            self.visit(loop)
        for part in [node.target, *node.body, *node.orelse]:
            self.visit(part)

    def visit_Call(self, node: ast.Call) -> None:
        name = _builtin(node)
        if name in BUILTINS:
            self._note(node, f"{name}()")
        elif name == "range":
            self._note(node, "range object")
        elif isinstance(node.func, ast.Attribute):
            name = node.func.attr
            if name in METHODS and name not in self.own.functions:
                self._note(node, f".{name}()")
        if name in self.own.classes:
            self._note(node, "object made")
        if any(keyword.arg is None for keyword in node.keywords):
            self._note(node, "*args")
        if isinstance(node.func, ast.Attribute):
            self.visit(node.func.value)  # called at once, so no bound method is made
        for part in [*node.args, *node.keywords]:
            self.visit(part)

    def visit_Attribute(self, node: ast.Attribute) -> None:
        own = self.own
        if (isinstance(node.ctx, ast.Load) and node.attr in own.functions
                and node.attr not in own.attributes):
            self._note(node, "bound method")
        self.generic_visit(node)


def _builtin(node: ast.Call) -> str:
    return node.func.id if isinstance(node.func, ast.Name) else ""


def _has_plain_step(node: ast.Call) -> bool:
    if len(node.args) < 3:
        return True
    step = node.args[2]
    if isinstance(step, ast.UnaryOp) and isinstance(step.op, ast.USub):
        step = step.operand
    return isinstance(step, ast.Constant)


def _is_text(node: ast.AST) -> bool:
    return isinstance(node, ast.JoinedStr) or (
        isinstance(node, ast.Constant) and isinstance(node.value, str | bytes)
    )
