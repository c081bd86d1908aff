"""Whether a scenario went as expected: one function a question, each says what is wrong.

Every run is asked whether the battery stayed inside its limits, whether the controller met an
internal fault, missed a beat, and whether energy came from nowhere; the rest is what the scenario
expects. Times are judged to the beat: something may happen one beat later than it is allowed to.
"""

from collections.abc import Callable, Iterator, Mapping

from edge.gate import WORDS
from edge.journal import FIELDS
from edge.snapshot import FAULT, TRUSTED
from hil import laundered
from hil.rig import Record, Stage
from hil.scenario import Planned, clock

_FLAGS, _COMMAND, _VERDICT, _SECOND = (
    FIELDS.index(name) for name in ("flags", "command_w", "verdict", "second"))
_SHED = 1 << 10  # in the flags, see edge/journal.py
_QUARTER_S = 900
_DAY_S = 86400
_SOC_PM = 11  # a BMS that shows whole per cents, and what one beat can move
_DEMAND_PM = 15  # what a window may be missed by: meters and converters have steps

Problems = Iterator[str]


def judge(stage: Stage, record: Record) -> list[str]:
    """Everything that is wrong, a line each; nothing when all is well."""
    return [*record.troubles, *(line for ask in _QUESTIONS for line in ask(stage, record))]


def _has_rows(stage: Stage, record: Record) -> Problems:
    if not record.rows:
        yield "no journal row was written"


def _faults(stage: Stage, record: Record) -> Problems:
    for at_s, row in zip(record.at_s, record.rows, strict=True):
        if row[_FLAGS] & FAULT:
            yield f"{clock(at_s)}: an internal fault ({WORDS[row[_VERDICT]]})"
            return


def _beats(stage: Stage, record: Record) -> Problems:
    for before, row, at_s in zip(record.rows, record.rows[1:], record.at_s[1:], strict=False):
        passed_s = (row[_SECOND] - before[_SECOND]) % _DAY_S
        if passed_s > 2 * record.beat_s + record.slack_s:
            yield f"{clock(at_s)}: the beat before was {passed_s} s ago"


def _limits(stage: Stage, record: Record) -> Problems:
    fleet = stage.image.get("fleet", ())
    for one in record.samples:
        found = [*_beyond("the battery", stage.image["gate"], one.store_w, one.soc_pm),
                 *(line for keys, (store_w, soc_pm) in zip(fleet, one.each, strict=True)
                   for line in _beyond(f"battery {keys['name']}", keys["gate"], store_w, soc_pm))]
        if found:
            yield f"{clock(one.at_s)}: {found[0]}"
            return


def _beyond(name: str, plate: Mapping[str, int], store_w: int, soc_pm: int) -> Problems:
    """Whether a battery is beyond a nameplate."""
    if not -plate["charge_max_w"] <= store_w <= plate["discharge_max_w"]:
        yield f"{name} ran at {store_w} W, beyond its nameplate"
    low, high = plate["soc_floor_pm"], plate["soc_ceiling_pm"]
    if not low - _SOC_PM <= soc_pm <= high + _SOC_PM and store_w:
        yield f"{name} ran at {soc_pm} per mille, outside {low} .. {high}"


def _energy(stage: Stage, record: Record) -> Problems:
    if record.imbalance_uj:
        yield f"{record.imbalance_uj} uJ came from nowhere"


def _rests(stage: Stage, record: Record) -> Problems:
    within_s = stage.scenario.rests_within_s
    if within_s is None:
        return
    for fault in _on_devices(stage):
        if not _command_before(record, fault.at_s):
            yield f"{clock(fault.at_s)}: the battery was at rest already: nothing is proven"
        by_s = fault.at_s + within_s + record.beat_s + record.slack_s
        for at_s, command_w in _commands(record, by_s, fault.end_s - record.slack_s):
            if command_w != _fallback_w(stage):
                yield (f"{clock(at_s)}: commanded {command_w} W, {at_s - fault.at_s} s after "
                       f"{fault.kind} of the {fault.device} began; expected "
                       f"{_fallback_w(stage)} W within {within_s} s")
                break


def _resumes(stage: Stage, record: Record) -> Problems:
    within_s = stage.scenario.resumes_within_s
    if within_s is None:
        return
    for fault in _on_devices(stage):
        by_s = fault.end_s + within_s + record.beat_s + record.slack_s
        back = next((at_s for at_s, row in zip(record.at_s, record.rows, strict=True)
                     if at_s >= fault.end_s and row[_FLAGS] & TRUSTED and row[_COMMAND]), None)
        if back is None or back > by_s:
            when = f"{back - fault.end_s} s later" if back else "never"
            yield (f"{clock(fault.end_s)}: {fault.kind} of the {fault.device} ended, and the "
                   f"battery was at work again {when}; expected within {within_s} s")


def _works(stage: Stage, record: Record) -> Problems:
    if not stage.scenario.works_through:
        return
    for fault in stage.scenario.faults:
        for at_s, row in zip(record.at_s, record.rows, strict=True):
            if fault.at_s <= at_s <= fault.end_s and not (row[_FLAGS] & TRUSTED and row[_COMMAND]):
                yield f"{clock(at_s)}: {fault.kind} made the battery rest"
                break


