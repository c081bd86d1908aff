"""Both sides know each other by certificate, and every message is signed."""

import pytest

from cloud_bridge.response.openadr2.ven import Tls, fingerprint
from tests.openadr2.site import Gateway, following
from tests.openadr2.vtn import VEN, serving
from tests.shown.served import wait
from tests.sync.pki import issue

pytestmark = pytest.mark.filterwarnings("ignore:It is recommended to use web.AppKey:UserWarning")


class Pki:
    def __init__(self, folder):
        ca = issue("programme-ca.example", ca=True)
        self.ca, _ = ca.write(folder, "ca")
        self.vtn = issue("localhost", ca).write(folder, "vtn")
        self.ven = issue("site-1.example", ca).write(folder, "ven")
        self.other = issue("localhost", ca).write(folder, "other")
        self.alien = issue("site-1.example", issue("alien.example", ca=True)).write(folder, "alien")

    def server(self, signing=None):
        """What the server is made with; `signing`: another certificate than that of its TLS."""
        cert, key = signing or self.vtn
        known = {"ven_id": VEN, "registration_id": "registration-1",
                 "fingerprint": fingerprint(self.ven[0])}
        return {"http_cert": self.vtn[0], "http_key": self.vtn[1], "http_ca_file": self.ca,
                "cert": cert, "key": key, "ven_lookup": lambda ven_id: known}

    def client(self, pair=None):
        cert, key = pair or self.ven
        return Tls(cert, key, self.ca, fingerprint(self.vtn[0]))


@pytest.fixture
def pki(tmp_path):
    return Pki(tmp_path)


def test_signed_event_and_signed_answer(pki, tmp_path):
    gateway = Gateway()
    with serving(**pki.server()) as vtn, following(vtn.url, gateway, tmp_path / "state",
                                                   tls=pki.client()):
        vtn.event("e-1", in_s=3600)
        wait(lambda: vtn.answers == [("e-1", 0, "optIn")], vtn.answers)
    assert [one.name for one in gateway.told] == ["e-1"]


def test_what_somebody_else_has_signed_is_refused(pki, tmp_path):
    gateway = Gateway()
    with serving(**pki.server(pki.other)) as vtn, following(
            vtn.url, gateway, tmp_path / "state", tls=pki.client()) as said:
        vtn.event("e-1", in_s=3600)
        wait(lambda: reasons(said), said)
    assert "fingerprint was incorrect" in reasons(said)[0]
    assert not gateway.told
    assert not vtn.answers


def test_a_client_whose_certificate_nobody_knows_hears_nothing(pki, tmp_path):
    gateway = Gateway()
    with serving(**pki.server()) as vtn, following(
            vtn.url, gateway, tmp_path / "state", tls=pki.client(pki.alien)) as said:
        wait(lambda: reasons(said), said)
    assert not vtn.asked


def test_a_server_that_is_not_the_one_named_is_not_believed(pki, tmp_path):
    with serving(**{**pki.server(), "http_cert": pki.ven[0], "http_key": pki.ven[1]}) as vtn, \
            following(vtn.url, Gateway(), tmp_path / "state", tls=pki.client()) as said:
        wait(lambda: reasons(said), said)
    assert "CERTIFICATE_VERIFY_FAILED" in reasons(said)[0]
    assert not vtn.asked


def reasons(said):
    return [values["reason"] for event, values in said if event == "trouble"]
