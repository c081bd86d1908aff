"""Which functions of the core the beat can reach, found from the syntax tree.

From the beat on, a call of any name reaches every function and method of that name in the modules
that the controller and the site's parts are built from; and whatever is named there without
being called (a method bound beforehand, a function in a table) may be called by the beat under any
name. That is more than ever runs, never less, but for objects handed in from outside those modules.
The runs on a real MicroPython with its heap locked are the other half of the proof.
"""

import ast
from collections.abc import Iterator

from tests.structure.modules import Modules, called, imports, name_of, running

START = ("edge.controller", "_assemble.beat")
ROOTS = ("edge.controller", "edge.site")

Key = tuple[str, str]  # (module, "Class.function" or "function")


def reachable(modules: Modules) -> dict[Key, ast.FunctionDef]:
    """Every function the beat can reach. Constructors are not followed: making an object on the
    beat is a finding of its own."""
    methods: dict[str, list[Key]] = {}
    functions: dict[str, list[Key]] = {}
    near = built_from(modules)
    nodes = dict(definitions(near))
    for module, path in nodes:
        owner, _, name = path.rpartition(".")
        if name != "__init__":
            (methods if _is_class(owner) else functions).setdefault(name, []).append((module, path))
    waiting = [START]
    for named in named_not_called(near):
        waiting += functions.get(name_of(named), [])
        if isinstance(named, ast.Attribute):
            waiting += methods.get(named.attr, [])
    reached = {key: nodes[key] for key in waiting}
    while waiting:
        for node in running(nodes[waiting.pop()]):
            name = called(node)
            keys = functions.get(name, [])
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                keys = keys + methods.get(name, [])
            for key in keys:
                if key not in reached:
                    reached[key] = nodes[key]
                    waiting.append(key)
    return reached


def named_not_called(modules: Modules) -> Iterator[ast.Attribute | ast.Name]:
    """Every name and attribute that is read without being called at once."""
    for tree in modules.values():
        nodes = list(running(tree))
        calls = {id(node.func) for node in nodes if isinstance(node, ast.Call)}
        for node in nodes:
            if (isinstance(node, ast.Attribute | ast.Name) and isinstance(node.ctx, ast.Load)
                    and id(node) not in calls):
                yield node


def built_from(modules: Modules) -> Modules:
    """The roots and all they import, directly or not; `edge.rules.` stands for every rule."""
    near: Modules = {}
    waiting = [name for name in ROOTS if name in modules]
    while waiting:
        name = waiting.pop()
        if name in near:
            continue
        near[name] = modules[name]
        for item in imports(name, modules[name]):
            if item.target.endswith("."):
                waiting += [other for other in modules if other.startswith(item.target)]
            elif item.target in modules:
                waiting.append(item.target)
    return near


def definitions(modules: Modules) -> Iterator[tuple[Key, ast.FunctionDef]]:
    """Every function of a module, every method of its classes, under an `if` or not, and every
    function that another one makes: the parts of the beat are bound so."""
    for module, tree in modules.items():
        for node in running(tree):
            prefix = f"{node.name}." if isinstance(node, ast.ClassDef | ast.FunctionDef) else ""
            if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.Module | ast.If | ast.Try):
                for child in ast.iter_child_nodes(node):
                    if isinstance(child, ast.FunctionDef):
                        yield (module, prefix + child.name), child


def _is_class(owner: str) -> bool:
    return owner.lstrip("_")[:1].isupper()
