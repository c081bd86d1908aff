"""A fleet against a cloud in which everything is killed: is every record there once?

The gateways' way up is the firmware's (hil/fleet_gateway.py), the broker, the bridges and the
database are processes of their own (hil/fleet_cloud.py), what befalls them comes from a seed
(hil/fleet_accidents.py), and what the store holds in the end is read back to the last value
(hil/fleet_check.py).
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import click

from hil import fleet_scale
from hil.fleet_accidents import Accidents, plan
from hil.fleet_check import Checked, check
from hil.fleet_cloud import BROKERS, STORES, Cloud, Victim
from hil.fleet_gateway import PATIENCE_S, Told
from hil.fleet_gateways import Gateways, Load
from hil.progress import progress

_TURN_S = 0.05
_READY_S = 120.0
_SHOWN = 10


class Asked(NamedTuple):
    """How large, how long, and against what."""

    gateways: int = 200
    workers: int = 4
    broker: str = "mosquitto"
    store: str = "postgres"
    load_s: float = 600.0
    seed: int = 1
    hurry: float = 30.0
    patience_s: float = PATIENCE_S
    drain_s: float = 600.0  # at most


class Outcome(NamedTuple):
    """What became of it."""

    asked: Asked
    checked: Checked
    kills: Counter[str]
    offered: int  # rows
    sent: int  # messages, those sent again too
    broken: int  # connections of gateways
    refused: int  # subscriptions of theirs
    tally: Counter[str]  # of the bridges, less what killed ones had not told yet
    drained_s: float  # after the load's end, when all was whole again
    last_kill_s: float  # from the last accident to the end of the drain
    trouble: list[str]

    @property
    def is_well(self) -> bool:
        """Everything there once, and nothing else happened."""
        return self.checked.is_well and not self.trouble

    def for_machine(self) -> dict[str, object]:
        """For --json."""
        checked = self.checked
        return {"asked": self.asked._asdict(), "records": checked.records,
                "energies": checked.energies, "messages": checked.messages,
                "records_offered": self.offered, "records_unkept": checked.unkept,
                "messages_sent": self.sent, "connections_broken": self.broken,
                "subscriptions_refused": self.refused,
                "doubles_dropped": self.tally["doubled"], "kills": dict(self.kills),
                "drained_s": round(self.drained_s, 1), "last_kill_s": round(self.last_kill_s, 1),
                "given_up": checked.given_up, "lost": checked.lost, "twice": checked.twice,
                "wrong": checked.wrong + self.trouble}

    def text(self) -> str:
        """For people."""
        asked, checked = self.asked, self.checked
        kills = ", ".join(f"{kind} {n}" for kind, n in sorted(self.kills.items()))
        lines = [
            ("against", f"{asked.broker}, {asked.workers} bridges, {asked.store}"),
            ("load", f"{asked.gateways} gateways, {asked.load_s:.0f} s at {asked.hurry:g} times"
                     f" their pace, seed {asked.seed}"),
            ("records", f"{checked.records:,} of {self.offered:,} offered; {checked.unkept:,} were"
                        " in memory when the power went"),
            ("quarter-hours", f"{checked.energies:,}"),
            ("messages", f"{checked.messages:,} stored, {self.sent:,} sent, of which at least"
                         f" {self.tally['doubled']:,} came twice and were dropped"),
            ("kills", kills),
            ("connections", f"{self.broken:,} broken or not made, {self.refused:,} subscriptions"
                            " refused"),
            ("drained", f"{self.drained_s:.1f} s after the load, {self.last_kill_s:.1f} s after the"
                        " last kill"),
            ("given up", f"{checked.given_up:,} messages by a full ring"),
            ("lost", f"{checked.lost:,}"),
            ("twice", f"{checked.twice:,}")]
        wrong = checked.wrong + self.trouble
        return "\n".join([*(f"{name:14}{value}" for name, value in lines),
                          *wrong[:_SHOWN], *([f"{len(wrong)} lines of that kind"] * bool(wrong))])


def run(asked: Asked, tell: Callable[[int], None] = lambda seconds: None) -> Outcome:
    """Load, accidents, drain and check. OSError when something does not start."""
    with tempfile.TemporaryDirectory(prefix="parkedge-fleet-") as folder, \
            Cloud(Path(folder), asked.broker, asked.store, asked.workers) as cloud, \
            Gateways(asked.gateways, Load(cloud.places, asked.hurry,
                                          asked.patience_s)) as gateways:
        _wait(cloud.is_ready)
        victims = {**cloud.victims, **_ways(gateways, asked.gateways)}
        planned = plan(asked.seed, asked.load_s, {kind: one.n for kind, one in victims.items()})
        gateways.go()
        accidents = Accidents(planned, victims)
        trouble = _load(asked, cloud, accidents, tell)
        end_s = time.monotonic()
        accidents.end()
        gateways.stop()
        trouble += _drain(asked, cloud, gateways)
        drained_s = time.monotonic() - end_s
        told = gateways.told()
        cloud.close_workers()
        return _outcome(asked, cloud, accidents, told, drained_s, trouble)


def _outcome(asked: Asked, cloud: Cloud, accidents: Accidents, told: list[Told], drained_s: float,
             trouble: list[str]) -> Outcome:
    return Outcome(
        asked, check(cloud.url, told), accidents.done, sum(one.lives[-1].last for one in told),
        sum(one.sent for one in told), sum(one.failures for one in told),
        sum(one.refused for one in told), cloud.tally(), drained_s,
        drained_s + asked.load_s - accidents.last_s, trouble)


def _ways(gateways: Gateways, n: int) -> dict[str, Victim]:
    """What befalls gateways."""
    return {"network": Victim(n, lambda which: gateways.cut(which, silent=False), gateways.mend,
                              silence=lambda which: gateways.cut(which, silent=True)),
            "power": Victim(n, gateways.power_cut, lambda which: None)}


def _load(asked: Asked, cloud: Cloud, accidents: Accidents, tell: Callable[[int], None]
          ) -> list[str]:
    """Until it is over, or a bridge ends by itself; what went wrong."""
    began_s, told_s = time.monotonic(), 0
    while (past_s := time.monotonic() - began_s) < asked.load_s:
        accidents.turn()
        if ended := cloud.ended():
            return ended
        if int(past_s) > told_s:
            tell(int(past_s) - told_s)
            told_s = int(past_s)
        time.sleep(_TURN_S)
    return []


def _drain(asked: Asked, cloud: Cloud, gateways: Gateways) -> list[str]:
    """Until the cloud has acknowledged everything."""
    deadline_s = time.monotonic() + asked.drain_s
    while waiting := gateways.state().backlog:
        if time.monotonic() > deadline_s:
            return [f"{waiting} messages wait after {asked.drain_s:.0f} s"]
        if ended := cloud.ended():
            return ended
        time.sleep(_TURN_S)
    return []


def _wait(until: Callable[[], bool]) -> None:
    deadline_s = time.monotonic() + _READY_S
    while not until():
        if time.monotonic() > deadline_s:
            raise OSError("the bridges are not ready")
        time.sleep(_TURN_S)


@click.command("fleet")
@click.option("--gateways", type=click.IntRange(1, 999), default=200, show_default=True)
@click.option("--workers", type=click.IntRange(1, 32), default=4, show_default=True,
              help="Bridges that share the messages.")
@click.option("--broker", type=click.Choice(BROKERS), default="mosquitto", show_default=True,
              help="nats: a cluster of three, which loses one at a time.")
@click.option("--store", type=click.Choice(STORES), default="postgres", show_default=True)
@click.option("--minutes", type=click.FloatRange(0.05), default=10.0, show_default=True,
              help="Of load and accidents; what is left in the gateways comes after.")
@click.option("--seed", type=int, default=1, show_default=True, help="Of the accidents.")
@click.option("--hurry", type=click.FloatRange(0.1, 1000), default=30.0, show_default=True,
              help="Seconds of the gateways' day in one of the wall; a third of them has a row "
                   "every second, a third every 5, a third every 15.")
@click.option("--patience", type=click.FloatRange(0.1), default=PATIENCE_S, show_default=True,
              help="Of a gateway for an acknowledgement, s; its other times go with it.")
@click.option("--scale", is_flag=True,
              help="Measure instead how many messages a second 1, 2 and 4 bridges store, what one "
                   "costs, and what a million gateways would ask; only --broker counts then.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
def command(gateways: int, workers: int, broker: str, store: str, minutes: float, seed: int,
            hurry: float, patience: float, scale: bool, as_json: bool) -> None:
    """Kill everything under a fleet's load; fails when a record is lost or there twice.

    \b
    Examples:
      python -m hil fleet --gateways 20 --workers 2 --minutes 0.5
      python -m hil fleet --broker nats
      python -m hil fleet --scale
    """
    asked = Asked(gateways, workers, broker, store, minutes * 60, seed, hurry, patience)
    try:
        if scale:
            figures = fleet_scale.measure(broker)
            click.echo(json.dumps(figures.for_machine()) if as_json else figures.text())
            return
        with progress("load", round(asked.load_s), as_json) as tell:
            outcome = run(asked, tell)
    except OSError as error:
        raise click.ClickException(str(error)) from None
    click.echo(json.dumps(outcome.for_machine()) if as_json else outcome.text())
    sys.exit(0 if outcome.is_well else 1)
