"""Scenario and rig files: what may stand in them, and what is said when it does not."""

import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hil import amend, scenario
from hil.rig import Schedule
from hil.scenario import Planned, ScenarioError
from hil.scenario import fault as made
from tests.hil.little import FOUNDRY

WHOLE = '''
about = "x"
start = "10:00"
for = "60 s"
[[fault]]
kind = "silence"
device = "grid_meter"
at = "10:00:10"
for = "20 s"
'''


def written(folder: Path, text: str) -> Path:
    path = folder / "mine.toml"
    path.write_text(text)
    return path


@pytest.mark.parametrize("path", scenario.shipped(), ids=lambda path: path.stem)
def test_every_shipped_scenario_expects_something(path: Path) -> None:
    one = scenario.read(path)
    hopes = (one.rests_within_s, one.resumes_within_s, one.demand_max_w, one.works_through,
             one.delivered, one.watches, one.island_s, one.shed, one.laundered, one.charged_wh)
    assert any(hope is not None and hope is not False and hope != () for hope in hopes)


@pytest.mark.parametrize("path", sorted((scenario.HERE / "rigs").glob("*.toml")),
                         ids=lambda path: path.stem)
def test_every_shipped_rig_has_a_valid_site(path: Path) -> None:
    file = scenario.read_rig(path)
    assert amend.site(amend.change(amend.read(file.site), file.change), file.site)


def test_a_whole_scenario(tmp_path: Path) -> None:
    one = scenario.read(written(tmp_path, WHOLE))
    assert (one.name, one.start_s, one.end_s) == ("mine", 36_000, 36_060)
    assert one.faults == (Planned("silence", 36_010, 20, "grid_meter", made("silence", {})),)
    assert not one.needs_wire
    assert not one.needs_cloud


@pytest.mark.parametrize(("old", "new", "said"), [
    ('kind = "silence"', 'kind = "silense"', 'fault[0].kind: found silense'),
    ('kind = "silence"', 'kind = "late"\nby_s = 3', "fault[0].by_s: unknown key, late has by_ms"),
    ('device = "grid_meter"', "", "fault[0].device: found nothing, expected one of grid_meter"),
    ('at = "10:00:10"', 'at = "10:00:50"', "fault[0]: found \"10:00:50 - 10:01:10\", expected"),
    ('at = "10:00:10"', 'at = "9 o\'clock"', 'expected a time as "10:05"'),
    ('for = "60 s"', 'for = "a while"', 'expected a length of time as "8 s"'),
    ('about = "x"', 'about = "x"\nstrat = 1', "strat: unknown key"),
    ("[[fault]]", "[expect]\nrests_within = 3\n[[fault]]", "expect.rests_within: unknown key"),
    ("[[fault]]", "[[watch]]\nfield = \"grid\"\n[[fault]]", "watch[0].field: found \"grid\""),
])
def test_each_mistake_is_told(tmp_path: Path, old: str, new: str, said: str) -> None:
    assert old in WHOLE
    with pytest.raises(ScenarioError) as error:
        scenario.read(written(tmp_path, WHOLE.replace(old, new, 1)))
    assert said in str(error.value)


def test_one_of_a_list_of_tables_is_changed_and_nothing_else() -> None:
    raw = amend.read(FOUNDRY)
    bus = {"name": "meter-line", "link": "tcp", "host": "192.168.10.13"}
    changed = amend.change(raw, {"bus.0": bus, "bus.0.timeout_ms": 2500, "device.1.unit": 0})
    assert changed["bus"][0] == {**bus, "timeout_ms": 2500}
    assert (changed["bus"][1:], changed["device"][1]["unit"]) == (raw["bus"][1:], 0)
    assert "timeout_ms" not in bus, "what it is changed to belongs to whoever said so"
    for key in ("bus.9.echo", "bus.first", "device.-1"):
        with pytest.raises(ValueError, match=r"expected 0 \.\. 3"):
            amend.change(raw, {key: 1})


@given(st.integers(0, 86_399))
def test_a_time_is_read_as_it_is_told(second: int) -> None:
    hours, minutes, seconds = second // 3600, second // 60 % 60, second % 60
    told = scenario.clock(second)
    assert told == f"{hours:02d}:{minutes:02d}" + (f":{seconds:02d}" if seconds else "")


FAULTS = st.lists(st.builds(
    lambda at_s, for_s: Planned("silence", at_s, for_s, "bms", made("silence", {})),
    st.integers(0, 50), st.integers(1, 30)), max_size=6)


@given(FAULTS, st.integers(1, 7))
def test_each_fault_begins_once_and_ends_once(faults: list[Planned], beat_s: int) -> None:
    log: list[tuple[str, int, Planned]] = []

    def told(what: str, now: list[int]) -> Callable[[Planned], None]:
        return lambda one: log.append((what, now[0], one))

    now = [0]
    schedule = Schedule(faults, told("begin", now), told("end", now))
    for at_s in range(0, 100, beat_s):
        now[0] = at_s
        schedule.reach(at_s)
    for what in ("begin", "end"):
        met = sorted((one.at_s, one.for_s) for kind, _, one in log if kind == what)
        assert met == sorted((one.at_s, one.for_s) for one in faults)
    for what, at_s, one in log:
        due_s = one.at_s if what == "begin" else one.end_s
        assert due_s <= at_s < due_s + beat_s or (what == "end" and one.for_s < beat_s)


KEYS = st.text("abcdefgh-_ü 1.\"", min_size=1, max_size=8)
VALUES = st.one_of(st.integers(-10**9, 10**9), st.text(max_size=12), st.booleans(),
                   st.lists(st.integers(-5, 5), max_size=3))
TABLES = st.dictionaries(KEYS, VALUES, max_size=4)
SITES = st.dictionaries(KEYS, st.one_of(VALUES, TABLES, st.lists(TABLES, min_size=1, max_size=3),
                                        st.dictionaries(KEYS, TABLES, max_size=3)), max_size=5)


@given(SITES)
def test_a_site_is_written_as_it_was_read(raw: amend.Raw) -> None:
    assert tomllib.loads(amend.text(raw)) == raw


def test_a_change_leaves_the_original_alone() -> None:
    raw = amend.read(FOUNDRY)
    moved = amend.place(amend.change(raw, {"rules.demand.target_w": 7}),
                        [{"path": "/dev/pts/9"}] * 4, {"host": "127.0.0.1", "port": 1})
    assert raw == amend.read(FOUNDRY)
    assert moved["rules"]["demand"]["target_w"] == 7
    assert {bus["path"] for bus in moved["bus"]} == {"/dev/pts/9"}
    assert moved["broker"]["host"] == "127.0.0.1"
