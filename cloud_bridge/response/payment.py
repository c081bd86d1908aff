"""What a delivery is paid, or costs."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from typing import Any, NamedTuple

from cloud_bridge import fields
from cloud_bridge.fields import Field
from cloud_bridge.response.curve import HOUR, Response
from cloud_bridge.response.judges import Verdict

PER_KW, PER_KWH = "kW", "kWh"
_CENT = Decimal("0.01")


def _rows(width: int) -> Any:
    def read(value: Any) -> tuple[tuple[Fraction, ...], ...] | None:
        if not isinstance(value, list) or not value:
            return None
        rows = [tuple(fields.fraction(one) for one in row)
                if isinstance(row, list) and len(row) == width else (None,) for row in value]
        return None if any(None in row for row in rows) else tuple(rows)  # type: ignore[arg-type]

    return read


FIELDS = {
    "currency": fields.TEXT,
    "per": fields.one_of((PER_KW, PER_KWH)),  # of what was confirmed
    "price": fields.AMOUNT.or_else(None),  # none: each event has its own
    "price_most": fields.AMOUNT.or_else(None),  # the highest price that may be agreed
    "time": Field("lists [from minutes, coefficient], rising", _rows(2), ((Fraction(0),
                                                                          Fraction(1)),)),
    # What was delivered of the reply, both ends included; outside of all of them nothing is paid.
    "rate": Field("lists [from, to, coefficient]", _rows(3), None),
    "penalty": Field("a table", lambda value: value if isinstance(value, dict) else None, None),
}
PENALTY = {"below": fields.AMOUNT, "times": fields.AMOUNT}


class Paid(NamedTuple):
    """`amount` is rounded half up to hundredths; `words` is how it was worked out."""

    amount: Decimal
    currency: str
    words: str


@dataclass(frozen=True)
class Payment:
    """See FIELDS. `penalty`: (below which share of the reply, times how much of the price)."""

    currency: str
    per: str
    price: Fraction | None
    price_most: Fraction | None
    time: tuple[tuple[Fraction, Fraction], ...]
    rate: tuple[tuple[Fraction, Fraction, Fraction], ...] | None
    penalty: tuple[Fraction, Fraction] | None

    def pay(self, response: Response, verdict: Verdict, price: Fraction | None) -> Paid:
        """Work it out at `price`, or the programme's own. DocumentError without any price."""
        price = self._price(price)
        hours = Fraction(response.minutes, HOUR)
        confirmed_kw = verdict.confirmed_w / 1000
        quantity = confirmed_kw if self.per == PER_KW else confirmed_kw * hours
        time, rate = self._time(response.minutes), self._rate(response, verdict)
        owed, told = self._penalty(response, verdict, price, hours)
        amount = quantity * price * time * rate - owed
        words = (f"{_number(quantity)} {self.per} x {_number(price)} x {_number(time)} (duration) "
                 f"x {_number(rate)} (share delivered)" + told)
        return Paid(_cents(amount), self.currency, words)

    def _price(self, price: Fraction | None) -> Fraction:
        price = self.price if price is None else price
        if price is None:
            raise fields.mistake("price", None, f"what a {self.per} is paid")
        if self.price_most is not None and price > self.price_most:
            raise fields.mistake("price", _number(price), f"at most {_number(self.price_most)}")
        return price

    def _time(self, minutes: int) -> Fraction:
        found = Fraction(0)
        for least, coefficient in self.time:
            found = coefficient if minutes >= least else found
        return found

    def _rate(self, response: Response, verdict: Verdict) -> Fraction:
        """Of what was confirmed, so a delivery above the cap has the coefficient of the cap."""
        if self.rate is None:
            return Fraction(1)
        share = verdict.confirmed_w / response.reply_w
        return next((one for low, high, one in self.rate if low <= share <= high), Fraction(0))

    def _penalty(self, response: Response, verdict: Verdict, price: Fraction, hours: Fraction
                 ) -> tuple[Fraction, str]:
        if self.penalty is None:
            return Fraction(0), ""
        below, times = self.penalty
        missing_kw = (below * response.reply_w - max(verdict.delivered_w, Fraction(0))) / 1000
        if missing_kw <= 0:
            return Fraction(0), ""
        owed = missing_kw * price * times * hours
        return owed, (f" - {_number(missing_kw)} kW missing to {_number(below)} of the reply x "
                      f"{_number(price)} x {_number(times)} x {_number(hours)} h")


def of(where: str, table: Mapping[str, Any]) -> Payment:
    """Read a programme's table [payment]. DocumentError."""
    got = fields.read(where, table, FIELDS)
    if got["penalty"] is not None:
        got["penalty"] = tuple(fields.read(f"{where}.penalty", got["penalty"], PENALTY).values())
    return Payment(**got)


def _cents(amount: Fraction) -> Decimal:
    return (Decimal(amount.numerator) / Decimal(amount.denominator)).quantize(_CENT, ROUND_HALF_UP)


def _number(value: Fraction) -> str:
    return f"{float(value):,.6f}".rstrip("0").rstrip(".")
