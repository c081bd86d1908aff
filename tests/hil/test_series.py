"""Load files as people have them: what is read, and the one line that refuses the rest."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from hil.series import SeriesError, read

GOOD = "timestamp,kW\n2026-01-01T00:00,1\n2026-01-01T00:15,2.5\n2026-01-01T00:30,-3\n"


def written(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("content", [
    GOOD.encode(), GOOD.replace("\n", "\r\n").encode(), GOOD.replace("T", " ").encode(),
    b"\xef\xbb\xbf" + GOOD.encode()], ids=["plain", "crlf", "space", "byte order mark"])
def test_what_spreadsheets_write_is_read(tmp_path: Path, content: bytes) -> None:
    for path in (written(tmp_path / "a.csv", content),
                 written(tmp_path / "a.csv.gz", gzip.compress(content))):
        found = read(path)
        assert found.watts == (1000, 2500, -3000)
        assert found.step_s == 900


@pytest.mark.parametrize(("old", "new", "words"), [
    ("00:15,2.5", "00:15+08:00,2.5", ":3: 2026-01-01T00:15+08:00 has an offset, expected local"),
    ("00:00,1\n", "00:00Z,1\n", ":2: 2026-01-01T00:00Z has an offset, expected local"),
    ("2.5", "2,5", ":3: 3 values, expected 2"),
    ("2.5", "1e300", ":3: kW is 1e300, expected -8000 .. 8000"),
    ("2.5", "-8000.1", ":3: kW is -8000.1, expected -8000 .. 8000"),
    ("2.5", "NaN", ":3: kW is NaN, expected -8000 .. 8000"),
    ("2.5", "", ":3: could not convert"),
    ("00:30", "01:30", "expected steps of 0:15:00, in a clock without summer time"),
    ("00:30", "00:15", "expected steps of 0:15:00"),
    ("timestamp,kW", "time,power", "expected columns timestamp,kW"),
    ("timestamp,kW\n", "", "expected columns timestamp,kW"),
    (GOOD, "", "expected columns timestamp,kW"),
])
def test_a_wrong_file_is_refused_in_one_line(tmp_path: Path, old: str, new: str, words: str
                                             ) -> None:
    path = written(tmp_path / "a.csv", GOOD.replace(old, new).encode())
    with pytest.raises(SeriesError) as refused:
        read(path)
    assert words in str(refused.value)
    assert str(path) in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("spoil", [
    lambda packed: packed[:-12], lambda packed: packed[:15], lambda packed: GOOD.encode(),
    lambda packed: packed[:20] + b"\xff\x55\xaa" + packed[23:]],
    ids=["cut", "cut in the head", "not packed", "turned bits"])
def test_a_broken_gzip_file_is_refused_in_one_line(tmp_path: Path, spoil) -> None:
    path = written(tmp_path / "a.csv.gz", spoil(gzip.compress(GOOD.encode())))
    with pytest.raises(SeriesError, match="cannot be read: "):
        read(path)
