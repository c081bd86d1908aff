"""Frames of M-Bus (EN 13757-2, EN 13757-3): what is sent, and what comes back for it."""

from dataclasses import dataclass
from typing import Any

from boards.mbus_library import meterbus
from boards.mbus_records import Record, TelegramError, split

ACKNOWLEDGED = b"\xe5"
NETWORK = 0xFD  # the address of whoever has been selected
LONGEST = 261  # octets
_RESPONSE = 0x08  # RSP_UD; the bits above say what else the meter has
_VARIABLE, _FIXED, _APPLICATION_ERROR = 0x72, (0x73, 0x77), 0x70
_HEADER = 19  # octets up to the first record
_MODES = range(1, 16)  # of encryption; old meters fill the field with anything above


def reset(address: int) -> bytes:
    """SND_NKE: begin anew with the first telegram; to NETWORK: whoever is selected is no longer."""
    return _short(meterbus.CONTROL_MASK_SND_NKE, address)


def request(address: int, odd: bool) -> bytes:
    """REQ_UD2; `odd` is the frame count bit, which turns when the next telegram is meant."""
    count = meterbus.CONTROL_MASK_FCV | (meterbus.CONTROL_MASK_FCB if odd else 0)
    return _short(meterbus.CONTROL_MASK_REQ_UD2 | count, address)


def _short(control: int, address: int) -> bytes:
    frame = meterbus.TelegramShort()
    frame.header.cField.parts = [meterbus.CONTROL_MASK_DIR_M2S | control]
    frame.header.aField.parts = [address]
    return bytes(frame)


@dataclass(frozen=True)
class Identity:
    """Who a meter is: number (8 digits), maker (3 letters), version and device type. An F in the
    number, or a part that is None, stands for any."""

    number: str
    maker: str | None = None
    version: int | None = None
    kind: int | None = None

    def __str__(self) -> str:
        parts = [self.number, self.maker or "?", _hexadecimal(self.version),
                 _hexadecimal(self.kind)]
        return " ".join(parts)

    def fits(self, other: "Identity") -> bool:
        """Whether a meter that says `other` of itself is meant."""
        return all(mine in ("F", its) for mine, its in zip(self.number, other.number, strict=True)
                   ) and self.maker in (None, other.maker) and self.version in (
                       None, other.version) and self.kind in (None, other.kind)


def _hexadecimal(value: int | None) -> str:
    return "?" if value is None else f"{value:02X}"


class _Kept:
    """What the library would send."""

    sent = b""

    def write(self, data: bytes) -> None:
        self.sent += bytes(data)


def select(identity: Identity) -> bytes:
    """SND_UD that selects a meter, or all that fit, by who they are."""
    maker = 0xFFFF if identity.maker is None else meterbus.manufacturer_id(identity.maker)
    version = 0xFF if identity.version is None else identity.version
    kind = 0xFF if identity.kind is None else identity.kind
    kept = _Kept()
    swapped = maker.to_bytes(2, "little").hex()
    meterbus.send_select_frame(kept, f"{identity.number}{swapped}{version:02X}{kind:02X}")
    return kept.sent


@dataclass(frozen=True)
class Telegram:
    """A meter's reply. `status` is of EN 13757-3, table 11: errors and alarms."""

    address: int
    identity: Identity
    status: int
    records: list[Record]
    goes_on: bool  # another one follows
    data: bytes


def is_whole(heard: bytes) -> bool:
    """Whether nothing more is to come: an acknowledgement, or as much as a frame announces."""
    return heard == ACKNOWLEDGED or (heard[:1] == b"\x68" and len(heard) > 1
                                     and len(heard) == heard[1] + 6)


def read(frame: bytes, address: int) -> Telegram:
    """The reply to a request to `address`, NETWORK included. Raises TelegramError for anything
    else: noise, two meters at a time, another meter, an error report, what is not read here."""
    if len(frame) < 9 or frame[:1] != b"\x68" or frame[3:4] != b"\x68" or frame[1] != frame[2]:
        raise TelegramError("noise, or several meters at a time")
    if len(frame) != frame[1] + 6:
        raise TelegramError(f"{len(frame)} octets where a frame of {frame[1] + 6} was announced")
    if sum(frame[4:-2]) & 0xFF != frame[-2] or frame[-1] != 0x16:
        raise TelegramError("its check sum or its end is wrong")
    control, sender, content = frame[4], frame[5], frame[6]
    if control & 0x4F != _RESPONSE:
        raise TelegramError(f"it has the control field {control:02X}, which is no reply")
    if address not in (NETWORK, sender):
        raise TelegramError(f"{sender} has answered for {address}")
    if content == _APPLICATION_ERROR:
        raise TelegramError(f"the meter reports the application error {frame[7:-2].hex()}")
    if content in _FIXED:
        raise TelegramError("the fixed data structure is not read: it was withdrawn")
    if content != _VARIABLE or len(frame) < _HEADER + 2:
        raise TelegramError(f"it has the content {content:02X}, which is not read here")
    return _telegram(frame)


def _telegram(frame: bytes) -> Telegram:
    header: Any = meterbus.TelegramBodyHeader()
    header.load(list(frame[6:_HEADER]))
    if header.sig_field.parts[1] & 0x1F in _MODES:
        raise TelegramError("it is encrypted")
    identity = Identity(bytes(header.id_nr).hex().upper(),
                        header.manufacturer_field.decodeManufacturer,
                        header.version_field.parts[0], header.measure_medium_field.parts[0])
    data = frame[_HEADER:-2]
    records, goes_on = split(data)
    return Telegram(frame[5], identity, header.status_field.parts[0], records, goes_on, data)
