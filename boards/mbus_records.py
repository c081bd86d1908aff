"""What an M-Bus telegram says: its data records (EN 13757-3), each with an exact value.

What a data and a value information block mean is pyMeterBus' knowledge. Splitting the records and
reading their values is done here: version 0.8.5 takes some variable records for longer or shorter
than they are, digits that are none for a number, and makes a float of every value.
"""

import struct
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from boards.mbus_library import meterbus

_MAKER_S, _MORE_FOLLOWS = 0x0F, 0x1F  # the rest of a telegram; and another one comes
_FILLER = 0x2F
_EXTENDED = 0x80
_MOST_EXTENSIONS = 10  # of either block
_TABLES = {0xFB: 0x200, 0xFD: 0x100}  # the first extension is the code, of another table
_TEXT_UNIT = 0x7C
_MAKER_S_UNIT = 0x7F
_NO_CHANGE = (0x3B, 0x3C)  # of positive, of negative contributions only
_FUNCTIONS = ("instantaneous", "maximum", "minimum", "error")
_ENCODING = meterbus.DataEncoding
_UNIT = meterbus.MeasureUnit
# Unit of the table -> quantity, and how much of it (l, Wh, kg) one is.
_QUANTITIES = {_UNIT.WH: ("energy", Fraction(1)), _UNIT.J: ("energy", Fraction(1, 3600)),
               _UNIT.M3: ("volume", Fraction(1000)), _UNIT.KG: ("mass", Fraction(1))}
# What its table calls reserved, though EN 13757-3 does not: 0.1 and 1 GJ.
_GJ = {0x208: (1e8, _UNIT.J, ""), 0x209: (1e9, _UNIT.J, "")}
UNITS = {"energy": "Wh", "volume": "l", "mass": "kg"}


class TelegramError(Exception):
    """What came is not what was asked for, in a few words."""


@dataclass(frozen=True)
class Record:
    """One data record: its octets as they came, least significant first."""

    dib: bytes
    vib: bytes
    text: bytes  # a unit in plain text
    data: bytes

    @property
    def name(self) -> str:
        """What stands before its value, in hexadecimal: how a file names this record."""
        return (self.dib + self.vib).hex(" ").upper()

    @property
    def function(self) -> str:
        """What kind of value it is; "error": one that was taken while the meter was wrong."""
        return _FUNCTIONS[self.dib[0] >> 4 & 3]

    @property
    def storage(self) -> int:
        """0 for what is so now, above for what has been kept."""
        return int(self._block.parse_dife()[0])

    @property
    def tariff(self) -> int:
        """0 for the total."""
        return int(self._block.parse_dife()[1] or 0)

    @property
    def subunit(self) -> int:
        """0 for the meter itself."""
        return int(self._block.parse_dife()[2] or 0)

    @property
    def is_plain(self) -> bool:
        """Whether it is a total as it is now, and nothing restricts it."""
        return self.function == "instantaneous" and not self._more_codes() and not (
            self.storage or self.tariff or self.subunit)

    @property
    def quantity(self) -> str:
        """energy, volume or mass; "" for anything else."""
        return self._meaning()[0]

    def value(self) -> Fraction | None:
        """In Wh, l or kg, exactly; None: it says none, or none that is understood here."""
        quantity, scale = self._meaning()
        raw = self._number()
        return raw * scale if quantity and raw is not None else None

    @property
    def _block(self) -> Any:
        return meterbus.DataInformationBlock(list(self.dib))

    def _meaning(self) -> tuple[str, Fraction]:
        """Quantity, and how much of it one step of the raw value is."""
        known = _table_entry(self.vib)
        quantity, one = _QUANTITIES.get(known[1], ("", Fraction(0))) if known else ("", Fraction(0))
        if not quantity:
            return "", Fraction(0)
        scale = Fraction(str(known[0])) * one  # a power of ten: its shortest decimals are exact
        for code in self._more_codes():
            if 0x70 <= code <= 0x77:
                scale *= Fraction(10) ** (code - 0x76)
            elif code == 0x7D:
                scale *= 1000
            elif code == _MAKER_S_UNIT:
                break  # what follows is the maker's, and no unit
            elif code not in _NO_CHANGE:
                return "", Fraction(0)  # an error, or another quantity: per hour, per pulse
        return quantity, scale

    def _more_codes(self) -> list[int]:
        """Extensions of the value information beyond its code, without their extension bits."""
        first = 2 if self.vib[0] in _TABLES else 1
        return [octet & 0x7F for octet in self.vib[first:]]

    def _number(self) -> Fraction | None:
        """The raw value; None where it says that there is none."""
        _, encoding = self._block.length_encoding
        if encoding == _ENCODING.ENCODING_INTEGER:
            number = int.from_bytes(self.data, "little", signed=True)
            return None if number == -1 << 8 * len(self.data) - 1 else Fraction(number)
        if encoding == _ENCODING.ENCODING_BCD:
            return _decimals(self.data[::-1].hex())
        if encoding == _ENCODING.ENCODING_REAL:
            return _real(self.data)
        return None


