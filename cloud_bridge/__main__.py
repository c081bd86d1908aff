"""`python -m cloud_bridge`: the commands of the cloud's side, each loaded when it is called."""

from importlib import import_module

import click

_COMMANDS = {
    "serve": "Store what gateways send, and acknowledge it.",
    "republish": "What gateways sent, on to Sparkplug B or Home Assistant.",
    "listen": "Store what comes through a one-way isolation device.",
    "kafka": "What is stored, on to a Kafka topic.",
    "query": "Last values, ranges, gaps and lags, out of the store.",
    "api": "The same over HTTP, for whoever has a token.",
    "export": "A gateway's evidence and figures, out of the store into files.",
    "audit": "Whether a gateway's books stand, with files and a public key.",
    "witness": "Cosign a log's newest head, if it extends the last one seen.",
    "keys": "Make keys, show them, hand over from one to the next.",
    "command": "Ask a gateway for something, and wait for its answer.",
    "orders": "What a dispatch centre has ordered, and what became of it.",
    "root": "Retire a gateway's command keys, or set its limits, by the root key.",
    "sign": "Sign a factor set or a statement written in TOML.",
    "verify": "Check a signed document with nothing but a public key.",
    "indicators": "A park's figures against a standard, and the rest of its year.",
    "dr": "Demand response: what a programme makes of a delivery.",
    "passport": "Energy and carbon of a batch, signed, as a QR code.",
}


class _Parts(click.Group):
    """A command is `main` in the module of its name: `--help` loads none of them."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        try:
            command: click.Command = import_module(f"cloud_bridge.{cmd_name}").main
        except ModuleNotFoundError as error:
            raise click.ClickException(f"{cmd_name} needs {error.name}:"
                                       " pip install 'parkedge[cloud,scale]'") from None
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(_COMMANDS.items()))


@click.group(cls=_Parts)
def main() -> None:
    """The cloud's side of parkedge: from the broker into a database, and papers to check.

    \b
    Example:
      python -m cloud_bridge serve --broker mqtt://127.0.0.1:1883 --store park.db
    """


if __name__ == "__main__":
    main(prog_name="python -m cloud_bridge")
