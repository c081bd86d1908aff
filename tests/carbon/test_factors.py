"""Factor sets: what is shipped is whole and sourced, what is wrong is one line, history stays."""

from __future__ import annotations

import copy
import datetime
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloud_bridge import source
from cloud_bridge.carbon import carriers, factors, standard
from cloud_bridge.carbon.measure import measure
from cloud_bridge.carbon.quarters import index_of
from cloud_bridge.documents import Document
from cloud_bridge.fields import DocumentError
from tests.carbon.papers import FIRST, ISSUED, change, quarter, shipped

GRID = {  # mg per kWh, as the bulletins have them
    "cn_910_fossil": 832_500, "cn_fossil_2023": 827_300, "cn_average_2022": 536_600,
    "cn_average_2023": 530_600, "cn_residual_2023": 609_600, "cn_north_2023": 636_100,
    "cn_northeast_2023": 512_200, "cn_east_2023": 550_000, "cn_central_2023": 527_100,
    "cn_northwest_2023": 554_300, "cn_south_2023": 404_200, "cn_southwest_2023": 247_200,
}
ROW = {"energy": "grid", "value": "0.5", "unit": "kg/kWh", "gas": "CO2", "basis": "average",
       "year": 2025, "source": "a bulletin", "valid_from": "2026-01-01"}
BODY = {"name": "x", "title": "X", "region": "CN", "utc_offset_min": 480,
        "factors": [ROW, {**ROW, "energy": "residual", "value": "0.8325", "basis": "fossil"}]}


def made(*rows, **head):
    return factors.read(Document("factors", ISSUED, {
        **BODY, **head, "factors": [{**ROW, **row} for row in rows] or BODY["factors"]}))


def test_every_shipped_set_has_been_looked_at():
    assert sorted(GRID) == factors.shipped()


@pytest.mark.parametrize("name", GRID)
def test_a_shipped_set_has_its_values_and_a_source_for_each(name):
    found = shipped(name)
    assert found.name == name
    assert found.mg_per_kwh("grid", FIRST) == GRID[name]
    assert found.mg_per_kwh("pv", FIRST) == found.mg_per_kwh("direct", FIRST) == 0
    # what nobody knows is never cleaner than the grid, nor is a generator without a row
    assert found.mg_per_kwh("gen", FIRST) == found.mg_per_kwh("residual", FIRST) >= GRID[name]
    year = int(re.sub(r"\D", "", name.replace("910", ""))[-4:] or 2022)
    for factor in found.factors:
        assert len(factor.source) > 20
        assert factor.year == year or factor.basis == "direct" or name == "cn_average_2022"


def test_every_shipped_carrier_and_standard_can_be_read():
    found = carriers.load()
    assert float(found["natural_gas"].co2_t) == pytest.approx(0.002162, abs=1e-6)  # t per m3
    assert float(found["diesel"].co2_t) == pytest.approx(3.096, abs=1e-3)
    assert float(found["raw_coal"].co2_t) == pytest.approx(1.900, abs=1e-3)
    gas = found["natural_gas"]
    assert float(gas.co2_t / gas.tce) == pytest.approx(1.63, abs=0.005)
    for name in standard.shipped():
        method = standard.load(name).method
        assert not method.deduct_export
        assert not method.certificates_of_stored
        assert method.heat == "heat"  # 0.11 rather than 0.06
        assert found[method.heat].co2_t == max(one.co2_t for one in found.values()
                                               if one.name.startswith("heat"))


def test_another_set_is_another_view_and_no_other_energy():
    rows = [quarter(FIRST + n, 1000 * n, 500, factor_set=shipped().id.hex()) for n in range(8)]
    official, average = (measure(rows, shipped(name), FIRST, FIRST + 8)
                         for name in ("cn_910_fossil", "cn_average_2023"))
    assert official.emitted_ug == 28_000 * 832_500
    assert average.emitted_ug == 28_000 * 530_600
    assert official.load_wh == average.load_wh == 32_000
    assert average.sets == {shipped().id.hex()}  # still what the records were made with


def test_hours_come_from_a_file(tmp_path):
    (tmp_path / "hours.csv").write_text("0.5\n0.25\n" * 12)
    (tmp_path / "set.toml").write_text(
        'kind = "factors"\nissued = 2026-01-01\nname = "h"\ntitle = "H"\nregion = "CN"\n'
        "utc_offset_min = 480\n"
        '[[factors]]\nenergy = "grid"\nbasis = "hourly"\nhourly_file = "hours.csv"\n'
        'unit = "kg/kWh"\ngas = "CO2"\nyear = 2026\nsource = "s"\nvalid_from = 2026-01-01\n'
        '[[factors]]\nenergy = "residual"\nbasis = "fossil"\nvalue = 832.5\nunit = "g/kWh"\n'
        'gas = "CO2"\nyear = 2022\nsource = "s"\nvalid_from = 2026-01-01\n')
    found = factors.read(source.load(tmp_path / "set.toml"))
    assert [found.mg_per_kwh("grid", FIRST + n) for n in range(9)] == \
        [500_000] * 4 + [250_000] * 4 + [500_000]
    assert found.mg_per_kwh("gen", FIRST) == 832_500
    with pytest.raises(DocumentError, match="has no factor of grid for 2026-01-01"):
        found.mg_per_kwh("grid", FIRST + 96)


