"""Journal files: what is written is read, rows are found by time, a torn end is no row."""

from __future__ import annotations

from array import array
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from boards.journal_file import Header, JournalError, JournalReader, JournalWriter, files
from boards.journal_folder import JournalFolder
from edge import journal
from tests.boards.rows import DAY, header, row, write

INT32 = st.integers(-(1 << 31), (1 << 31) - 1)
MOMENTS = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 20)), max_size=60)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("journal")


@given(st.lists(st.lists(INT32, min_size=len(journal.FIELDS), max_size=len(journal.FIELDS)),
                max_size=20))
def test_what_is_written_is_read(folder, values):
    path = write(folder / "a.journal", [array("i", one) for one in values])
    with JournalReader(path) as reader:
        assert [list(one) for one in reader] == values
        assert [list(reader[at]) for at in range(len(reader))] == values
        with pytest.raises(IndexError):
            reader[len(values)]


@given(MOMENTS, st.tuples(st.integers(0, 3), st.integers(0, 20)))
def test_a_row_is_found_by_time(folder, moments, asked):
    ordered = sorted(set(moments))
    path = write(folder / "a.journal", [row(*moment) for moment in ordered])
    with JournalReader(path) as reader:
        found = reader.find(*asked)
        assert ordered[:found + 1] == [moment for moment in ordered if moment <= asked]


@given(MOMENTS, st.tuples(st.integers(0, 3), st.integers(0, 20)))
def test_whatever_the_clock_did_the_row_found_is_not_later(folder, moments, asked):
    path = write(folder / "a.journal", [row(*moment) for moment in moments])
    with JournalReader(path) as reader:
        found = reader.find(*asked)
        assert found == -1 or moments[found] <= asked
        assert found == len(moments) - 1 or moments[found + 1] > asked


@given(st.integers(1, 5), st.integers(1, 4 * len(journal.FIELDS) - 1))
def test_a_torn_last_row_is_not_there(folder, count, cut):
    path = write(folder / "a.journal", [row(second=at) for at in range(count)])
    content = path.read_bytes()
    path.write_bytes(content[:-cut])
    with JournalReader(path) as reader:
        assert len(reader) == count - 1
        assert [one[1] for one in reader] == list(range(count - 1))


def test_a_file_that_grows_shows_its_new_rows(tmp_path: Path):
    writer = JournalWriter(tmp_path / "a.journal", header(), buffered=False)
    with JournalReader(tmp_path / "a.journal") as reader:
        assert len(reader) == 0
        assert list(reader) == []
        writer.write(row(second=7))
        assert reader.moment(0) == (DAY, 7)
    writer.close()


def test_the_header_says_what_the_rows_are(tmp_path: Path):
    path = write(tmp_path / "a.journal", [])
    with JournalReader(path) as reader:
        head = reader.header
    assert tuple(head.fields) == journal.FIELDS
    assert list(head.rules)[:3] == ["device", "fresh", "ramp"]
    assert (head.beat_s, head.name, head.sliding) == (1, "demo/foundry", 0)
    assert head.offsets == [[0, 0, 28800]]
    assert len(head.site) == 16


@pytest.mark.parametrize("content", [
    b"", b"\n", b"{}\n", b"[]\n", b"1\n", b'{"journal":9}\n', b'{"journal":1}\n', b"\xff\n",
    b'{"journal":1,"fields":["a"],"rules":[],"site":"","beat_s":1}\n',
    b'{"journal":1,"fields":3,"rules":[],"site":"","beat_s":1}\n', b"SQLite format 3\0",
    b"[" * 70000,
])
def test_another_file_is_refused_in_one_line(content, tmp_path: Path):
    path = tmp_path / "a.journal"
    path.write_bytes(content)
    with pytest.raises(JournalError) as raised:
        JournalReader(path)
    assert str(raised.value).startswith(str(path))
    assert "\n" not in str(raised.value)


def test_an_older_file_with_other_fields_can_be_read(tmp_path: Path):
    head = Header(("day", "second", "grid_w"), ("device",), "00", 1)
    path = write(tmp_path / "a.journal", [array("i", [5, 6, 7])], head)
    with JournalReader(path) as reader:
        assert list(reader[0]) == [5, 6, 7]
        assert reader.find(5, 6) == 0


def test_a_folder_keeps_a_file_a_day_and_throws_the_oldest_away(tmp_path: Path):
    kept = JournalFolder(tmp_path / "j", header(), keep_days=3)
    for day in range(DAY, DAY + 5):
        for second in (0, 1):
            kept.keep(row(day, second))
    kept.close()
    names = [path.name for path in files(tmp_path / "j")]
    assert names == ["20251124-000000.journal", "20251125-000000.journal",
                     "20251126-000000.journal"]
    with JournalReader(tmp_path / "j" / names[-1]) as reader:
        assert [reader.moment(at) for at in range(len(reader))] == [(DAY + 4, 0), (DAY + 4, 1)]


def test_a_new_run_never_writes_over_an_old_file(tmp_path: Path):
    for _ in range(3):
        kept = JournalFolder(tmp_path, header())
        kept.keep(row(second=9))
        kept.close()
    assert len(files(tmp_path)) == 3
    for path in files(tmp_path):
        with JournalReader(path) as reader:
            assert len(reader) == 1


def test_a_disk_that_fails_never_stops_the_control(tmp_path: Path):
    (tmp_path / "j").write_text("a file is in the way")
    kept = JournalFolder(tmp_path / "j", header())
    for second in range(10):
        kept.keep(row(second=second))
    assert kept.lost == 10
    (tmp_path / "j").unlink()
    for second in range(10, 100):
        kept.keep(row(second=second))
    kept.close()
    (path,) = files(tmp_path / "j")
    with JournalReader(path) as reader:
        assert len(reader) == 100 - kept.lost
        assert 50 < kept.lost < 70


def test_a_full_disk_is_counted_not_raised(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    disk = open("/dev/full", "wb", 0)  # noqa: SIM115

    def full(path: Path, head: Header, buffered: bool) -> JournalWriter:
        writer = JournalWriter(path, head, buffered)
        writer.write = disk.write
        return writer

    kept = JournalFolder(tmp_path, header())
    with disk, monkeypatch.context() as patched:
        patched.setattr("boards.journal_folder.JournalWriter", full)
        kept.keep(row())
    assert kept.lost == 1
    for second in range(70):
        kept.keep(row(second=second))
    assert kept.lost == 61  # a minute later there is room again
    kept.close()
