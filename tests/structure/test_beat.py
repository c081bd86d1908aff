"""The beat takes no heap and hides no time: proven on edge/, and the proof itself put to the test.

Each snippet below is judged twice: by the check, which must name it, and by a real MicroPython
with its heap locked, which must agree that it takes heap, or that it takes none.
"""

import ast
from pathlib import Path

import pytest

from tests.conftest import ROOT, Interpreter
from tests.structure.beat import reachable
from tests.structure.modules import Modules, load
from tests.structure.thrift import unused_allowances, wrong_on_beat

# name: (body of a function of `a` and `o`, what the check calls it)
TAKES_HEAP = {
    "f_string": ('return f"{a}"', "f-string"),
    "percent": ('return "%d" % a', "% formatting"),
    "format_method": ('return "{}".format(a)', ".format()"),
    "text_sum": ('return o.text + "!"', "text built"),
    "text_of": ("return str(a + 70000)", "str()"),
    "tuple_returned": ("return a, o", "tuple"),
    "four_at_once": ("a, b, c, d = o.x, o.y, a, a", "tuple"),
    "list_made": ("return [a]", "list"),
    "dict_made": ("return {1: a}", "dict"),
    "set_made": ("return {a}", "set"),
    "list_comprehension": ("return [x for x in o.listed]", "comprehension"),
    "generator": ("return (x for x in o.listed)", "generator"),
    "lambda_made": ("return lambda: a", "lambda"),
    "closure": ("def inner():\n    return 1\nreturn inner()", "function made"),
    "slice": ("return o.buffer[1:3]", "slice"),
    "star_call": ("return o.many(*o.listed)", "*args"),
    "enumerate": ("for i, x in enumerate(o.listed):\n    a += i * x", "enumerate()"),
    "zip": ("for x, y in zip(o.listed, o.listed):\n    a += x * y", "zip()"),
    "divmod": ("return divmod(a, 3)", "divmod()"),
    "range_kept": ("return range(a)", "range object"),
    "range_step": ("for i in range(0, 9, a + 1):\n    a += i", "range object"),
    "raise": ('raise ValueError("x")', "raise"),
    "object": ("return Thing()", "object made"),
    "bound_method": ("return o.plain", "bound method"),
    "unpacked": ('return o.unpack("<h", o.buffer)', ".unpack()"),
}
COSTS_TIME = {
    "min": ("return min(a, 2)", "min()"),
    "max": ("return max(a, 2)", "max()"),
    "abs": ("return abs(a)", "abs()"),
    "try": ("try:\n    return a\nexcept OSError:\n    return 0", "try"),
    "beyond_31_bits": ("return 1073741824", "integer beyond 31 bits"),
    "late_import": ("import sys\nreturn a", "import"),
}
IS_FREE = {
    "swap": "a, b = o.x, a\nreturn b",
    "three_at_once": "o.x, o.y, b = a, o.x, o.y",
    "constant_tuple": "return (1, 2)",
    "member": "return a in (1, 2, 3)",
    "counter": "for i in range(a):\n    o.x += i",
    "counter_down": "for i in range(a, 0, -1):\n    o.x += i",
    "over_a_list": "for x in o.listed:\n    o.x += x",
    "over_an_array": "for x in o.numbers:\n    o.x += x",
    "method": "return o.plain()",
    "keyword": "return o.scaled(a, by=2)",
    "indexed": "o.buffer[1] = a & 255\nreturn o.numbers[0]",
    "compared": 'return o.text == "grid_w" and 0 <= a <= 5',
    "conditional": "return a if a > 0 else -a",
}
BAD = TAKES_HEAP | COSTS_TIME

THING = '''
class Thing:
    def __init__(self):
        self.x = self.y = 1
        self.text = "grid_w"
        self.listed = [1, 2, 3]
        self.buffer = bytearray(8)
        self.numbers = array("i", [1, 2, 3])
        self.unpack = unpack

    def plain(self):
        return 1

    def scaled(self, a, by=1):
        return a * by

    def many(self, *all):
        return 1
'''


