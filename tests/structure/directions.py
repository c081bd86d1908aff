"""Imports go one way: hil -> boards -> cloud_bridge -> edge; the tests may use all."""

import ast

from tests.structure.modules import Modules, imports, running

# What the portable core may import beside itself: there on CPython and on MicroPython 1.22.
STDLIB = frozenset(
    "array binascii collections errno gc hashlib io json micropython os random select socket "
    "struct sys time".split()
)
TLS_HOME = "edge.tls_port"  # `tls` is MicroPython's alone; a host has its own in boards/host_tls.py
ASYNC_HOME = "edge.app"  # the one module that may await, and the only one to know asyncio

# What each package may import of the project.
MAY = {
    "edge": {"edge"},
    "boards": {"boards", "edge", "cloud_bridge"},  # factor sets, and the terms of a ledger
    "hil": {"hil", "boards", "edge", "cloud_bridge"},  # a rig holds the whole, bridge included
    "cloud_bridge": {"cloud_bridge", "edge"},
    "tools": {"tools"},
    "tests": {"tests", "edge", "boards", "hil", "cloud_bridge", "tools"},
}
APP_USERS = {"boards", "hil", "tests"}  # who may start the firmware's event loop


def wrong_imports(modules: Modules) -> list[str]:
    """Every import that goes the wrong way, as "module:line: what"."""
    found = []
    packages = {name for name in modules if any(n.startswith(name + ".") for n in modules)}
    for name, tree in modules.items():
        package = name.split(".")[0]
        for item in imports(name, tree, name in packages):
            top = item.target.split(".")[0]
            place = f"{name}:{item.line}"
            if package == "edge" and not item.may_be_name and not _core_may(name, top):
                found.append(f"{place}: edge imports {item.target}")
            elif top in MAY and top not in MAY[package]:
                found.append(f"{place}: {package} imports {item.target}")
            elif _is_app(item.target) and package not in APP_USERS and name != ASYNC_HOME:
                found.append(f"{place}: only boards and hil start {ASYNC_HOME}")
    return found


def wrong_async(modules: Modules) -> list[str]:
    """Every `async` or `await` in the core outside its one home."""
    waits = (ast.AsyncFunctionDef, ast.AsyncFor, ast.AsyncWith, ast.Await)
    return [
        f"{name}:{node.lineno}: async outside {ASYNC_HOME}"
        for name, tree in modules.items()
        if name.split(".")[0] == "edge" and name != ASYNC_HOME
        for node in running(tree)
        if isinstance(node, waits)
    ]


def _core_may(name: str, top: str) -> bool:
    return (top in STDLIB or top == "edge" or (top == "asyncio" and name == ASYNC_HOME)
            or (top == "tls" and name == TLS_HOME))


def _is_app(target: str) -> bool:
    return target == ASYNC_HOME or target.startswith(ASYNC_HOME + ".")
