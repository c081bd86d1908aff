"""How demand is billed: what it costs to rise, what is paid for anyway, mistakes told."""

from __future__ import annotations

import pytest

from boards import tariff_words
from tests.boards.sites import changed, judge
from tests.boards.test_tariff_calendar import HEAD, good, read

PERIODS = 'periods = [["00:00", "24:00", 0.5]]\n'
BY = {
    "maximum": ("price = 40.0\n", 400_000, 0, "highest demand at 40 a kW and month"),
    "least": ("price = 40.0\ncapacity_kva = 1000\nleast_pm = 400\n", 400_000, 400_000,
              "highest demand at 40 a kW and month, at least 400 kW"),
    "contract": ('by = "contract"\nprice = 40.0\ncontract_kw = 1000\n', 800_000, 1_050_000,
                 "contract 1000 kW at 40 a month, above 105 % of it 2 times as dear"),
    "capacity": ('by = "capacity"\nprice = 23.0\ncapacity_kva = 1250\n', 0, 0,
                 "capacity 1250 kVA at 23 a month: a peak costs nothing"),
    "year": ("price = 119.08\nmonths = 12\n", 1_190_800, 0,
             "highest demand at 119.08 a kW and year"),
    "rule": ("price = 40.0\ncapacity_kva = 1250\nuse_kwh_per_kva = 260\nuse_price_pm = 900\n"
             "day = 26\n", 400_000, 0, "highest demand at 40 a kW and month; 90 % of that from 260 "
             "kWh a kVA on; billing month from day 26"),
}


@pytest.mark.parametrize("name", BY)
def test_what_a_kilowatt_more_costs(name):
    keys, rising_e4, paid_w, words = BY[name]
    found = good(HEAD + PERIODS + "[demand]\n" + keys)
    assert (found.demand_e4, found.demand.paid_w) == (rising_e4, paid_w)
    assert tariff_words.structure(found) == "every day alike; " + words


def test_a_plain_demand_table_is_what_demand_price_is():
    assert good(HEAD + PERIODS + "[demand]\nprice = 40.0\n").image(None) == good(
        HEAD + "demand_price = 40.0\n" + PERIODS).image(None)


@pytest.mark.parametrize(("keys", "line"), [
    ("", "demand.price: found nothing, expected a price 0 .. 10000 with at most four decimals"),
    ('price = 1\nby = "peak"\n', 'demand.by: found "peak", expected one of maximum contract '
                                 "capacity"),
    ('price = 1\nby = "contract"\n', 'demand.contract_kw: found nothing, expected a whole number, '
                                     'as by = "contract"'),
    ('price = 1\nby = "capacity"\n', 'demand.capacity_kva: found nothing, expected a whole number, '
                                     'as by = "capacity"'),
    ("price = 1\ncontract_kw = 5\n", 'demand.contract_kw: found 5, expected by = "contract", found '
                                     '"maximum"'),
    ("price = 1\nleast_pm = 400\n", "demand.capacity_kva: found nothing, expected a whole number, "
                                    "as least_pm is given"),
    ("price = 1\nuse_kwh_per_kva = 260\ncapacity_kva = 9\n",
     "demand.use_price_pm: found nothing, expected it and use_kwh_per_kva, or neither"),
    ('price = 1\nby = "contract"\ncontract_kw = 399\ncapacity_kva = 1000\nleast_pm = 400\n',
     "demand.contract_kw: found 399, expected at least 400: 400 per mille of 1000 kVA"),
    ("price = 1\nday = 29\n", "demand.day: found 29, expected a whole number 1 .. 28"),
    ("price = 1\nmonths = 3\n", "demand.months: found 3, expected one of 1 12"),
    ('price = 1\nmonths = 12\nby = "contract"\ncontract_kw = 9\n',
     'demand.months: found 12, expected by = "maximum" and no further rule'),
    ("price = 1\n[demand.charges]\npeak = 9\n",
     'demand.charges.peak: found "a charge that no hour has", expected it among the charges of a '
     "profile"),
    ("price = 1\n[demand.charges]\npeak = -9\n",
     "demand.charges.peak: found -9, expected a price 0 .. 10000 with at most four decimals"),
    ('price = 6000\nby = "contract"\ncontract_kw = 9\n',
     'demand: found "12000 for a kW more", expected at most 10000'),
    ("price = 1\ncapacity_kva = 100000\nleast_pm = 500\n",
     "demand.least_pm: found 500, expected at most 8000 kW paid for anyway"),
])
def test_a_wrong_demand_is_told(keys, line):
    found, lines = read(HEAD + PERIODS + "[demand]\n" + keys)
    assert found is None
    assert lines == [f"t.toml: {line}"]


def test_demand_is_said_once():
    found, lines = read(HEAD + "demand_price = 1\n" + PERIODS + "[demand]\nprice = 1\n")
    assert found is None
    assert lines == ["t.toml: demand_price: found 1, expected it or a table [demand], not both"]
    found, lines = read(HEAD + PERIODS)
    assert lines == ["t.toml: demand_price: found nothing, expected a price 0 .. 10000 with at "
                     "most four decimals, or a table [demand]"]


def test_a_target_below_what_is_paid_for_anyway_is_a_warning():
    text = changed(("cn_two_part", "cn_jiangsu"), ("target_w = 0", "target_w = 300_000"))
    assert ("site.toml: tariff.file: cn_jiangsu.toml bills 525000 W of demand anyway: "
            "rules.demand.target_w = 300000 W shaves for nothing") in judge(text).warnings


def test_a_surplus_that_would_earn_more_than_it_saves_is_warned_of(tmp_path):
    for earns, warned in ((0.25, False), (0.28, True)):  # of 0.30 stored, 90 % come back
        (tmp_path / "own.toml").write_text(
            f'name = "own"\ncurrency = "EUR"\ndemand_price = 1\nexport_price = {earns}\n'
            'periods = [["00:00", "24:00", 0.30]]\n', encoding="utf-8")
        found = judge(changed(("cn_two_part.toml", "own.toml")), tmp_path / "site.toml").warnings
        assert any("a surplus is stored all the same" in line for line in found) == warned
