"""What telegrams say: published ones with libmbus and pyMeterBus as judges, others by property."""

import struct
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from boards import mbus_frame
from boards.mbus_frame import NETWORK, Identity
from boards.mbus_library import meterbus
from boards.mbus_records import TelegramError, split
from tests.mbus.telegrams import IN_ERROR, KNOWN, LONG_NUMBER, REFUSED, SVM_F22_SECOND, made, sealed

WATER = KNOWN["elster_water"].frame
every_known = pytest.mark.parametrize("name", KNOWN)


@every_known
def test_a_published_telegram_says_what_libmbus_makes_of_it(name):
    known = KNOWN[name]
    telegram = mbus_frame.read(known.frame, known.frame[5])
    assert str(telegram.identity) == known.identity
    plain = {record.quantity: record.value() for record in telegram.records
             if record.is_plain and record.quantity}
    assert plain == known.totals
    assert telegram.goes_on == (name in ("svm_f22", "elster_f2", "pollutherm"))


@every_known
def test_its_records_are_those_that_the_library_splits(name):
    frame = KNOWN[name].frame
    ours = [(record.dib + record.vib, record.data, record.storage, record.tariff, record.subunit)
            for record in mbus_frame.read(frame, NETWORK).records]
    theirs = []
    for record in meterbus.load(frame).records:
        if not record.dib.is_eoud:
            storage, tariff, subunit = record.dib.parse_dife()
            theirs.append((bytes(record.dib.parts + record.vib.parts),
                           bytes(record.dataField.parts), storage, tariff or 0, subunit or 0))
    assert ours == theirs


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_not_read_is_refused_in_words(name):
    frame, word = REFUSED[name]
    with pytest.raises(TelegramError, match=word):
        mbus_frame.read(frame, frame[5])


def test_a_long_number_has_the_length_it_says():
    """The library takes it for none, and its octets for more records."""
    records = mbus_frame.read(LONG_NUMBER, 0).records
    assert [len(record.data) for record in records] == [16]
    assert records[0].text == b"WP"
    assert len(meterbus.load(LONG_NUMBER).records) > 1


def test_a_value_in_an_error_state_is_no_total():
    records = mbus_frame.read(IN_ERROR, 6).records
    wrong = [record for record in records if record.function == "error"]
    assert len(wrong) == 4
    assert not any(record.is_plain for record in wrong)
    plain = {record.quantity: record.value() for record in records if record.is_plain}
    assert plain["energy"] == plain["volume"] == 0
    negative = next(record for record in records if record.name == "04 86 3C")
    assert not negative.is_plain, "what flows back is another total"
    assert negative.quantity == "energy"


def alone(octets):
    """The one record of these octets."""
    records, _ = split(octets)
    assert len(records) == 1
    return records[0]


SCALES = {"00": Fraction(1, 1000), "03": Fraction(1), "07": Fraction(10_000),
          "08": Fraction(1, 3600), "0F": Fraction(10**7, 3600), "10": Fraction(1, 1000),
          "13": Fraction(1), "17": Fraction(10_000), "18": Fraction(1, 1000), "1B": Fraction(1),
          "1F": Fraction(10_000), "FB00": Fraction(100_000), "FB01": Fraction(1_000_000),
          "FB08": Fraction(10**8, 3600), "FB09": Fraction(10**9, 3600), "FB10": Fraction(100_000),
          "FB11": Fraction(1_000_000), "FB18": Fraction(100_000), "FB19": Fraction(1_000_000),
          "8674": Fraction(10), "FB8070": Fraction(1, 10), "867D": Fraction(1_000_000)}
units = pytest.mark.parametrize("vib", SCALES)  # EN 13757-3, primary and first extension table


@units
@given(size=st.sampled_from((1, 2, 3, 4, 6, 8)), data=st.data())
def test_a_whole_number_is_exact(vib, size, data):
    raw = data.draw(st.integers(1 - (1 << 8 * size - 1), (1 << 8 * size - 1) - 1))
    dif = {6: 6, 8: 7}.get(size, size)
    octets = bytes([dif]) + bytes.fromhex(vib) + raw.to_bytes(size, "little", signed=True)
    assert alone(octets).value() == raw * SCALES[vib]


@given(st.integers(-999_999, 99_999_999))
def test_decimals_are_exact(raw):
    digits = f"{raw:08d}" if raw >= 0 else f"f{-raw:07d}"
    assert alone(b"\x0c\x13" + bytes.fromhex(digits)[::-1]).value() == raw


