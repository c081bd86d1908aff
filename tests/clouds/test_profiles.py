"""Each cloud's profile against published vectors and documented formats, with any input."""

import base64
import hashlib
import hmac
import importlib
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from boards.site_tables import clouds
from edge.clouds import alibaba, huawei, iothub
from edge.wire import mqtt
from tests.clouds.accounts import ADMITS, CLOUDS, HOST, Connect
from tests.conftest import Interpreter

NOW_S = 1_780_000_000
SITE = {"host": HOST, "port": 8883, "user": "demo", "park": "p", "gateway": "g"}
BY_NAME = {cloud.name: cloud for cloud in CLOUDS}
each = pytest.mark.parametrize("cloud", CLOUDS, ids=lambda cloud: cloud.name)


def profile(name):
    return importlib.import_module(f"edge.clouds.{name}")


def secrets(cloud):
    return {**SITE, **cloud.keys, "password": cloud.secret}


def test_every_cloud_is_tried_here():
    assert set(BY_NAME) == set(clouds()) == set(ADMITS)


@pytest.mark.parametrize(("names", "time_ms", "secret", "vector"), [
    # help.aliyun.com 73742 "MQTT-TCP", the example of one secret a device
    (("12345", "device", "pk"), "789", b"secret", "FAFD82A3D602B37FB0FA8B7892F24A477F851A14"),
    # "access by open-source MQTT", iot developers' community, three names and the result
    (("SN1928339", "light1983432", "a14Xib5kdYd"), "1539421321846",
     b"oLyaKqVxtRvjH284LdhqVgVUx1UPy6zq", "b2488041f64f425016b467ee1c94959ebd592ad1"),
])
def test_alibaba_signs_what_its_documents_sign(names, time_ms, secret, vector):
    """Both vectors are of HMAC-SHA1; the text is the same for the SHA-256 that we use."""
    text = alibaba.signed(*names, time_ms)
    assert hmac.new(secret, text, hashlib.sha1).hexdigest() == vector.lower()


def test_an_azure_token_is_that_of_its_own_command_line(monkeypatch):
    """azure-iot-cli-extension, tests/test_iot_utilities_unit.py, TestSasTokenAuth."""
    monkeypatch.setattr(iothub, "_GOOD_S", 0)
    told = iothub.connect({**SITE, "host": "iot-hub-for-test.azure-devices.net",
                           "device": "iot-device-for-test",
                           "password": b"+XLy+MVZ+aTeOnVzN2kLeB16O+kSxmz6g3rS6fAf6rw="},
                          1_471_940_363)
    assert told["password"].decode() == (
        "SharedAccessSignature sr=iot-hub-for-test.azure-devices.net%2Fdevices%2F"
        "iot-device-for-test&sig=SIumZ1ACqqPJZ2okHDlW9MSYKykEpqsQY3z6FMOICd4%3D&se=1471940363")


@given(st.integers(946_684_800, 4_102_444_799))
def test_huawei_dates_are_the_calendar_s(utc_s):
    assert huawei.date(utc_s) == datetime.fromtimestamp(utc_s, UTC).strftime("%Y%m%d")


@each
@given(now_s=st.integers(1_577_836_800, 4_102_444_799))
def test_each_cloud_admits_its_profile_at_any_time(cloud, now_s):
    told = profile(cloud.name).connect(secrets(cloud), now_s)
    said = Connect(told["client_id"].decode(), told["user"].decode() or None,
                   told["password"] or None, 60, False)
    assert ADMITS[cloud.name](said, now_s) == ""
    assert ADMITS[cloud.name](said._replace(user="x", client_id="x"), now_s)
    assert (told["up"].decode(), told["port"]) == (cloud.up, 8883)
    limits = cloud.limits
    assert told["limits"] == {"payload": limits.payload, "topic": limits.topic, "qos": 1,
                              "levels": limits.levels, "retain": limits.retain,
                              "will": limits.will, "keepalive_s": limits.keepalive_s}