def test_hours_are_as_many_as_the_days_have():
    row = {**ROW, "basis": "hourly", "hourly": ["0.5"] * 24, "valid_until": "2026-01-01"}
    del row["value"]
    body = {**BODY, "factors": [row, BODY["factors"][1]]}
    assert factors.read(Document("factors", ISSUED, body)).mg_per_kwh("grid", FIRST + 95) == 500_000
    row["valid_until"] = "2026-01-02"
    with pytest.raises(DocumentError, match="expected one value for each hour of valid_from"):
        factors.read(Document("factors", ISSUED, body))


def test_a_factor_is_in_force_from_one_local_day_to_another():
    found = made({"valid_until": "2026-01-31"}, {"value": "0.4", "valid_from": "2026-02-01"},
                 {"energy": "residual"})
    february = index_of(datetime.date(2026, 2, 1), 480)
    assert found.mg_per_kwh("grid", february - 1) == 500_000
    assert found.mg_per_kwh("grid", february) == 400_000
    with pytest.raises(DocumentError, match="has no factor of grid"):
        found.mg_per_kwh("grid", FIRST - 1)


@pytest.mark.parametrize(("rows", "said"), [
    ([{}], "factor set: factors: found nothing, expected one of residual, for what is unknown"),
    ([{}, {}, {"energy": "residual"}],
     "factors[1]: valid_from: found '2026-01-01', expected a time in which no other factor of grid "
     "is valid"),
    ([{"value": "0.53061234"}], "factors[0]: value: found '0.53061234 kg/kWh', expected whole "
                                "mg per kWh, at most 5000000"),
    ([{"value": 532}], "factors[0]: value: found '532 kg/kWh', expected whole mg per kWh, "
                       "at most 5000000"),
    ([{"value": "-0.1"}], "factors[0]: value: found '-0.1', expected an amount, exact, e.g. "
                          '"12.5", at most nine decimals'),
    ([{"unit": "t/kWh"}], "factors[0]: unit: found 't/kWh', expected one of kg/kWh t/MWh g/kWh"),
    ([{"gas": "CO2e"}], "factors[0]: gas: found 'CO2e', expected one of CO2"),
    ([{"basis": "hourly"}], "factors[0]: basis: found 'hourly', expected hourly with hourly_file, "
                            "and only there"),
    ([{"valid_until": "2025-12-31"}], "factors[0]: valid_until: found '2025-12-31', expected a day "
                                      "not before valid_from"),
    ([{"valid_until": "9999-12-31"}], "factors[0]: valid_until: found '9999-12-31', expected a "
                                      "date from 2000 to 2199, e.g. 2026-01-31"),
    ([{"sauce": "x"}], "factors[0]: unknown key 'sauce', expected one of energy basis gas unit "
                       "value hourly year source note valid_from valid_until"),
    ([{"source": ""}], "factors[0]: source: found '', expected a text of 1 .. 500 printable "
                       "characters"),
])
def test_a_mistake_is_one_line(rows, said):
    with pytest.raises(DocumentError) as error:
        made(*rows)
    assert str(error.value) == said


@given(st.data())
def test_a_body_that_is_anything_is_read_or_refused_in_one_way(data):
    body = copy.deepcopy(BODY)
    change(data.draw, body)
    said = ""
    try:
        factors.read(Document("factors", ISSUED, body)).mg_per_kwh("grid", FIRST)
    except DocumentError as error:
        said = str(error)
    assert "\n" not in said


@pytest.mark.parametrize(("text", "said"), [
    ("x = ", "s.toml: is not TOML: Invalid value (at end of document)"),
    ('kind = "passport"\nissued = 2026-01-01',
     "s.toml: document: kind: found 'passport', expected one of factors statement"),
    ('kind = "factors"\nissued = 2026-01-01\nname = true',
     "s.toml: document: name: found True, expected whole numbers, texts, arrays and objects only"),
    ('kind = "factors"', "s.toml: document: issued: found nothing, expected a date from "
                         "2000 to 2199, e.g. 2026-01-31"),
])
def test_a_source_that_is_wrong_is_one_line(tmp_path, text, said):
    path = tmp_path / "s.toml"
    path.write_text(text)
    with pytest.raises(DocumentError) as error:
        source.load(path)
    assert str(error.value) == said


@given(st.binary(max_size=80))
def test_a_source_that_is_anything_is_read_or_refused_in_one_way(tmp_path_factory, content):
    path = tmp_path_factory.getbasetemp() / "any.toml"
    path.write_bytes(content)
    with pytest.raises(DocumentError):
        source.load(path)
