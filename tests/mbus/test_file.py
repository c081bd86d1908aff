"""The file of `parkedge serve mbus`: what it says, and one clear line for each mistake."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from boards.mbus_file import FileError, load
from boards.mbus_frame import Identity
from tests.conftest import ROOT

EXAMPLE = ROOT / "examples" / "steam" / "mbus.toml"
FILE = """
[line]
path = "/dev/ttyUSB0"

[[meter]]
name = "boiler"
unit = 1
address = 5
secondary = "06855817 KAM 08 04"
medium = "heat"
records = { cold_wh = "04 86 3C" }

[[meter]]
name = "well"
unit = 2
secondary = "7011FFFF"
medium = "water"
poll_s = 3600
reads_per_day = 24
"""


@pytest.fixture
def read(tmp_path):
    def run(text):
        path = tmp_path / "meters.toml"
        path.write_text(text)
        return load(path)

    return run


def test_what_it_says_is_what_is_read(read):
    file = read(FILE)
    assert (file.line["baud"], file.line["parity"]) == (2400, "E")
    assert (file.serve["address"], file.serve["port"]) == ("127.0.0.1", 5020)
    boiler, well = file.meters
    assert (boiler.address, boiler.identity) == (5, Identity("06855817", "KAM", 8, 4))
    assert (boiler.energy, boiler.records) == ("heat_wh", {"cold_wh": "04 86 3C"})
    assert (boiler.poll_s, boiler.stale_s) == (900, 2700)
    assert (well.address, well.identity) == (None, Identity("7011FFFF"))


def test_the_example_is_one():
    assert len(load(EXAMPLE).meters) > 1


@pytest.mark.parametrize(("old", "new", "line"), [
    ('path = "/dev/ttyUSB0"', "", "line: expected a path (of a serial device) or a host (of a TCP"),
    ('path = "/dev/ttyUSB0"', 'host = "10.0.0.9"', "line.port: found nothing, expected the TCP"),
    ('path = "/dev/ttyUSB0"', 'path = "/dev/ttyUSB0"\nbaud = 2401',
     "line.baud: found 2401, expected one of 300 600 1200 2400"),
    ('path = "/dev/ttyUSB0"', 'pth = "/dev/ttyUSB0"', "line.pth: "),
    ("unit = 2", "unit = 1", "meter.unit: found 1 2 times, expected once"),
    ("unit = 2", "unit = 248", "meter 2.unit: found 248, expected a whole number 1 .. 247"),
    ('name = "well"', 'name = "boiler"', "meter.name: found boiler 2 times"),
    ("address = 5", "address = 251", "meter 1.address: found 251, expected a whole number"),
    ('secondary = "7011FFFF"', "", "meter 2: expected its primary address, or who it is"),
    ('"7011FFFF"', '"7011FFFF KAM 8"', 'meter 2.secondary: found "7011FFFF KAM 8", expected '),
    ('medium = "water"', 'medium = "tea"', 'meter 2.medium: found "tea", expected one of water '),
    ("poll_s = 3600", "poll_s = 900", "meter 2.poll_s: found 900, expected at least 3600 s: its "
     "battery bears reads_per_day = 24"),
    ("poll_s = 3600", "poll_s = 3600\nstale_s = 3600", "meter 2.stale_s: found 3600, expected"),
    ('cold_wh = "04 86 3C"', 'cold_wh = "04 13"', 'meter 1.records.cold_wh: found "04 13", '
     "expected the octets before a record of energy"),
    ('cold_wh = "04 86 3C"', "cold_wh = 4", "meter 1.records.cold_wh: found 4, expected"),
    ('cold_wh = "04 86 3C"', 'cold_wh = "04 06 01"', "meter 1.records.cold_wh: found"),
    ('cold_wh = "04 86 3C"', 'cold = "04 06"', "meter 1.records.cold: unknown key, expected one of "
     "heat_wh cold_wh"),
    ("[line]", "[lines]", "lines: unknown key, expected one of line serve meter"),
    ("[line]", "[line", "not TOML"),
])
def test_a_mistake_is_one_clear_line(read, old, new, line):
    assert old in FILE
    with pytest.raises(FileError) as caught:
        read(FILE.replace(old, new))
    found = [said for said in caught.value.lines if said.startswith(f"meters.toml: {line}")]
    assert len(found) == 1, caught.value.lines


def test_without_meters_there_is_nothing_to_serve(read):
    with pytest.raises(FileError, match="meter: found nothing, expected tables"):
        read(FILE.partition("[[meter]]")[0])



@given(st.data())
def test_any_value_anywhere_is_read_or_refused(tmp_path_factory, data):
    key = data.draw(st.sampled_from(("path", "baud", "address", "secondary", "medium", "poll_s",
                                     "records", "unit", "stale_s", "name")))
    value = data.draw(st.sampled_from(('""', '"F"', "[]", "{}", "-1", "0", "1.5", "true", '"04"',
                                       '{ volume_l = "FF" }', '{ volume_l = [] }', "[[1]]",
                                       '{ volume_l = "0C 13" }')))
    lines = [line if not line.startswith(f"{key} =") else f"{key} = {value}"
             for line in FILE.splitlines()]
    path = tmp_path_factory.mktemp("any") / "meters.toml"
    path.write_text("\n".join(lines))
    try:
        said = [one.name for one in load(path).meters]
    except FileError as error:
        said = list(error.lines)
    assert said
    assert all("\n" not in line for line in said)
