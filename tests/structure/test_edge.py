"""What holds the house together, proven from the syntax tree of every module, running none.

Every check is also shown a snippet that breaks it: a check that cannot fail proves nothing.
"""

import ast
import statistics
from pathlib import Path

import pytest

from tests.conftest import ROOT, Interpreter
from tests.structure.dialect import wrong_dialect
from tests.structure.directions import wrong_async, wrong_imports
from tests.structure.modules import Modules, load

PACKAGES = ("edge", "boards", "hil", "cloud_bridge", "tools", "tests")
LINES_MAX = 300
CORE_MEDIAN_MAX = 90


@pytest.fixture(scope="module")
def project() -> Modules:
    return load(ROOT, *PACKAGES)


@pytest.fixture(scope="module")
def edge(project: Modules) -> Modules:
    return {name: tree for name, tree in project.items() if name.split(".")[0] == "edge"}


def test_imports_go_one_way(project: Modules) -> None:
    assert wrong_imports(project) == []


def test_only_the_app_awaits(edge: Modules) -> None:
    assert wrong_async(edge) == []


def test_the_core_speaks_the_dialect_of_a_gateway(edge: Modules) -> None:
    assert len(edge) > 10, "the core was not found"
    assert wrong_dialect(edge) == []


def test_the_core_parses_on_a_gateway(micropython: Interpreter, tmp_path: Path) -> None:
    script = tmp_path / "parse.py"
    script.write_text(
        "import sys\n"
        "for path in sys.argv[1:]:\n"
        "    try:\n"
        "        compile(open(path).read(), path, 'exec')\n"
        "    except SyntaxError as error:\n"
        "        print(path, error)\n"
    )
    broken = tmp_path / "broken.py"
    broken.write_text("match x:\n    case 1: pass\n")
    paths = sorted((ROOT / "edge").rglob("*.py"))
    said = micropython.run(script, *paths, broken, heap="4m").stdout.splitlines()
    assert [line.split()[0] for line in said] == [str(broken)], "only the planted file may fail"


def test_files_stay_small(capsys: pytest.CaptureFixture[str]) -> None:
    lines = {
        str(path.relative_to(ROOT)): len(path.read_text(encoding="utf-8").splitlines())
        for package in PACKAGES
        for path in (ROOT / package).rglob("*.py")
    }
    medians = {
        package: statistics.median(n for path, n in lines.items() if n and path.startswith(package))
        for package in PACKAGES
    }
    with capsys.disabled():
        shown = ", ".join(f"{package} {median:g}" for package, median in medians.items())
        print(f"\n{len(lines)} files, longest {max(lines.values())} lines, median: {shown}")
    assert {path: n for path, n in lines.items() if n > LINES_MAX} == {}
    assert medians["edge"] <= CORE_MEDIAN_MAX


IMPORTS = [
    ("edge.x", "import hil.rig", "edge imports hil.rig"),
    ("edge.x", "def f():\n    from boards import site", "boards"),
    ("edge.x", "from cloud_bridge.store import Store", "cloud_bridge.store"),
    ("edge.x", "import tests.conftest", "tests.conftest"),
    ("edge.x", "import datetime", "datetime"),
    ("edge.x", "try:\n    from typing import Any\nexcept ImportError:\n    pass", "typing"),
    ("edge.x", "from dataclasses import dataclass", "dataclasses"),
    ("edge.x", "import asyncio", "asyncio"),
    ("edge.x", "import machine", "machine"),
    ("edge.x", "__import__('boards.' + name)", "boards."),
    ("edge.x", "__import__(name)", "edge imports ?"),
    ("edge.x", "from .. import hil", "edge imports hil"),
    ("edge.x", "from edge import app", "only boards and hil start"),
    ("boards.x", "import hil", "boards imports hil"),
    ("boards.x", "from tests import conftest", "boards imports tests"),
    ("cloud_bridge.x", "from edge import app", "only boards and hil start"),
    ("cloud_bridge.x", "import edge.app", "only boards and hil start"),
    ("cloud_bridge.x", "from boards.site import read", "cloud_bridge imports boards"),
    ("cloud_bridge.x", "import hil.demo", "cloud_bridge imports hil"),
    ("cloud_bridge.x", "from edge.app import main", "only boards and hil start"),
    ("tools.x", "import edge", "tools imports edge"),
]


@pytest.mark.parametrize(("name", "source", "said"), IMPORTS)
def test_each_wrong_import_is_named(name: str, source: str, said: str) -> None:
    found = wrong_imports({name: ast.parse(source)})
    assert found
    assert any(said in text for text in found)


@pytest.mark.parametrize(("name", "source"), [
    ("edge.x", "from edge.compat import const\nimport struct\nfrom collections import deque"),
    ("edge.x", "from edge.compat import TYPE_CHECKING\nif TYPE_CHECKING:\n    import typing"),
    ("edge.x", "__import__('edge.rules.' + name)"),
    ("edge.app", "import asyncio"),
    ("boards.x", "import edge.app\nimport tomllib"),
    ("hil.x", "from boards import emulator\nfrom edge import gate"),
    ("cloud_bridge.x", "from edge.wire import batch\nimport sqlite3"),
])
def test_right_imports_pass(name: str, source: str) -> None:
    assert wrong_imports({name: ast.parse(source)}) == []


@pytest.mark.parametrize("source", [
    "async def f():\n    pass",
    "async def f():\n    async with x:\n        pass",
])
def test_async_elsewhere_is_named(source: str) -> None:
    assert wrong_async({"edge.x": ast.parse(source)})
    assert not wrong_async({"edge.app": ast.parse(source)})


@pytest.mark.parametrize(("source", "said"), [
    ("x = 0.5", "float literal"),
    ("x = 1e3", "float literal"),
    ("x = 2j", "float literal"),
    ("x = a / b", "true division"),
    ("x /= b", "true division"),
    ("x = float(a)", "float"),
    ("class A:\n    @property\n    def x(self):\n        return 1", "property"),
    ("class A:\n    @x.setter\n    def x(self, v):\n        pass", "property"),
    ("match a:\n    case 1:\n        pass", "match"),
    ("try:\n    f()\nexcept* OSError:\n    pass", "except*"),
    ("try:\n    f()\nexcept:\n    pass", "bare except"),
    ("def f(a, /):\n    pass", "positional-only"),
    ("x = {**a}", "{**d}"),
    ("x = [*a, 1]", "[*l]"),
    ("class A(metaclass=M):\n    pass", "metaclass"),
    ("A, B = const(1), const(2)", "const in a tuple"),
    ("class A:\n    __slots__ = ('a',)", "__slots__"),
    ("class A:\n    def __init_subclass__(cls):\n        pass", "__init_subclass__"),
    ("async def f():\n    return [x async for x in y]", "async comprehensions"),
])
def test_each_foreign_construct_is_named(source: str, said: str) -> None:
    found = wrong_dialect({"edge.x": ast.parse(source)})
    assert any(said in text for text in found), found


def test_plain_code_is_let_pass() -> None:
    source = "def f(a: int, *, b=1) -> int:\n    '''1.5 of it'''\n    x = [a]\n    return x[0] // b"
    assert wrong_dialect({"edge.x": ast.parse(source)}) == []
