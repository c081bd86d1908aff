"""`command`: ask a gateway for something, and wait for what it says to that."""

import json
import re
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple, NoReturn

import click
import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from cloud_bridge.batches import BadMessage, decode_message
from cloud_bridge.command_codec import (
    DAY_0_UTC,
    VERBS,
    Command,
    Result,
    RootCommand,
    decode_result,
)
from cloud_bridge.command_state import Sender
from cloud_bridge.identity import NAME
from cloud_bridge.inbox import BrokerError
from cloud_bridge.mqtt import Broker
from cloud_bridge.said import FOLDER, refusing
from edge.command import RESULT

_UNDATED = ("clock", "nonce", "future", "expired")  # a nonce helps
_AGAIN_S = 10.0  # the same command is sent again meanwhile: it is done once
_TRIES = 4
_DURATION = re.compile(r"(\d+)(s|m|h)")
_SECONDS = {"s": 1, "m": 60, "h": 3600}
_POWERS = ("limit-import", "limit-export", "limit-charge", "limit-discharge", "setpoint")


class Answer(NamedTuple):
    """What became of it; `result` None: nothing was heard in time."""

    asked: Command | RootCommand
    result: Result | None


class _Ears:
    """What a connection has said. It knows nothing of the client, so that nothing of it is left to
    the garbage collector."""

    def __init__(self, topic: str, keys: dict[int, bytes]) -> None:
        self.results: list[Result] = []
        self.ready = False
        self.trouble = ""
        self._topic = topic
        self._keys = keys

    def on_connect(self, client: paho.Client, userdata: object, flags: paho.ConnectFlags,
                   reason: ReasonCode, properties: Properties | None) -> None:
        if reason.is_failure:
            self.trouble = f"refused: {reason}"
        else:
            client.subscribe(self._topic, qos=1)

    def on_subscribe(self, client: paho.Client, userdata: object, mid: int,
                     reasons: list[ReasonCode], properties: Properties | None) -> None:
        if any(reason.is_failure for reason in reasons):
            self.trouble = f"may not subscribe to {self._topic}"
        self.ready = True

    def on_message(self, client: paho.Client, userdata: object, message: paho.MQTTMessage) -> None:
        try:
            found = decode_message(bytes(message.payload))
            if found.kind == RESULT:
                self.results.append(decode_result(found.body, self._keys))
        except BadMessage:
            return  # the bridge puts aside what is none


class Line:
    """A connection to the broker that sends commands to one gateway and hears its results."""

    def __init__(self, broker: Broker, gateway: str, keys: dict[int, bytes], ca: str | None = None
                 ) -> None:
        self._topic = f"parkedge/{gateway}/cmd"
        self._ears = ears = _Ears(f"parkedge/{gateway}/b", keys)
        self._client = client = paho.Client(CallbackAPIVersion.VERSION2)
        client.on_connect = ears.on_connect
        client.on_subscribe = ears.on_subscribe
        client.on_message = ears.on_message
        if broker.user:
            client.username_pw_set(broker.user, broker.password)
        if broker.is_tls:
            client.tls_set(ca)
        client.connect(broker.host, broker.port, keepalive=30)

    def close(self) -> None:
        """Say goodbye."""
        self._client.disconnect()

    def wait_ready(self, deadline_s: float) -> None:
        """Until results can be heard. BrokerError."""
        while not self._ears.ready:
            self._spin()
            if time.monotonic() > deadline_s:
                raise BrokerError("no answer in time")

    def ask(self, asked: Command | RootCommand, message: bytes, deadline_s: float) -> Result | None:
        """Send it until its result is heard; None when it is not in time. BrokerError."""
        again_s = 0.0
        while time.monotonic() < deadline_s:
            if time.monotonic() >= again_s:
                self._client.publish(self._topic, message, qos=1)
                again_s = time.monotonic() + _AGAIN_S
            self._spin()
            for result in self._ears.results:
                if result.is_true and (result.counter, result.verb) == (asked.counter, asked.verb) \
                        and asked.key_id in (result.key_id, 0):
                    return result
        return None

    def _spin(self) -> None:
        error = self._client.loop(0.1)
        if self._ears.trouble or error != MQTTErrorCode.MQTT_ERR_SUCCESS:
            raise BrokerError(self._ears.trouble or paho.error_string(error))


Sign = Callable[[int, int, int], tuple[Command | RootCommand, bytes]]  # issued, nonce, at least


def send(line: Line, sign: Sign, deadline_s: float) -> Answer:
    """Send a command, again with what the gateway asks for, and wait. BrokerError; DocumentError;
    OSError."""
    at_least = nonce = 0
    for _ in range(_TRIES):
        asked, message = sign(int(time.time()) - DAY_0_UTC, nonce, at_least)
        result = line.ask(asked, message, deadline_s)
        if result is None or result.done:
            break
        if result.reason in _UNDATED and result.hint:
            nonce = result.hint
        elif result.reason == "counter":
            at_least = result.hint
        else:
            break
    return Answer(asked, result)


def exchange(place: Broker, gateway: str, keys: dict[int, bytes], ca: str | None, wait_s: int,
             sign: Sign) -> Answer:
    """Connect, send and wait. BrokerError: the broker is not there; DocumentError; OSError."""
    deadline_s = time.monotonic() + wait_s
    try:
        line = Line(place, gateway, keys, ca)
    except OSError as error:
        raise BrokerError(f"{place.host}:{place.port}: {error.strerror or error}") from None
    try:
        line.wait_ready(deadline_s)
        return send(line, sign, deadline_s)
    except BrokerError as error:
        raise BrokerError(f"{place.host}:{place.port}: {error}") from None
    finally:
        line.close()


