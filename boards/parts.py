"""The other parts of the house, by name: loaded when somebody asks for them, never built on."""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any


@dataclass(frozen=True)
class Part:
    """A module of another part, and the extra of the distribution that brings what it needs."""

    module: str
    extra: str
    help: str

    def load(self) -> Any:
        """The module. Raises PartError when something it needs is not installed."""
        try:
            return import_module(self.module)
        except ImportError as error:
            raise PartError(f"{self.module} cannot be loaded ({error}): "
                            f"pip install 'parkedge[{self.extra}]'") from None


class PartError(Exception):
    """A part that is not there, in one line."""


COMMANDS: Mapping[str, Part] = {  # groups, the `main` of their modules
    "hil": Part("hil.__main__", "demo", "Rigs: the real firmware against simulated devices."),
    "cloud": Part("cloud_bridge.__main__", "cloud", "The cloud's side: broker to database."),
}
FACTORS = Part("cloud_bridge.carbon.factors", "cloud", "Factor sets of a ledger.")
CERTIFICATES = Part("boards.certificates", "tls", "Certificates of a broker and a gateway.")
STORE = Part("cloud_bridge.store", "cloud", "The bridge's database.")
