"""What `check` says of a site's cloud, and what of it comes into the build."""

import pytest

from boards import build
from boards.describe import summary, text
from boards.image import compile_site
from boards.site import check_bytes
from boards.site_tables import clouds
from tests.conftest import ROOT

FOUNDRY = ROOT / "examples" / "foundry" / "site.toml"
TEXT = FOUNDRY.read_text(encoding="utf-8")
BROKER = TEXT[TEXT.index("[broker]"):TEXT.index("# Rules")]
TABLES = {"plain": "", "aws": 'thing = "gw-7"', "eventgrid": 'client = "gw-7"',
          "iothub": 'device = "gw-7"', "alibaba": 'product = "a1"\ndevice = "gw-7"',
          "huawei": 'device = "a1_gw-7"', "thingsboard": 'device = "hall"'}


def judged(cloud, table=None, broker="", more=""):
    table = TABLES[cloud] if table is None else table
    text = f'[broker]\nhost = "mqtt.example.com"\ncloud = "{cloud}"\n{broker}\n{more}\n'
    if table:
        text += f"[cloud]\n{table}\n"
    return check_bytes(TEXT.replace(BROKER, text).encode(), FOUNDRY)


def test_every_cloud_has_a_valid_site_here():
    assert set(TABLES) == set(clouds())


@pytest.mark.parametrize("cloud", TABLES)
def test_only_the_cloud_that_is_named_is_built(cloud, monkeypatch):
    monkeypatch.delenv("PARKEDGE_BROKER_PASSWORD", raising=False)
    native = "json_s = 60" if clouds()[cloud].native else ""
    found = judged(cloud, broker=native)
    assert found.errors == ()
    modules = build.edge_modules(compile_site(found.site))
    assert {name for name in modules if name.startswith("edge.clouds.")} \
        == {f"edge.clouds.{cloud}"}
    assert ("edge.native" in modules) == bool(native)
    asked = [line for line in found.warnings if "PARKEDGE_BROKER_PASSWORD" in line]
    assert len(asked) == bool(clouds()[cloud].secret)


@pytest.mark.parametrize(("cloud", "keys", "line"), [
    ("iothub", {"table": ""}, "cloud: found nothing, expected a table [cloud] with device"),
    ("alibaba", {"table": 'product = "a1"'}, "cloud.device: found nothing, expected a text"),
    ("alibaba", {"table": 'product = "a1"\ndevice = "a/b"'},
     "cloud.device: found the character 47, expected letters, digits and -_.:@"),
    ("alibaba", {"table": f'product = "{"p" * 64}"\ndevice = "{"d" * 64}"'},
     f"cloud: topic /{'p' * 64}/{'d' * 64}/user/b of 137 bytes and 5 levels, expected at most 128"),
    ("huawei", {"table": f'device = "{"d" * 101}"'}, "cloud.device: found 101 of them"),
    ("aws", {"table": 'thing = ""'}, "cloud.thing: found"),
    ("aws", {"broker": "json_s = 60"}, "broker.json_s: broker.cloud aws has no JSON of its own"),
    ("plain", {"broker": "json_s = 60"}, "broker.json_s: broker.cloud plain has no JSON"),
    ("plain", {"table": 'thing = "x"'}, "cloud: broker.cloud plain has no such table"),
    ("thingsboard", {}, "broker.json_s: found 0 s, expected 1 .. 3600 s"),
    ("eventgrid", {"broker": 'user = "x"'}, 'broker.user: found "x", expected nothing'),
    ("alibaba", {"broker": "json_s = 60", "more": "[commands]"},
     "commands: their results are frames, which are not sent beside broker.json_s"),
    ("iothub", {"more": "[live]\nperiod_s = 60"},
     "live.period_s: needs a topic of its own, which iothub does not have"),
    ("iothub", {"table": 'devise = "gw"'}, "cloud.devise: unknown key; did you mean device?"),
])
def test_each_mistake_has_its_line(cloud, keys, line):
    found = judged(cloud, **keys)
    assert found.site is None
    said = [one.removeprefix("site.toml: ") for one in found.errors]
    assert any(one.startswith(line) for one in said), said


@pytest.mark.parametrize("cloud", sorted(set(clouds()) - {"plain", "thingsboard"}))
def test_commands_come_from_every_cloud_that_has_a_way_down(cloud):
    assert judged(cloud, more="[commands]").errors == ()


def test_a_cloud_nobody_knows():
    found = check_bytes(TEXT.replace(BROKER, '[broker]\nhost = "h"\ncloud = "iotub"\n').encode(),
                        FOUNDRY)
    assert any("broker.cloud" in line and 'did you mean "iothub"?' in line
               for line in found.errors)


def test_no_host_no_cloud():
    found = check_bytes(TEXT.replace(BROKER, '[broker]\ncloud = "aws"\n[cloud]\nthing = "x"\n')
                        .encode(), FOUNDRY)
    assert any("broker.host: found nothing, expected the address of aws" in line
               for line in found.errors)


def test_check_tells_whose_it_is():
    found = judged("alibaba", broker="json_s = 60")
    told = summary(found)
    assert told["cloud"] == {"cloud": "alibaba", "json_s": 60, "product": "a1", "device": "gw-7"}
    assert "cloud   cloud alibaba, json_s 60, product a1, device gw-7" in text(told).splitlines()
    assert "cloud" not in summary(judged("plain"))


def test_a_secret_that_is_given_is_not_asked_for(monkeypatch):
    monkeypatch.setenv("PARKEDGE_BROKER_PASSWORD", "sesame")
    assert not [line for line in judged("huawei").warnings if "PARKEDGE" in line]


@pytest.mark.parametrize("cloud", ["alibaba", "huawei", "aws", "eventgrid"])
def test_a_cloud_with_a_second_way_down_takes_commands(cloud):
    assert judged(cloud, more="[commands]").errors == ()
