"""Who this gateway is to its broker: edge/clouds says how, from names, a secret and the time.

A password that is good for hours is made when it is needed, from the board's wall clock. Where the
clock must be set for it and is not, there is no connection, and the client tries again later.
"""

from edge.compat import TYPE_CHECKING, const

if TYPE_CHECKING:
    from typing import Any

_DAY_S = const(86_400)
_UNIX_2000_DAYS = const(10_957)
_STAMP_S = 2_000_000_000  # as long in digits as any until 2286


class Account:
    """`told`: what the profile says (topics, limits, sizes), as of a set clock; None when the names
    or the secret cannot be used. `fault` says why there is no connection, "" nothing."""

    def __init__(self, board, image: dict):
        broker, site = image["broker"], image["site"]
        self.profile = __import__("edge.clouds." + broker.get("cloud", "plain"), None, None,
                                  ("connect",))
        self.secrets: dict[str, Any] = {"password": board.password()}
        for keys in (broker, image.get("cloud", {}), site):
            self.secrets.update(keys)
        self.told: Any = None
        self.fault = ""
        self.untimed = 0  # connections that were not tried for want of the time
        self.status = b""  # topic that says whether we are there, where it may be retained
        self._wall = board.wall
        try:
            self.told = self.profile.connect(self.secrets, _STAMP_S)
        except ValueError as error:
            self.fault = "broker: " + str(error)
            print("parkedge:", self.fault)  # control goes on, and what waits for the cloud is kept
            return
        if self.told["limits"]["will"] and self.told["limits"]["retain"]:
            self.status = ("parkedge/" + site["park"] + "/" + site["gateway"] + "/status").encode()

    def utc_s(self) -> int:
        """Unix time; 0 while the clock is not set."""
        day, second, is_set = self._wall()
        return (day + _UNIX_2000_DAYS) * _DAY_S + second if is_set else 0

    def renewing(self, port, options):
        """The port of a client with these options, which gives them the credentials of the moment
        whenever it is opened; the port itself where they never change."""
        if self.profile.connect(self.secrets, _STAMP_S + _DAY_S) == self.told:
            return port
        return _Renewing(self, port, options.hello)

    def renew(self, hello) -> None:
        """Write the credentials of this moment into `hello`. OSError: there are none."""
        try:
            told = self.profile.connect(self.secrets, self.utc_s())
        except ValueError as error:
            self.untimed += 1
            self.fault = str(error)
            raise OSError(self.fault) from None
        self.fault = ""
        hello.client_id, hello.user = told["client_id"], told["user"]
        hello.password = told["password"]


class _Renewing:
    """A byte pipe before which the client is given new credentials."""

    def __init__(self, account: Account, port, hello):
        self._account = account
        self._hello = hello
        self._port = port
        self.is_open = port.is_open
        self.send = port.send
        self.recv = port.recv
        self.close = port.close

    def open(self, now_ms: int) -> None:
        """Begin to connect. OSError: not now."""
        self._account.renew(self._hello)
        self._port.open(now_ms)
