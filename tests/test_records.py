"""Records on disk: what is written is read back; what is broken is named."""

import errno
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from backprop import InputError
from bench import records


def test_what_is_written_is_read_back(tmp_path, record):
    written = [record(1), record(10, failed="gradient off"), record(3, slow="too slow"), record(5, data="mnist5k")]
    for each in written:
        records.append(tmp_path, each)
    assert records.load(tmp_path) == (written, [])
    assert len((tmp_path / "cells.jsonl").read_text().splitlines()) == 4


def test_a_line_is_plain_json_with_the_fields_promised(record):
    line = json.loads(records.dump(record()))
    fields = ["schema", "cell", "contestants", "noise", "environment", "started", "elapsed_seconds", "floor"]
    assert list(line) == fields
    assert {"name", "seconds", "steps_per_slice", "gradient_error", "peak_bytes"} <= set(line["contestants"][0])


def test_a_cut_off_last_line_is_named_and_the_rest_used(tmp_path, record):
    whole = records.dump(record())
    (tmp_path / "cells.jsonl").write_bytes(whole + whole[:-40])
    found, warnings = records.load(tmp_path)
    assert found == [record()]
    assert len(warnings) == 1
    assert "line 2, was cut off" in warnings[0]


@pytest.mark.parametrize(
    ("second", "message"),
    [
        (b"garbage\n", "line 2, is not a record of schema 1: JSON is malformed"),
        (b"\n", "line 2, is not a record"),
        (b"\xff\xfe\n", "line 2, is not a record"),
        (b"[1]\n", "line 2, is not a record of schema 1: Expected `object`"),
        (b"{}\n", "missing required field `schema`"),
        (b'{"schema": 1}\n', "missing required field `cell`"),
        (b'{"schema": 2}\n', "line 2, has schema 2; this version of backprop-bench reads schema 1 only"),
    ],
)
def test_a_broken_line_is_refused_with_its_number(tmp_path, record, second, message):
    (tmp_path / "cells.jsonl").write_bytes(records.dump(record()) + second + records.dump(record()))
    with pytest.raises(InputError, match=message):
        records.load(tmp_path)


FILL = """
import resource, sys
from pathlib import Path
from conftest import make_record
from backprop import InputError
from bench import records
folder, size = Path(sys.argv[1]), int(sys.argv[2])
resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
for batch in (1, 10, 100):
    try:
        records.append(folder, make_record(batch))
    except InputError as error:
        print(error)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="limits the size of a file as Unix does")
def test_a_record_that_the_disk_has_no_room_for_leaves_nothing_behind(tmp_path, record):
    size = len(records.dump(record(1))) + 100  # it fills up in the middle of the second line
    command = [sys.executable, "-c", FILL, tmp_path, str(size)]
    done = subprocess.run(command, cwd=Path(__file__).parent, capture_output=True, text=True, check=True)
    message = f"{tmp_path / 'cells.jsonl'} can't be written: File too large; its records are whole: make room"
    assert done.stdout.splitlines() == [message, message]
    assert records.load(tmp_path) == ([record(1)], [])


def test_what_is_added_to_begins_with_a_whole_line(tmp_path, record):
    path, kind = tmp_path / "cells.jsonl", (records.Record, records.SCHEMA)
    assert records.recover(path, *kind) == []
    whole = records.dump(record(1))
    for torn in (b"", whole[:-2], whole[:40], b"\0" * 100):
        path.write_bytes(whole + torn)
        assert records.recover(path, *kind) == [record(1)]
        assert path.read_bytes() == whole
    path.write_bytes(whole[:-1])  # nothing but its end is lost
    assert records.recover(path, *kind) == [record(1)]
    assert path.read_bytes() == whole
    path.write_bytes(b"{}\n" + whole)
    with pytest.raises(InputError, match="line 1, is not a record"):
        records.recover(path, *kind)


def test_a_disk_that_is_full_leaves_the_file_that_was_there(tmp_path):
    path = tmp_path / "out.txt"
    path.write_text("old")
    message = r"out\.txt can't be written: No space left on device"
    with pytest.raises(InputError, match=message), records.written_whole(path):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_without_records_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"cells\.jsonl can't be read"):
        records.load(tmp_path)
    (tmp_path / "cells.jsonl").touch()
    with pytest.raises(InputError, match="holds no record"):
        records.load(tmp_path)


def test_a_new_run_sets_the_records_of_the_last_aside(tmp_path, record):
    folder = tmp_path / "latest"
    assert records.prepare(folder) is None
    assert records.prepare(folder) is None  # nothing recorded yet: nothing to keep
    records.append(folder, record(1))
    aside = records.prepare(folder)
    assert records.load(aside)[0] == [record(1)]
    assert (folder / "cells.jsonl").read_bytes() == b""
    records.append(folder, record(2))
    assert records.prepare(folder) != aside
    assert records.load(aside)[0] == [record(1)]


def test_a_results_folder_that_cannot_be_written_is_refused(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="file/latest can't be written"):
        records.prepare(tmp_path / "file" / "latest")


def test_a_file_is_written_whole_or_not_at_all(tmp_path):
    path = tmp_path / "out.txt"
    path.write_text("old")
    with pytest.raises(KeyboardInterrupt), records.written_whole(path) as temporary:
        temporary.write_text("half")
        raise KeyboardInterrupt
    assert path.read_text() == "old"
    with records.written_whole(path) as temporary:
        temporary.write_text("new")
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]


def test_timed_seconds_adds_up_every_slice(record):
    found = record()
    total = sum(
        steps * t
        for steps, passes in (
            (3, found.contestants[0].seconds),
            (7, found.contestants[1].seconds),
            (7, found.noise.seconds),
        )
        for rounds in passes
        for t in rounds
    )
    assert found.timed_seconds == pytest.approx(total)
