"""A response from the shell to the battery: worked out, signed, kept, delivered, told, called off;
through mosquitto with accounts and the bridge, on a gateway of either interpreter."""

import datetime
import json
import sys

import pytest
from click.testing import CliRunner

from cloud_bridge.__main__ import main as cloud_bridge
from cloud_bridge.response import announced
from tests.attacks.test_end_to_end import PATIENCE_S, gateway, served, until
from tests.response.bench import KEYS
from tests.response.loads import SHANGHAI
from tests.response.test_settle_command import csv, flat
from tests.shown.served import wait

LOAD_W = 300_000  # what tests/attacks/commanded_gateway.py reads


@pytest.fixture
def world(tmp_path):
    with served(tmp_path) as made:
        yield made


def dr(*words):
    return CliRunner().invoke(cloud_bridge, ["dr", *map(str, words)])


@pytest.mark.parametrize("python", ["cpython", "micropython"])
def test_from_the_shell_to_the_battery_and_back(python, world, micropython):
    command = [sys.executable, "-u"] if python == "cpython" else [
        *micropython.command, "-X", "heapsize=512k"]
    now = datetime.datetime.now(SHANGHAI)
    start = now.replace(minute=now.minute // 15 * 15, second=0, microsecond=0, tzinfo=None)
    end = start + datetime.timedelta(hours=1)
    # No days of the store: five of a CSV, at a flat load that the reply is cut off.
    programme = world.folder / "any_day.toml"
    programme.write_text(ANY_DAY)
    days = [start.date() - datetime.timedelta(back) for back in range(-1, 7)]
    load = csv(world.folder / "load.csv", dict.fromkeys(days, flat(LOAD_W)))
    asked = ["call", "p/g", "--event", "e-1", "--programme", programme, "--start",
             start.isoformat(), "--end", end.isoformat(), "--reply-kw", "50", "--load", load,
             "--broker", world.url("parkedge-command"), "--wait", PATIENCE_S, "--json"]
    keys = ["--keys", world.folder / "g" / "cloud"]
    with gateway(world, command, response=KEYS) as lines:
        until(lines, "up")
        done = dr(*asked, *keys)
        assert done.exit_code == 0, done.output
        until(lines, "51000")  # the reply and two per cent
        assert dr(*asked, *keys, "--rev", "0").exit_code == 1, "it is known"
        called_off = dr(*asked, *keys, "--rev", "1", "--cancel")
        assert called_off.exit_code == 0, called_off.output
        until(lines, "0")
        wait(lambda: len(told(world)) >= 3, "the store has not heard of it")
    said = told(world)
    assert {one["number"] for one in said} == {announced.number("e-1")}
    assert [(one["rev"], one["phase"]) for one in said] == [
        (0, "scheduled"), (0, "active"), (1, "cancelled")]


def told(world):
    done = dr("events", "p/g", "--store", world.folder / "park.db", "--json")
    assert done.exit_code == 0, done.output
    return [json.loads(line) for line in done.output.splitlines()]


ANY_DAY = """
name = "any_day"
title = "a programme that takes any day for a sample"
source = "made up"
zone = "Asia/Shanghai"
interval_min = 15
instants = true

[baseline]
method = "days"
count = 5
look_back = 6
alike = [["workday", "saturday", "sunday", "holiday"]]

[judge]
rule = "each"
"""