def site_with(body: str, calls: str = "self.part.step(1, 2)", imports: str = "import edge.part",
              function: str = "step") -> Modules:
    """A core whose beat calls `calls`, with a part whose one method has the given body."""
    lines = "".join(f"        {line}\n" for line in body.splitlines())
    part = f"class Part:\n    def {function}(self, a, o):\n{lines}{THING}"
    beat = f"def _assemble(self):\n    def beat():\n        {calls}\n"
    return {
        "edge.controller": ast.parse(beat),
        "edge.site": ast.parse(imports),
        "edge.part": ast.parse(part),
    }


@pytest.fixture(scope="module")
def edge() -> Modules:
    return load(ROOT, "edge")


def test_the_beat_takes_no_heap_and_hides_no_time(edge: Modules) -> None:
    assert wrong_on_beat(edge) == []


def test_every_allowance_is_still_needed(edge: Modules) -> None:
    assert unused_allowances(edge) == set()


def test_the_beat_is_followed_into_every_part(edge: Modules) -> None:
    """Were a call missed, everything behind it would go unchecked."""
    reached = {module for module, _ in reachable(edge)}
    rules = {name for name in edge if name.startswith("edge.rules.")}
    assert rules <= reached
    assert {"edge.gate", "edge.dispatch", "edge.envelope", "edge.recorder"} <= reached
    assert {f"edge.fleet.{name}" for name in ("command", "guard", "roster", "split", "total",
                                              "unit")} <= reached


@pytest.mark.parametrize("name", BAD)
def test_each_bad_construct_is_named(name: str) -> None:
    body, what = BAD[name]
    assert any(f": {what} in Part.step" in text for text in wrong_on_beat(site_with(body)))


@pytest.mark.parametrize("name", IS_FREE)
def test_what_is_free_is_let_pass(name: str) -> None:
    found = [text for text in wrong_on_beat(site_with(IS_FREE[name])) if "Part.step" in text]
    assert found == []


def test_the_real_interpreter_agrees(micropython: Interpreter, tmp_path: Path) -> None:
    script = [
        "from array import array", "from struct import unpack",
        "from micropython import heap_lock, heap_unlock", THING, "o = Thing()",
    ]
    bodies = {name: body for name, (body, _) in TAKES_HEAP.items()} | IS_FREE
    for name, body in bodies.items():
        script += [f"def case_{name}(a, o):", *(f"    {line}" for line in body.splitlines())]
        script += ["heap_lock()", "took = 0", "try:", f"    case_{name}(1, o)",
                   "except MemoryError:", "    took = 1",
                   "except ValueError:",  # made from the emergency buffer while the heap is locked
                   "    took = 1",
                   "heap_unlock()", f"print('{name}', took)"]
    (tmp_path / "judge.py").write_text("\n".join(script))
    said = dict(line.split() for line in micropython.run(tmp_path / "judge.py").stdout.splitlines())
    assert said == {name: str(int(name in TAKES_HEAP)) for name in bodies}


def test_calls_are_followed_through_functions_and_imports() -> None:
    bad = "return [a]"
    assert not wrong_on_beat(site_with(bad, calls="pass"))
    assert not wrong_on_beat(site_with(bad, imports="pass")), "a module nothing imports is far away"
    assert not wrong_on_beat(site_with(bad, function="__init__")), "constructors may take heap"
    assert wrong_on_beat(site_with(bad, imports='__import__("edge." + name)'))
    assert wrong_on_beat(site_with(bad, calls="self.steps[0](1, 2)",
                                   imports="import edge.part\nx = [edge.part.Part().step]"))
    assert wrong_on_beat(site_with(bad, calls="self.first()\n    def first(self):\n        "
                                              "return self.part.step(1, 2)"))


def test_only_the_named_place_is_allowed() -> None:
    body = "try:\n            self.part.step()\n        except Exception:\n            pass"
    assert not wrong_on_beat(site_with("return a", calls=body))
    assert wrong_on_beat(site_with("return a", calls="self.then()\n    def then(self):\n        "
                                                     + body))
