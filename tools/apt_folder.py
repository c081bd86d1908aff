"""Unpack distribution packages into a folder of one's own, without root and without installing.

apt does all of the work that is easy to get wrong (mirrors, proxies, signatures, dependencies); it
is only told to keep its lists, its idea of what is installed and its downloads in a private folder.
Nothing outside that folder changes, no service is started, and a package for a foreign architecture
or from a newer suite cannot disturb the machine.
"""

import os
import shutil
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

TRIES = 3
PAUSE_S = 5
TIMEOUT_S = 300
MIRROR = "PARKEDGE_DEBIAN_MIRROR"
_KEYRINGS = ("debian-archive-keyring.pgp", "debian-archive-keyring.gpg")

# The machine's own configuration is read first (it knows the proxy), then this, which undoes the
# hooks: they are written for the real folders and fail without root.
_CONF = """\
#clear APT::Update;
#clear DPkg;
Dir::State::Lists "{folder}/lists";
Dir::Cache "{folder}/cache";
Acquire::Languages "none";
Acquire::Retries "2";
APT::Update::Error-Mode "any";
APT::Install-Recommends "false";
"""
_CONF_ROOT = 'APT::Sandbox::User "root";\n'  # the folder may be closed to apt's own user
_CONF_FOREIGN = """\
#clear APT::Architectures;
APT::Architecture "{arch}";
APT::Architectures "{arch}";
Dir::State::Status "{folder}/status";
Dir::Etc::SourceList "{folder}/sources.list";
Dir::Etc::SourceParts "/dev/null";
Dir::Etc::Preferences "/dev/null";
Dir::Etc::PreferencesParts "/dev/null";
"""


class AptError(Exception):
    """What could not be had, in one line that says what to do."""


@dataclass(frozen=True)
class Foreign:
    """A Debian suite and an architecture that are not the machine's own."""

    suite: str
    arch: str


def unpack(package: str, target: Path, work: Path, foreign: Foreign | None = None) -> None:
    """Unpack `package` and every dependency the machine lacks into `target`, replacing it.

    With `foreign`, packages of that suite and architecture with all of their dependencies; without,
    the machine's own release, less what is installed. `work` is emptied before and after.
    Raises AptError.
    """
    if not shutil.which("apt-get") or not shutil.which("dpkg-deb"):
        raise AptError(f"{package} comes from Debian packages, and there is no apt-get here")
    shutil.rmtree(work, ignore_errors=True)
    try:
        _prepare(work, foreign)
        apt = ["apt-get", "-qq", "-c", str(work / "apt.conf")]
        _retry([*apt, "update"], work)
        plan = _retry([*apt, "install", "--simulate", package], work)
        names = [line.split()[1] for line in plan.splitlines() if line.startswith("Inst ")]
        _retry([*apt, "download", *names], work)
        # Unpacked beside the target and renamed, so that a cut never leaves half a tree.
        fresh = work / "root"
        for archive in sorted(work.glob("*.deb")):
            _run(["dpkg-deb", "-x", str(archive), str(fresh)], work)
        shutil.rmtree(target, ignore_errors=True)
        fresh.rename(target)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _prepare(work: Path, foreign: Foreign | None) -> None:
    for folder in ("lists/partial", "cache/archives/partial"):
        (work / folder).mkdir(parents=True)
    conf = _CONF.format(folder=work)
    if os.geteuid() == 0:
        conf += _CONF_ROOT
    if foreign:
        conf += _CONF_FOREIGN.format(folder=work, arch=foreign.arch)
        (work / "status").touch()
        (work / "sources.list").write_text(
            f"deb [signed-by={_keyring()}] {_mirror()} {foreign.suite} main\n"
        )
    (work / "apt.conf").write_text(conf)


def _keyring() -> Path:
    for name in _KEYRINGS:
        path = Path("/usr/share/keyrings", name)
        if path.exists():
            return path
    raise AptError("Debian's archive keys are missing; install the package debian-archive-keyring")


def _mirror() -> str:
    """Return the Debian mirror this machine already uses; the project names none."""
    if chosen := os.environ.get(MIRROR):
        return chosen
    listing = _run(
        ["apt-get", "indextargets", "--no-release-info", "--format", "$(RELEASE) $(REPO_URI)"],
        Path("/"),
    )
    for line in listing.splitlines():
        release, _, uri = line.partition(" ")
        # Security and other side archives do not carry whole releases.
        if "-" not in release and uri.rstrip("/").split("/")[-1] == "debian":
            return uri
    raise AptError(
        "this machine's apt sources name no Debian mirror (Ubuntu carries no 32-bit micropython); "
        f"set {MIRROR} to the address of one"
    )


def _retry(command: list[str], folder: Path) -> str:
    for attempt in range(1, TRIES):
        try:
            return _run(command, folder)
        except AptError as error:
            print(f"  try {attempt} of {TRIES}: {error}", flush=True)
            time.sleep(PAUSE_S)
    return _run(command, folder)


def _run(command: list[str], folder: Path) -> str:
    """Run `command` in `folder` and return what it printed; its last error line otherwise."""
    environment = {**os.environ, "LC_ALL": "C", "DEBIAN_FRONTEND": "noninteractive"}
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise AptError(f"{command[0]} gave up after {TIMEOUT_S} s; is the network there?") from None
    if done.returncode:
        said = [line for line in done.stderr.splitlines() if line.strip()]
        # apt ends with a summary; the line that names the cause is the one about fetching.
        said.sort(key=lambda line: "Failed to fetch" in line)
        raise AptError(f"{command[0]}: {said[-1] if said else f'exit {done.returncode}'}")
    return done.stdout