def _table_entry(vib: bytes) -> Any:
    """Factor, unit and kind of a value information block; None when nobody knows it."""
    code = vib[0] & 0x7F
    if vib[0] in _TABLES:
        code = _TABLES[vib[0]] | vib[1] & 0x7F
    elif code in (0x7B, 0x7D, _TEXT_UNIT, _MAKER_S_UNIT):
        return None
    return _GJ.get(code) or meterbus.VIFTable.lut.get(code)


def _decimals(digits: str) -> Fraction | None:
    """F before the others is a minus; every other letter is how a meter shows an error."""
    sign, digits = (-1, digits[1:]) if digits[0] == "f" else (1, digits)
    return Fraction(sign * int(digits)) if digits.isdecimal() else None


def _real(data: bytes) -> Fraction | None:
    try:
        return Fraction(struct.unpack("<f", data)[0])
    except (OverflowError, ValueError):  # infinite, or no number
        return None


def split(data: bytes) -> tuple[list[Record], bool]:
    """The records of a telegram, up to what is the maker's own, and whether another telegram
    follows. Raises TelegramError where a record does not end within it or does not tell its
    length: what comes behind could be anything."""
    octets = _Octets(data)
    records: list[Record] = []
    while octets.left:
        dif = octets.take(1)[0]
        if dif in (_MAKER_S, _MORE_FOLLOWS):
            return records, dif == _MORE_FOLLOWS
        if dif != _FILLER:
            records.append(_record(octets, dif))
    return records, False


class _Octets:
    """A telegram's data, taken from the front."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    @property
    def left(self) -> int:
        return len(self._data) - self._at

    def take(self, count: int) -> bytes:
        if count > self.left:
            raise TelegramError("it ends within a data record")
        self._at += count
        return self._data[self._at - count:self._at]

    def extensions(self, first: int) -> bytes:
        """The octets behind this one, as long as each says that another follows."""
        block = bytes([first])
        while block[-1] & _EXTENDED:
            if len(block) > _MOST_EXTENSIONS:
                raise TelegramError(f"a block has more than {_MOST_EXTENSIONS} extensions")
            block += self.take(1)
        return block[1:]


def _record(octets: _Octets, dif: int) -> Record:
    if dif & 0x0F == 0x0F:
        raise TelegramError(f"a data record begins with {dif:02X}, which is reserved")
    dib = bytes([dif]) + octets.extensions(dif)
    vif = octets.take(1)[0]
    text = b""
    if vif & 0x7F == _TEXT_UNIT:  # its text stands before the extensions
        text = octets.take(octets.take(1)[0])
    vib = bytes([vif]) + octets.extensions(vif)
    length, encoding = meterbus.DataInformationBlock([dif]).length_encoding
    if encoding == _ENCODING.ENCODING_VARIABLE_LENGTH:
        length = _variable(octets.take(1)[0])
    return Record(dib, vib, text, octets.take(length))


def _variable(code: int) -> int:
    """Octets of a variable record (EN 13757-3:2018; the older standard had floats above F0)."""
    if code < 0xC0:
        return code  # text
    if 0xE0 <= code < 0xF0 or (code < 0xE0 and code & 0x0F < 10):
        return code & 0x0F  # a number; decimals, two an octet
    if 0xF0 <= code <= 0xF6:
        return (16, 20, 24, 28, 32, 48, 64)[code - 0xF0]
    raise TelegramError(f"a data record has the length {code:02X}, which is reserved")
