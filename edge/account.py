"""Who this gateway is to its broker, told anew at each connection: edge/clouds says how.

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
    """`told`: what the profile says of a set clock (topics, limits, sizes); None when the names
    or the secret cannot be used, and `fault` says why."""

    def __init__(self, board, image: dict):
        broker, site = image["broker"], image["site"]
        self.profile = __import__("edge.clouds." + broker.get("cloud", "plain"), None, None,
                                  ("connect",))
        self.secrets: dict[str, Any] = {"password": board.password()}
        for keys in (broker, image.get("cloud", {}), site):
            self.secrets.update(keys)
        self.options: Any = None  # of the client that is told
        self.told: Any = None
        self.fault = ""
        self.untimed = 0  # connections that were not tried for want of the time
        self._wall = board.wall
        self.status = b""  # topic that says whether we are there, where it may be retained
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

    def renew(self) -> str:
        """Give the client's options the credentials of this moment; "" or why there are none."""
        try:
            told = self.profile.connect(self.secrets, self.utc_s())
        except ValueError as error:
            self.untimed += 1
            return str(error)
        hello = self.options.hello
        hello.client_id, hello.user = told["client_id"], told["user"]
        hello.password = told["password"]
        return ""
