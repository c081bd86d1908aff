"""Standards and carriers in somebody's own file: read, or one line says what is wrong."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from boards import carbon
from boards.shapes import Findings
from cloud_bridge.carbon import carriers, standard
from cloud_bridge.fields import DocumentError

LIMITS = "limits = [[200_000, 1_000_000, 0.2], [1_000_000, 1_000_000_000, 0.3]]"
TEXT = f'name = "x"\nsource = "s"\nkgce_per_kwh = 0.1229\n{LIMITS}\n[shares]\nclean = 90\n'


@pytest.mark.parametrize("name", standard.shipped())
def test_the_planner_reads_the_same_limits(name):
    planned = carbon.standard(standard.FOLDER / f"{name}.toml", Findings(name))
    judged = standard.load(name)
    assert planned is not None
    assert [(low, high, limit) for low, high, limit in planned.limits] == list(judged.limits)
    assert planned.kgce_per_kwh == judged.kgce_per_kwh
    assert judged.valid_from is not None
    assert judged.source
    assert judged.region


def test_a_switch_that_is_left_out_flatters_least(tmp_path):
    path = tmp_path / "x.toml"
    path.write_text(TEXT)
    found = standard.load(str(path))
    assert found.method == standard.Method()
    assert found.method == standard.load("cn_park_standard").method
    assert set(found.shares) == {"clean"}


@pytest.mark.parametrize(("change", "said"), [
    (("0.3]", "0.3, 1]"), "limits[1]: found [1000000, 1000000000, '0.3', 1], expected [tce from, "
                          "tce below, t CO2 per tce], rising, without overlap"),
    (("[[200_000, 1_000_000", "[[200_000, 1_000_001"),
     "limits[1]: found [1000000, 1000000000, '0.3'], expected [tce from, tce below, t CO2 per "
     "tce], rising, without overlap"),
    (("0.1229", "1.229"), "kgce_per_kwh: found '1229/1000', expected above 0, at most 1"),
    (("= 90", "= 0.9"), "shares: clean: found '0.9', expected 0 .. 100 %"),
    (("clean", "green"), "shares: unknown key 'green', expected one of direct clean waste_heat "
                         "water solid_waste"),
    (("[shares]", '[method]\ndeduct_export = "no"\n[shares]'),
     "method: deduct_export: found 'no', expected true or false"),
])
def test_a_mistake_is_one_line(tmp_path, change, said):
    path = tmp_path / "x.toml"
    path.write_text(TEXT.replace(*change, 1))
    with pytest.raises(DocumentError) as error:
        standard.load(str(path))
    assert str(error.value) == "x.toml: " + said


def test_a_standard_that_is_not_there(tmp_path):
    with pytest.raises(DocumentError, match="expected a file, or one of cn_hunan_standard_2027"):
        standard.load("cn_park")


def test_a_carrier_says_either_its_carbon_or_its_co2(tmp_path):
    path = tmp_path / "c.toml"
    text = 'name = "c"\ntitle = "C"\nsource = "s"\ngj_per_tce = 29.3076\n[[carriers]]\n' \
           'name = "wood"\nunit = "t"\ngj_per_unit = 15\nclean = "yes"\n'
    path.write_text(text + "co2_t_per_gj = 0\n")
    wood = carriers.load(path)["wood"]
    assert (wood.co2_t, wood.clean, wood.tce * 29_3076) == (0, True, 150_000)
    for wrong in ("", "oxidation = 1\n", "co2_t_per_gj = 0\noxidation = 1\n"):
        path.write_text(text + wrong)
        with pytest.raises(DocumentError, match=r"c.toml: carriers\[0\]: found 'wood', expected "
                                                "either co2_t_per_gj"):
            carriers.load(path)


@given(st.data())
def test_a_file_that_is_anything_is_read_or_refused_in_one_way(tmp_path_factory, data):
    path = tmp_path_factory.getbasetemp() / "any.toml"
    read, whole = data.draw(st.sampled_from([
        (standard.load, (standard.FOLDER / "cn_park_standard.toml").read_text()),
        (carriers.load, (carriers.FOLDER / "cn_mee.toml").read_text())]))
    at = data.draw(st.integers(0, len(whole)))
    junk = data.draw(st.text(max_size=4) | st.sampled_from(["\n", "0", "[", "inf", "1e9", '""']))
    path.write_text(whole[:at] + junk + whole[at + data.draw(st.integers(0, 9)):])
    said = ""
    try:
        read(path if read is carriers.load else str(path))
    except DocumentError as error:
        said = str(error)
    assert "\n" not in said
