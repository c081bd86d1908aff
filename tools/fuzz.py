"""`python -m tools.fuzz`: any bytes for everything that reads bytes from outside.

A target is a file of tests/fuzz with `one(data)`, which raises when something is wrong, and SEEDS,
bytes to begin with that are right. Each runs in a process of its own (tools/fuzz_one.py), so that
one that dies is a finding like another.
"""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import click

ROOT = Path(__file__).resolve().parent.parent
_GROWN = 20_000  # blocks of memory: fewer are caches that fill


def targets() -> list[str]:
    """The names of all."""
    return sorted(path.stem for path in (ROOT / "tests" / "fuzz").glob("[a-z]*.py")
                  if not path.stem.startswith("test_"))


@click.command()
@click.argument("names", metavar="[TARGET]...", nargs=-1)
@click.option("--runs", type=click.IntRange(1), default=1_000_000, show_default=True,
              help="Inputs for each target.")
@click.option("--seed", type=int, default=1, show_default=True)
@click.option("--plain", is_flag=True,
              help="Mutate at random, without looking at which lines an input reaches (atheris).")
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), default="out/fuzz",
              show_default=True, help="Where an input goes that fails.")
@click.option("--replay", type=click.Path(exists=True, dir_okay=False, path_type=Path),
              help="Give one target this input and nothing else.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a target.")
def main(names: tuple[str, ...], runs: int, seed: int, plain: bool, out: Path,
         replay: Path | None, as_json: bool) -> None:
    """Feed any bytes to what reads bytes from outside; exit status 1 when something is found: an
    error that nobody expects, an answer that is wrong, 10 s on one input, memory that grows.

    \b
    Examples:
      python -m tools.fuzz dns mqtt --runs 100000
      python -m tools.fuzz batch --replay out/fuzz/batch-0a1b2c3d.bin
    """
    wrong = set(names) - set(targets())
    if wrong:
        raise click.UsageError(f"found {' '.join(sorted(wrong))}, expected some of "
                               + " ".join(targets()))
    if replay:
        if len(names) != 1:
            raise click.UsageError("--replay: expected one target")
        sys.exit(_child([names[0], "replay", str(replay)]).returncode)
    if not as_json:
        click.echo(f"{'target':<14}{'inputs':>10}{'a second':>10}{'longest ms':>11}{'grown':>8}"
                   "  found")
    found = [_run(name, runs, seed, plain, out, as_json) for name in names or targets()]
    sys.exit(1 if any(found) else 0)


def _run(name: str, runs: int, seed: int, plain: bool, out: Path, as_json: bool) -> bool:
    """Run one target and say what came of it; whether something was found."""
    done = _child([name, "plain" if plain else "guided", str(runs), str(seed), str(out)],
                  stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, errors="replace")
    told: dict[str, Any] = {"target": name, "inputs": 0, "per_s": 0, "longest_ms": 0.0,
                            "grown": 0, "found": ""}
    lines = re.findall(r"^{.*}$", done.stdout, re.MULTILINE)
    if lines:
        told |= json.loads(lines[-1])
    else:
        said = (done.stderr.strip().splitlines() or ["nothing"])[-1]
        told["found"] = f"died with status {done.returncode}, and said: {said[:200]}"
    if not told["found"] and told["grown"] > _GROWN:
        told["found"] = f"memory grows: {told['grown']} blocks since the first tenth"
    click.echo(json.dumps(told) if as_json else
               f"{name:<14}{told['inputs']:>10,}{told['per_s']:>10,}{told['longest_ms']:>11.1f}"
               f"{told['grown']:>8,}  {told['found']}")
    return bool(told["found"])


def _child(words: list[str], **more: Any) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([sys.executable, "-m", "tools.fuzz_one", *words], cwd=ROOT, check=False,
                          **more)


if __name__ == "__main__":
    main()