def _demand(stage: Stage, record: Record) -> Problems:
    limit_w = stage.scenario.demand_max_w
    if limit_w is None:
        return
    windows: dict[int, list[int]] = {}
    for one in record.samples:
        windows.setdefault(one.at_s // _QUARTER_S, []).append(max(one.grid_w, 0))
    whole = {number: sum(found) // len(found) for number, found in windows.items()
             if len(found) * record.beat_s == _QUARTER_S}
    if not whole:
        yield "no quarter-hour passed from end to end: nothing is proven of the demand"
    for number, mean_w in whole.items():
        if mean_w > limit_w + limit_w * _DEMAND_PM // 1000:
            yield (f"{clock(number * _QUARTER_S)}: the window imported {mean_w} W, "
                   f"expected at most {limit_w} W")


def _island(stage: Stage, record: Record) -> Problems:
    """What a site of its own went through; a generator's least load is asked for always."""
    scenario, life = stage.scenario, record.life
    if not life:
        return
    if "charged_wh" in life:
        if life["charged_wh"] < (scenario.charged_wh or 0):
            yield (f"vehicles were charged with {life['charged_wh']} Wh, expected at least "
                   f"{scenario.charged_wh} Wh")
        return
    most_s = scenario.black_max_s
    if most_s is not None and life["black_s"] > most_s:
        yield f"the island was black for {life['black_s']} s, expected at most {most_s} s"
    if life["island_s"] < (scenario.island_s or 0):
        yield f"on its own for {life['island_s']} s, expected at least {scenario.island_s} s"
    if scenario.shed:
        if not any(row[_FLAGS] & _SHED for row in record.rows):
            yield "no load was shed: nothing is proven"
        if life["shed_now"]:
            yield f"{life['shed_now']} loads were still shed in the end"
    starts, most = life.get("starts", 0), scenario.starts_max
    if most is not None and not 1 <= starts <= most:
        yield f"the generator was started {starts} times, expected 1 .. {most}"
    low_s = dict(stage.image["rules"]).get("generator", {}).get("low_s")
    if low_s and life["low_most_s"] > low_s + 2 * record.beat_s:
        yield f"the generator ran below its least load for {life['low_most_s']} s"


def _ledger(stage: Stage, record: Record) -> Problems:
    """A ledger that is kept must stand before an auditor and on the plant's meters."""
    if record.kept is None:
        return
    yield from record.kept.verdict.faults
    if not stage.scenario.laundered:
        return
    pvs, beat_s = stage.pvs, record.beat_s
    if light := [one.at_s for one in record.samples
                 if one.store_w < 0 and pvs[one.at_s // beat_s % len(pvs)]]:
        yield (f"{clock(light[0])}: it charged while the sun shone: the plant's registers do not "
               "tell whose carbon that is")
    else:
        yield from laundered.wrong(record.kept)


def _watches(stage: Stage, record: Record) -> Problems:
    for watch in stage.scenario.watches:
        place, slack_s = FIELDS.index(watch.field), record.slack_s
        for at_s, row in zip(record.at_s, record.rows, strict=True):
            inside = watch.at_least <= row[place] <= watch.at_most
            if watch.from_s + slack_s <= at_s <= watch.to_s - slack_s and not inside:
                yield (f"{clock(at_s)}: {watch.field} was {row[place]}, "
                       f"expected {watch.at_least} .. {watch.at_most}")
                break


def _noticed(stage: Stage, record: Record) -> Problems:
    names = stage.scenario.noticed
    if names and record.counts and not any(record.counts.get(name) for name in names):
        yield f"no {' or '.join(names)} were counted on the buses: the fault never arrived"
    if _on_devices(stage) and record.counts.get("struck") == 0:
        yield "no request met with a fault: nothing is proven"


def _manners(stage: Stage, record: Record) -> Problems:
    """A device that is not given its time between two frames loses one of them, or both."""
    if hasty := record.counts.get("hasty"):
        yield f"{hasty} requests came before their line had rested"


def _delivered(stage: Stage, record: Record) -> Problems:
    if not stage.scenario.delivered or record.stored is None:
        return
    if record.waited == 0:
        yield "no frame ever waited for the cloud: nothing is proven"
    stored = set(record.stored)
    if len(stored) != len(record.stored):
        yield f"{len(record.stored) - len(stored)} rows are in the store twice"
    kept = [tuple(row) for row in record.rows]
    if strange := stored - {*kept, *record.after}:
        yield f"{len(strange)} rows in the store are in no journal"
    # frames go up in order: only the newest rows may still be on their way, or in the outbox
    last = max((n for n, row in enumerate(kept) if row in stored), default=-1)
    if lost := set(kept[:last + 1]) - stored:
        yield f"{len(lost)} of {len(kept)} rows are not in the store, though later ones are"
    if record.held is not None and (lost := set(kept[last + 1:]) - stored - set(record.held)):
        yield f"{len(lost)} rows are neither in the store nor in the outbox"
    if (late := len(kept) - last - 1) > record.tail_rows:
        yield f"{late} rows have not arrived, expected at most {record.tail_rows}"


_QUESTIONS: tuple[Callable[[Stage, Record], Problems], ...] = (
    _has_rows, _faults, _beats, _limits, _energy, _rests, _resumes, _works, _demand, _island,
    _ledger, _watches, _noticed, _manners, _delivered)


def _on_devices(stage: Stage) -> list[Planned]:
    return [fault for fault in stage.scenario.faults if fault.device]


def _fallback_w(stage: Stage) -> int:
    fallback_w: int = dict(stage.image["rules"])["fresh"]["fallback_w"]
    return fallback_w


def _command_before(record: Record, at_s: int) -> int:
    """The last command before a second."""
    return next((row[_COMMAND] for second, row in zip(reversed(record.at_s), reversed(record.rows),
                                                      strict=True) if second < at_s), 0)


def _commands(record: Record, from_s: int, to_s: int) -> Iterator[tuple[int, int]]:
    for at_s, row in zip(record.at_s, record.rows, strict=True):
        if from_s <= at_s < to_s:
            yield at_s, row[_COMMAND]
