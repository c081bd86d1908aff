"""One connector of an OCPP 1.6 charge point, as a charger that a gateway reads and commands.

What the gateway wrote is a lease. The charge point holds it as a charging profile that ends by
itself, `fallback_s` after the gateway's last write, over one without an end that holds the failsafe
current. So whoever dies, gateway, this process or the network, the charge point falls back alone.
The gateway's writes renew it; that this process lives does not.

Times are seconds of one clock that only goes forward, given with each call.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from boards.ocpp_meter import Measured, Rating, Values

DEFAULT, OF_TRANSACTION = "TxDefaultProfile", "TxProfile"
NEVER_S = 1e9
_RAISE_S = 5.0  # between two profiles, unless the second is lower
_LOWER_S = 1.0
_DOUBT_S = 2.0  # before a profile of a transaction that was refused is asked for once more
_RETRY_S, _RETRY_MAX_S = 5.0, 300.0  # after a refusal; doubles

# States in which no current flows, and those in which a car may take some at any moment (4.9): also
# one that takes none although it may, as an offer withdrawn would look like one that it waits for.
_IDLE = ("Available", "Preparing", "SuspendedEVSE", "SuspendedEV", "Finishing", "Reserved")
_ASKS = ("Charging", "SuspendedEVSE", "SuspendedEV")
_OUT = ("Unavailable", "Faulted")


@dataclass(frozen=True)
class Wiring:
    """What the file says of a connector: currents are of each phase."""

    number: int  # the charge point's own, from 1
    unit: int  # the gateway's: of the Modbus server
    rating: Rating
    min_ma: int
    failsafe_ma: int
    fallback_s: int
    stale_s: int
    purpose: str  # of the profiles that limit a transaction under way


@dataclass(frozen=True)
class Order:
    """A charging profile to be set: without `until_s` the failsafe current, else the lease."""

    purpose: str
    transaction: int | None
    ma: int
    until_s: float | None


class Connector:
    """The state of one connector. `values` and `on_write` are what the gateway sees of it."""

    def __init__(self, wiring: Wiring) -> None:
        self.wiring = wiring
        self.measured = Measured(wiring.rating)
        self.status = ""  # as it was last told since the charge point is there; "": not yet
        self.transaction: int | None = None
        self._status_s = 0.0
        self._safe_ma = wiring.failsafe_ma
        self._wish: tuple[int, float] | None = None  # mA, and when it was written
        self._placed: set[str] = set()  # purposes whose failsafe current it has
        self._held: tuple[int, float] | None = None  # mA, and until when
        self._told_s = -NEVER_S
        self._granted: int | None = None  # the transaction that it has taken a profile for,
        self._declined: int | None = None  # and the one that it takes none for
        self._doubted: int | None = None  # the one that is asked for once more,
        self._again_s = NEVER_S  # then
        self._refusals = 0  # in a row
        self._failed_s = 0.0

    # What the charge point says.

    def connected(self) -> None:
        """It is there anew: what it holds is not known, and neither is what it does."""
        self.status = ""
        self._placed.clear()
        self._held = None
        self._told_s = -NEVER_S
        self._declined = self._doubted = None
        self._again_s = NEVER_S
        self._refusals = 0

    def says(self, status: str, now_s: float) -> None:
        """StatusNotification."""
        if status != self.status:
            self.status, self._status_s = status, now_s
        if status == "Available":
            self.charges(None)

    def charges(self, transaction: int | None) -> None:
        """A transaction has begun, is going on, or (None) has ended."""
        if transaction != self.transaction:
            self.transaction = transaction
            self._placed.discard(OF_TRANSACTION)  # it is deleted with its transaction (3.13.1)
            self._held = None
            self._told_s = -NEVER_S

    def meters(self, values: Values, at_s: float, wrong: Sequence[str] = ()) -> list[str]:
        """MeterValues of second `at_s`, of which `wrong` were no numbers; the names of what is not
        believed."""
        return [*wrong, *self.measured.take(values, at_s)]

    # What the gateway sees.

    def values(self, now_s: float) -> Mapping[str, int | Fraction]:
        """Points of ocpp_charger.toml; what is not known, or too old, is left out."""
        fresh_s = now_s - self.wiring.stale_s
        idle = self.status in _IDLE
        found: dict[str, int | Fraction] = {}
        if self.status:
            out = self.status in _OUT
            found["plugged"] = int(self.status in _ASKS)
            found["max_a"] = 0 if out else Fraction(self.wiring.rating.max_ma, 1000)
            found["limit_a"] = Fraction(self.limit_ma(now_s), 1000)
        if idle:
            found["power_w"] = 0
            found |= {f"i_l{phase}": 0 for phase in self.wiring.rating.phases}
            if self.measured.energy_wh is not None:
                found["energy_wh"] = self.measured.energy_wh
        for name, value in self.measured.since(max(fresh_s, self._status_s) if idle else fresh_s
                                               ).items():
            if name.endswith("_ma"):
                found[name.removesuffix("_ma")] = Fraction(value, 1000)
            else:
                found[name] = value
        return found

    def on_write(self, name: str, value: Fraction, now_s: float) -> bool:
        """A write of the gateway; whether the charge point takes such orders."""
        ma = self._allowed(int(value * 1000))
        if name == "limit":
            self._wish = ma, now_s
        elif min(ma, self.wiring.failsafe_ma) != self._safe_ma:
            self._safe_ma = min(ma, self.wiring.failsafe_ma)
            self._placed.clear()
        return self.obeys

    @property
    def obeys(self) -> bool:
        """Whether it has not refused the last order."""
        return not self._refusals

    def limit_ma(self, now_s: float) -> int:
        """What it is known to be held to now, mA a phase."""
        if self._held is not None and now_s < self._held[1]:
            return self._held[0]
        placed = self._purpose() in self._placed
        return self._safe_ma if placed else self.wiring.rating.max_ma

    def _allowed(self, ma: int) -> int:
        """Below what a car can be offered (IEC 61851-1: 6 A) it pauses."""
        return 0 if ma < self.wiring.min_ma else min(ma, self.wiring.rating.max_ma)

    # What the charge point is to be told.

    def due_in(self, now_s: float) -> float:
        """Seconds until `order` should be told; not above 0: now."""
        if now_s >= self._again_s:
            self._declined, self._again_s = None, NEVER_S
        return min(self._due_in(now_s), self._again_s - now_s)

    def _due_in(self, now_s: float) -> float:
        if self._refusals:
            rest_s: float = min(_RETRY_S * 2 ** (self._refusals - 1), _RETRY_MAX_S)
            if (wait_s := self._failed_s + rest_s - now_s) > 0:
                return wait_s
        if self._purpose() not in self._placed:
            return 0.0
        if self._wish is None or now_s >= (end_s := self._wish[1] + self.wiring.fallback_s) - 1:
            return NEVER_S  # what it holds ends by itself
        ma, held = self._wish[0], self._held
        if held is None or held[1] <= now_s:
            return 0.0
        if ma != held[0]:
            return self._told_s + (_LOWER_S if ma < held[0] else _RAISE_S) - now_s
        return held[1] - self.wiring.fallback_s / 2 - now_s if end_s >= held[1] + 1 else NEVER_S

    def order(self) -> Order:
        """What to tell it next: first the failsafe current, then the lease."""
        purpose = self._purpose()
        transaction = self.transaction if purpose == OF_TRANSACTION else None
        if purpose not in self._placed or self._wish is None:
            return Order(purpose, transaction, self._safe_ma, None)
        return Order(purpose, transaction, self._wish[0], self._wish[1] + self.wiring.fallback_s)

    def took(self, order: Order, accepted: bool | None, now_s: float) -> None:
        """What became of it; None: no answer came, so it may hold it or not."""
        if accepted is False and order.purpose == OF_TRANSACTION and order.until_s is None \
                and order.transaction != self._granted:
            self._declined = order.transaction  # what new transactions have may hold for this one
            if self._doubted != order.transaction:  # but it may not know yet that it has begun
                self._doubted, self._again_s = order.transaction, now_s + _DOUBT_S
            return
        if not accepted:
            self._refusals += 1
            self._failed_s = now_s
            return
        self._refusals = 0
        if order.purpose != self._purpose() or order.transaction not in (None, self.transaction):
            return  # a transaction began or ended meanwhile
        if order.until_s is None:
            self._placed.add(order.purpose)
            if order.transaction not in (None, self._granted):
                self._held = None  # what it was held to lies below this one
            self._granted = order.transaction or self._granted
        else:
            self._held = order.ma, order.until_s
            self._told_s = now_s

    @property
    def charges_unknown(self) -> bool:
        """Whether it is in a transaction that began before anybody here knew."""
        return self.transaction is None and self.status in _ASKS

    def _purpose(self) -> str:
        if self.transaction in (None, self._declined):
            return DEFAULT
        return self.wiring.purpose