@given(st.text("0123456789abcdef", min_size=8, max_size=8))
def test_digits_that_are_none_are_no_value(digits):
    value = alone(b"\x0c\x13" + bytes.fromhex(digits)[::-1]).value()
    meant = digits[1:] if digits[0] == "f" else digits
    assert (value is None) == (not meant.isdecimal())


@given(st.floats(width=32))
def test_a_real_number_is_exact_or_none(raw):
    value = alone(b"\x05\x06" + struct.pack("<f", raw)).value()
    finite = raw - raw == 0
    assert value == (Fraction(raw) * 1000 if finite else None)


@pytest.mark.parametrize("octets", ["04 06 00 00 00 80", "02 13 00 80", "01 13 80"])
def test_the_lowest_number_says_that_there_is_none(octets):
    assert alone(bytes.fromhex(octets)).value() is None


@pytest.mark.parametrize("octets", ["04 86 15 01 00 00 00", "04 93 22 01 00 00 00",
                                    "04 90 28 A0 86 01 00", "04 FD 17 00 00 00 00",
                                    "04 7B 00 00 00 00", "04 2B 01 00 00 00", "0D 13 04 31323334"])
def test_what_is_no_total_has_no_value(octets):
    """An error instead of a value, a rate, the volume of a pulse, flags, power, a text."""
    assert alone(bytes.fromhex(octets)).value() is None


@pytest.mark.parametrize(("octets", "word"), [
    ("04 06 01 00 00", "ends within"), ("04", "ends within"), ("84", "ends within"),
    ("0D 7C 09 61", "ends within"), ("0D 13", "ends within"), ("3F", "reserved"),
    ("0D 13 FB", "reserved"), ("0D 13 CA", "reserved"),
    ("84" + 11 * " 80" + " 06", "extensions"), ("04 " + 12 * "93 ", "extensions"),
])
def test_records_that_do_not_add_up_are_refused(octets, word):
    with pytest.raises(TelegramError, match=word):
        split(bytes.fromhex(octets))


def test_fillers_between_records_are_passed_over():
    records, goes_on = split(bytes.fromhex("2F 2F 04 13 01 00 00 00 2F 04 06 02 00 00 00 2F 1F"))
    assert [record.value() for record in records] == [1, 2000]
    assert goes_on


@pytest.mark.parametrize(("changed", "word"), [
    ({"at_5": 2}, "2 has answered for 1"), ({"at_4": 0x53}, "no reply"),
    ({"at_6": 0x78}, "content 78"), ({"at_18": 5}, "encrypted"),
])
def test_a_frame_that_is_not_the_reply_is_refused(changed, word):
    with pytest.raises(TelegramError, match=word):
        mbus_frame.read(sealed(WATER, **changed), 1)


@given(st.integers(0, len(WATER) - 1), st.integers(1, 255))
def test_no_wrong_octet_is_believed(at, flip):
    """The check sum is one octet, so it finds each that is wrong alone."""
    bent = bytearray(WATER)
    bent[at] ^= flip
    with pytest.raises(TelegramError):
        mbus_frame.read(bytes(bent), 1)


def test_requests_are_those_that_others_send():
    """github.com/rscada/libmbus issues 61 and 88, wmbusmeters issue 435."""
    assert mbus_frame.request(5, True) == bytes.fromhex("107B058016")
    assert mbus_frame.request(NETWORK, False) == bytes.fromhex("105BFD5816")
    assert mbus_frame.reset(NETWORK) == bytes.fromhex("1040FD3D16")
    assert mbus_frame.select(Identity("16357551")) == bytes.fromhex(
        "680B0B6873FD5251753516FFFFFFFFCF16")
    assert mbus_frame.select(Identity("0FFFFFFF")) == bytes.fromhex(
        "680B0B6873FD52FFFFFF0FFFFFFFFFCA16")
    assert mbus_frame.select(Identity("06855817", "KAM", 8, 4))[7:15] == \
        KNOWN["kamstrup_601"].frame[7:15]


def test_the_second_telegram_of_a_meter_has_a_header_and_the_maker_s_data():
    telegram = mbus_frame.read(SVM_F22_SECOND, 1)
    assert telegram.records == []
    assert telegram.goes_on
    assert made(b"\x04\x13\x01\x00\x00\x00", WATER)[:4] == bytes.fromhex("68151568")