def reaching(wait_s: int) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """The options by which a command reaches a gateway: `broker`, `ca`, `wait_s`, `as_json`."""
    def give(command: Callable[..., None]) -> Callable[..., None]:
        for option in reversed((
                click.option("--broker", envvar="PARKEDGE_BROKER", default="mqtt://127.0.0.1:1883",
                             show_default=True, show_envvar=True,
                             help="mqtt[s]://[user[:password]@]host[:port]"),
                click.option("--ca", type=click.Path(exists=True, dir_okay=False),
                             help="With mqtts: the certificate to trust instead of the system's."),
                click.option("--wait", "wait_s", type=click.IntRange(1, 3600), default=wait_s,
                             show_default=True, help="Seconds to wait for the result."),
                click.option("--json", "as_json", is_flag=True, help="One JSON document."))):
            command = option(command)
        return command

    return give


def _duration(ctx: click.Context, parameter: click.Parameter, text: str) -> int:
    found = _DURATION.fullmatch(text)
    if not found:
        raise click.BadParameter(f"found {text}, expected a duration as 90s, 15m or 4h")
    return int(found[1]) * _SECONDS[found[2]]


def _arguments(verb: str, kw: float | None, percent: float | None, at_most: bool
               ) -> tuple[int, ...]:
    """What the verb takes, from the options; BadParameter when it does not fit."""
    if (kw is None) == (verb in _POWERS):
        raise click.BadParameter(f"{verb} {'needs' if kw is None else 'takes no'} --kw")
    if (percent is None) == (verb == "floor"):
        raise click.BadParameter(f"{verb} {'needs' if percent is None else 'takes no'} --percent")
    if at_most and verb != "setpoint":
        raise click.BadParameter(f"{verb} takes no --at-most")
    if kw is not None:
        w = round(kw * 1000)
        return (w, int(not at_most)) if verb == "setpoint" else (w,)
    return () if percent is None else (round(percent * 10),)


@click.command("command")
@click.argument("gateway")
@click.argument("verb", metavar="VERB", type=click.Choice(list(VERBS)))
@click.option("--kw", type=float, help="Power; a setpoint discharges above 0 and charges below.")
@click.option("--percent", type=float, help="State of charge, of a floor.")
@click.option("--at-most", is_flag=True, help="A setpoint that the local plan may stay below.")
@click.option("--for", "ttl_s", default="15m", show_default=True, callback=_duration,
              help="How long it holds unless it is sent again: 90s, 15m, 4h.")
@click.option("--keys", "folder", type=FOLDER, required=True,
              help="The folder `cloud` of `keys gateway`.")
@click.option("--next-key", is_flag=True, help="Sign with the next key, which ends the present.")
@reaching(60)
def main(gateway: str, verb: str, kw: float | None, percent: float | None, at_most: bool,
         ttl_s: int, folder: Path, next_key: bool, broker: str, ca: str | None, wait_s: int,
         as_json: bool) -> None:
    """Ask GATEWAY (PARK/NAME) for less than it allows itself, for a while, and wait for its answer.

    It decides: whatever is asked lands inside its own limits, and ends by itself. Exit status 0
    when it is done, 1 when it is refused or nothing was heard.

    \b
    Examples:
      python -m cloud_bridge command demo/mill limit-import --kw 300 --for 15m --keys mill/cloud
      python -m cloud_bridge command demo/mill setpoint --kw -50 --for 5m --keys mill/cloud
      python -m cloud_bridge command demo/mill release --keys mill/cloud
    """
    if not NAME.fullmatch(gateway):
        raise click.BadParameter(f"found {gateway}, expected PARK/GATEWAY", param_hint="GATEWAY")
    args = _arguments(verb, kw, percent, at_most)
    try:
        place = Broker.parse(broker)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--broker") from None
    with refusing():
        sender = Sender(folder, gateway)
        key_id = sender.key_id(next_key)

        def sign(issued: int, nonce: int, at_least: int) -> tuple[Command, bytes]:
            return sender.sign(Command(gateway, key_id, 0, issued, ttl_s, VERBS[verb], args, nonce),
                               at_least)

        answer = exchange(place, gateway, sender.keys, ca, wait_s, sign)
    say(verb, answer, wait_s, as_json)


def say(verb: str, answer: Answer, wait_s: int, as_json: bool) -> NoReturn:
    """Tell what became of it, and end with exit status 0 when it is done."""
    asked, result = answer
    if as_json:
        click.echo(json.dumps({
            "gateway": asked.gateway, "verb": verb, "key": asked.key_id, "counter": asked.counter,
            "args": asked.args, "outcome": None if result is None else
            "done" if result.done else "refused", "reason": result.reason if result else None,
            "held_s": result.held_s if result else None}))
        sys.exit(0 if result is not None and result.done else 1)
    name = f"{asked.gateway}: {verb}, command {asked.counter} of key {asked.key_id or 'root'}"
    if result is None:
        click.echo(f"{name}: nothing heard within {wait_s} s; it may still be done", err=True)
    elif result.done:
        click.echo(f"{name}: done" + (f", holds for {result.held_s} s" if result.held_s else ""))
    else:
        click.echo(f"{name}: refused: {result.reason}", err=True)
    sys.exit(0 if result is not None and result.done else 1)
