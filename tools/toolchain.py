"""Fetch what the tests run but pip cannot bring, into .cache/: `python3 tools/toolchain.py`.

  micropython-i386    the workhorse: 31-bit small ints and 16-byte heap blocks, like a Cortex-M
  micropython-armhf   the instruction gauge: Arm code, one instruction at a time under qemu-arm
  qemu-arm            runs it
  mosquitto           the MQTT broker of the rigs and the sync tests
  nats-server         the cluster of brokers that the bridge can read instead
  postgres, initdb    the database that the bridge can write to instead

Names after the command fetch only those. Each is believed only once it ran; what is there and runs
is left alone, so a second call takes a second. Needs Python and apt, no root. Exit status 0 when
all is there, 1 with the list of what is missing, 2 for wrong use.
"""

import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from apt_folder import AptError, Foreign, unpack

ROOT = Path(__file__).resolve().parent.parent
CACHE = ROOT / ".cache"
BIN = CACHE / "bin"
SUITE = "trixie"  # the oldest Debian that packages MicroPython; a fixed one, so all test the same
OLDEST = (1, 22)

# The largest small int must be 2^30 - 1: reaching it costs no heap, one more does.
PROBE = """\
import sys
from micropython import heap_lock, heap_unlock
def fits(a, b):
    heap_lock()
    try:
        a + b
        return True
    except MemoryError:
        return False
    finally:
        heap_unlock()
top = (1 << 30) - 2
print(sys.implementation[1][0], sys.implementation[1][1], fits(top, 1), fits(top, 2))
"""


def main(arguments: list[str]) -> int:
    """Fetch the named tools, or all, and return the exit status."""
    if unknown := sorted(set(arguments) - set(TOOLS)):
        print(f"unknown: {' '.join(unknown)}; known: {' '.join(TOOLS)}", file=sys.stderr)
        return 2
    BIN.mkdir(parents=True, exist_ok=True)
    os.environ["PATH"] = f"{BIN}{os.pathsep}{os.environ.get('PATH', '')}"
    missing = [name for name in TOOLS if name in (arguments or TOOLS) and not _have(name)]
    if missing:
        print(f"toolchain: missing {' '.join(missing)}", file=sys.stderr)
    return 1 if missing else 0


def _have(name: str) -> bool:
    fetch, version = TOOLS[name]
    try:
        said = version()
        if not said:
            print(f"{name}: fetching ...", flush=True)
            fetch()
            said = version()
    except AptError as error:
        print(f"{name}: {error}", file=sys.stderr)
        return False
    print(f"{name}: {said or 'unpacked, but it does not run here'}", flush=True)
    return bool(said)


def _say(command: list[str]) -> str:
    """Return what `command` prints, or nothing if it is not there or does not run.

    The exit status is no sign: mosquitto's help ends with 3.
    """
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout


def _fetch_micropython(arch: str) -> None:
    folder = CACHE / f"micropython-{arch}"
    unpack("micropython", folder, CACHE / f"apt-{arch}", Foreign(SUITE, arch))
    if not (folder / "lib").exists():
        (folder / "lib").symlink_to("usr/lib")
    root = f"${{0%/*}}/../{folder.name}"
    if arch == "i386" and platform.machine() in ("x86_64", "i686"):
        # Its own loader and libraries: the machine needs no 32-bit ones.
        loader = next((folder / "usr/lib").rglob("ld-linux.so.2")).relative_to(folder)
        run = f'"{root}/{loader}" --library-path "{root}/usr/lib/i386-linux-gnu"'
    else:
        qemu = "qemu-i386" if arch == "i386" else "qemu-arm"
        run = f'{qemu} -U LD_LIBRARY_PATH -L "{root}"'
    _wrap(f"micropython-{arch}", f'exec {run} "{root}/usr/bin/micropython" "$@"')


def _micropython_version(arch: str) -> str:
    fields = _say([str(BIN / f"micropython-{arch}"), "-c", PROBE]).split()
    if not fields:
        return ""
    version = f"MicroPython {fields[0]}.{fields[1]}"
    if (int(fields[0]), int(fields[1])) < OLDEST or fields[2:] != ["True", "False"]:
        raise AptError(f"{version} found; at least 1.22 with 31-bit small ints is needed")
    return f"{version}, 31-bit small ints"


def _fetch_program(package: str, *programs: str) -> None:
    folder = CACHE / package
    unpack(package, folder, CACHE / f"apt-{package}")
    libraries = sorted({path.parent for path in folder.rglob("*.so.*")})
    path = ":".join(f"$root/{library.relative_to(folder)}" for library in libraries)
    for program in programs:
        found = [path for path in sorted(folder.rglob(program))
                 if path.parent.name in ("bin", "sbin")]
        if not found:
            raise AptError(f"the package {package} brought no {program}")
        _wrap(
            program,
            f'root="${{0%/*}}/../{package}"\n'
            f'export LD_LIBRARY_PATH="{path}${{LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}}"\n'
            f'exec "$root/{found[0].relative_to(folder)}" "$@"',
        )


def _fetch_nats() -> None:
    """Of the fixed suite: older ones cannot sync each write. Its own loader and libraries again."""
    folder = CACHE / "nats-server"
    arch = _say(["dpkg", "--print-architecture"]).strip()
    unpack("nats-server", folder, CACHE / "apt-nats-server", Foreign(SUITE, arch))
    loader = next((folder / "usr/lib").rglob("ld-linux*.so.*")).relative_to(folder)
    root = f"${{0%/*}}/../{folder.name}"
    _wrap("nats-server", f'exec "{root}/{loader}" --library-path "{root}/{loader.parent}"'
                         f' "{root}/usr/sbin/nats-server" "$@"')


def _program_version(program: str, option: str, mark: str) -> str:
    """Return the line with `mark` that the program prints about itself."""
    # Debian keeps PostgreSQL's programs out of everybody's way, each version in its own folder.
    homes = [str(home) for home in sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)]
    where = shutil.which(program, path=os.pathsep.join(
        [os.environ["PATH"], "/usr/local/sbin", "/usr/sbin", *homes]))
    lines = _say([where, option]).splitlines() if where else []
    return next((line.strip() for line in lines if mark in line), "")


def _wrap(name: str, body: str) -> None:
    """Write the start script `name`; it finds its folder from its own path, so a tree can move."""
    script = BIN / name
    script.write_text(f'#!/bin/sh\nPATH="${{0%/*}}:$PATH"\n{body}\n')
    script.chmod(0o755)


TOOLS: dict[str, tuple[Callable[[], None], Callable[[], str]]] = {
    "qemu-arm": (
        lambda: _fetch_program("qemu-user", "qemu-arm"),
        lambda: _program_version("qemu-arm", "--version", "version"),
    ),
    "mosquitto": (
        lambda: _fetch_program("mosquitto", "mosquitto"),
        lambda: _program_version("mosquitto", "-h", "mosquitto version"),
    ),
    "nats-server": (_fetch_nats, lambda: _say([str(BIN / "nats-server"), "--version"]).strip()),
    "postgres": (
        lambda: _fetch_program("postgresql", "postgres", "initdb"),
        lambda: _program_version("postgres", "--version", "PostgreSQL"),
    ),
    "micropython-i386": (
        lambda: _fetch_micropython("i386"),
        lambda: _micropython_version("i386"),
    ),
    "micropython-armhf": (
        lambda: _fetch_micropython("armhf"),
        lambda: _micropython_version("armhf"),
    ),
}

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
