"""The table [response] of a site file: what it needs, and what it brings into an image and a
build."""

from boards.build import edge_modules
from boards.image import compile_site
from boards.site import check_bytes
from tests.conftest import ROOT

FOUNDRY = ROOT / "examples" / "foundry" / "site.toml"
DEPOT = ROOT / "examples" / "depot" / "site.toml"


def judged(text, path=FOUNDRY):
    return check_bytes(path.read_bytes() + text.encode(), path)


def test_what_it_brings():
    found = judged("\n[commands]\n[response]\nevents = 3\n")
    assert found.site is not None, found.errors
    image = compile_site(found.site)
    assert image["response"]["events"] == 3
    assert [(name, keys) for name, keys in image["rules"] if name == "response"] == [
        ("response", {"word": 0}), ("response", {"word": 3})]
    names = [name for name, _ in image["rules"]]
    assert names.index("export") < names.index("response") < names.index("demand")
    assert {"edge.response.engine", "edge.response.orders", "edge.rules.response"} <= set(
        edge_modules(image))


def test_raising_the_import_speaks_before_the_demand_target_where_the_site_says_so():
    found = judged("\n[commands]\n[response]\nover_demand = 1\n")
    assert found.site is not None
    names = [name for name, _ in compile_site(found.site)["rules"]]
    demand = names.index("demand")
    assert names[demand - 2:demand] == ["response", "response"]
    assert names[demand + 1:].count("response") == 1


def test_a_site_without_it_has_nothing_of_it():
    found = judged("")
    assert found.site is not None
    image = compile_site(found.site)
    assert "response" not in image
    assert not any(name.startswith("edge.response") for name in edge_modules(image))


def test_events_need_somebody_who_brings_them():
    found = judged("\n[response]\n")
    assert any("response: found without [commands], expected both" in line
               for line in found.errors), found.errors


def test_several_batteries_are_refused():
    found = judged("\n[commands]\n[response]\n", DEPOT)
    assert any("response: found beside several batteries" in line
               for line in found.errors), found.errors


def test_its_contact_is_read_where_it_is_used():
    path = ROOT / "examples" / "clinic" / "site.toml"
    text = path.read_text()
    assert 'signals = ["islanded"' in text
    asked = text.replace('signals = ["islanded"', 'signals = ["opt_out", "islanded"')
    found = check_bytes(asked.encode(), path)
    assert any("signals that somebody uses: this one needs [rules.response]" in line
               for line in found.errors), found.errors
    found = check_bytes(asked.encode() + b"\n[commands]\n[response]\n", path)
    assert found.site is not None, found.errors
    assert "opt_out" in str(compile_site(found.site)["devices"])
