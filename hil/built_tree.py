"""The built tree of a site in a folder, for the Unix port of MicroPython: what a gateway gets, but
its board."""

import functools
import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from boards import build

_compiled = functools.cache(build.compile_module)


def write(image: Mapping[str, Any], tree: Path, scripts: Sequence[str] = ()) -> Path:
    """Write it, with these modules of hil/ beside it as they are; where its image is. Raises
    BuildError."""
    for name in sorted(build.edge_modules(image) | build.closure(["boards.sector_files"])):
        source = build.ROOT.joinpath(*name.split("."))
        path = tree / source.relative_to(build.ROOT)
        path = path / "__init__.mpy" if source.is_dir() else path.with_suffix(".mpy")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(_compiled(name))
        if name in build.DATA:
            shutil.copy(build.ROOT / build.DATA[name], tree / build.DATA[name])
    for name in scripts:
        (tree / "hil").mkdir(exist_ok=True)
        shutil.copy(build.ROOT / "hil" / f"{name}.py", tree / "hil")
    path = tree / "image.json"
    path.write_text(json.dumps(image), encoding="utf-8")
    return path