@each
def test_only_a_token_needs_the_time(cloud):
    """IoT Hub has no other way; the rest sign without a time, or sign nothing."""
    if cloud.name == "iothub":
        with pytest.raises(ValueError, match="clock is not set"):
            profile(cloud.name).connect(secrets(cloud), 0)
        return
    told = profile(cloud.name).connect(secrets(cloud), 0)
    said = Connect(told["client_id"].decode(), told["user"].decode() or None,
                   told["password"] or None, 60, False)
    assert ADMITS[cloud.name](said, NOW_S) == ""


@given(st.integers(1_577_836_800, 4_102_444_799))
def test_a_token_is_good_for_four_hours(now_s):
    told = iothub.connect(secrets(BY_NAME["iothub"]), now_s)
    said = Connect(told["client_id"].decode(), told["user"].decode(), told["password"], 60, False)
    assert ADMITS["iothub"](said, now_s + 4 * 3600 - 1) == ""
    assert ADMITS["iothub"](said, now_s + 4 * 3600) == "expired"


ANYTHING = st.one_of(st.none(), st.integers(), st.text(max_size=200), st.binary(max_size=200))


@each
@given(data=st.data())
def test_anything_as_a_secret_is_one_clear_line(cloud, data):
    given = secrets(cloud)
    for name in [*cloud.keys, "host", "password", "park", "gateway"]:
        if data.draw(st.booleans()):
            given[name] = data.draw(ANYTHING)
    if cloud.name == "plain":  # where a password may be any bytes, or none
        given["password"] = data.draw(st.binary(max_size=200))
    try:
        told = profile(cloud.name).connect(given, NOW_S)
    except ValueError as error:
        said = str(error)
        name, _, rest = said.partition(": ")
        assert name in given, said
        assert "found" in rest
        assert "expected" in rest
        assert said.isprintable()
        if isinstance(given["password"], bytes) and len(given["password"]) > 5:
            assert given["password"].decode("latin-1") not in said
        return
    for topic in (told["up"], *told["down"]):
        assert topic.isascii()
        assert b"+" not in topic
        assert b"#" not in topic[:-1]
    assert all(isinstance(told[name], bytes) for name in ("client_id", "user", "password"))


def test_base64_is_taken_whole():
    """CPython's decoder skips what it does not know, and another key would sign."""
    key = base64.b64encode(bytes(32))
    for wrong in (b"!" + key, key + b"=", key[:-1], key[:8] + b"?" + key[8:], b"====", b"AAA"):
        with pytest.raises(ValueError, match="password: found"):
            iothub.connect({**secrets(BY_NAME["iothub"]), "password": wrong}, NOW_S)


def test_basic_ingest_is_another_topic_up():
    told = profile("aws").connect({**secrets(BY_NAME["aws"]), "ingest": "rows"}, NOW_S)
    assert told["up"] == b"$aws/rules/rows/parkedge/p/g/b"
    assert told["down"][0] == b"parkedge/p/g/ack"


@pytest.mark.parametrize(("topic", "at"), [
    (b"a/b", 0), (b"devices/g/x", 1), (b"devices/g/", 1), (b"devices/g", -1), (b"a/b/c", -1),
    (b"", -1), (b"#", -1)])
def test_a_subscription_that_ends_in_a_hash_is_a_beginning(topic, at):
    assert mqtt.among([b"a/b", b"devices/g/#"], topic) == at


SCRIPT = """
import sys
from tests.clouds.told import everything
for line in everything({cases!r}):
    print(line)
"""


def test_a_gateway_says_the_same_bytes(micropython: Interpreter, tmp_path):
    """Times on both sides of 2^30 and 2^31, and without one; wrong secrets too."""
    from tests.clouds.told import everything

    cases = [(cloud.name, {**secrets(cloud), **wrong}, utc_s)
             for cloud in CLOUDS for utc_s in (0, NOW_S, 2_147_483_648, 4_102_444_799)
             for wrong in ({}, {"password": b""}, {"host": "a b"}, {"password": b"\xff!"})]
    script = tmp_path / "told.py"
    script.write_text(SCRIPT.format(cases=cases))
    assert micropython.run(script).stdout.splitlines() == everything(cases)
