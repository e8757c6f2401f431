"""Records on disk: what is written is read back; what is broken is named."""

import errno
import gzip
import json
import os
import shutil
import subprocess
import sys

import msgspec
import pytest
from repository import ROOT

from backprop import InputError
from bench.records import outputs, store
from bench.records.record import SCHEMA, Record


def test_what_is_written_is_read_back(tmp_path, record):
    written = [record(1), record(10, failed="gradient off"), record(3, slow="too slow"), record(5, data="mnist5k")]
    for each in written:
        store.append(tmp_path, each)
    assert store.load(tmp_path) == (written, [])
    assert len((tmp_path / "cells.jsonl").read_text().splitlines()) == 4


def test_a_line_is_plain_json_with_the_fields_promised(record):
    line = json.loads(store.dump(record()))
    fields = ["schema", "cell", "contestants", "noise", "environment", "started", "elapsed_seconds", "floor"]
    assert list(line) == [*fields, "seconds", "floor_asked", "hidden", "apart", "baseline", "peak", "elsewhere"]
    assert {"name", "seconds", "steps_per_slice", "gradient_error", "peak_bytes"} <= set(line["contestants"][0])


def test_a_cut_off_last_line_is_named_and_the_rest_used(tmp_path, record):
    whole = store.dump(record())
    (tmp_path / "cells.jsonl").write_bytes(whole + whole[:-40])
    found, warnings = store.load(tmp_path)
    assert found == [record()]
    assert len(warnings) == 1
    assert "line 2, was cut off" in warnings[0]


@pytest.mark.parametrize(
    ("second", "message"),
    [
        (b"garbage\n", "line 2, is not a record that this version of backprop-bench reads: JSON is malformed"),
        (b"\n", "line 2, is not a record"),
        (b"\xff\xfe\n", "line 2, is not a record"),
        (b"[1]\n", "line 2, is not a record that this version of backprop-bench reads: Expected `object`"),
        (b"{}\n", "missing required field `schema`"),
        (b'{"schema": 1}\n', "missing required field `cell`"),
        (b'{"schema": 0}\n', "line 2, is not a record that this version of backprop-bench reads: Expected `int` >= 1"),
        (b'{"schema": 3}\n', "line 2, has schema 3; this version of backprop-bench reads up to schema 2"),
    ],
)
def test_a_broken_line_is_refused_with_its_number(tmp_path, record, second, message):
    (tmp_path / "cells.jsonl").write_bytes(store.dump(record()) + second + store.dump(record()))
    with pytest.raises(InputError, match=message):
        store.load(tmp_path)


FILL = """
import resource, sys
from pathlib import Path
from examples import make_record
from backprop import InputError
from bench.records import outputs, store
folder, size = Path(sys.argv[1]), int(sys.argv[2])
resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
for batch in (1, 10, 100):
    try:
        store.append(folder, make_record(batch))
    except InputError as error:
        print(error)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="limits the size of a file as Unix does")
def test_a_record_that_the_disk_has_no_room_for_leaves_nothing_behind(tmp_path, record):
    size = len(store.dump(record(1))) + 100  # it fills up in the middle of the second line
    command = [sys.executable, "-c", FILL, tmp_path, str(size)]
    done = subprocess.run(command, cwd=ROOT / "tests", capture_output=True, text=True, check=True)
    message = f"{tmp_path / 'cells.jsonl'} can't be written: File too large; its records are whole: make room"
    assert done.stdout.splitlines() == [message, message]
    assert store.load(tmp_path) == ([record(1)], [])


def test_what_is_added_to_begins_with_a_whole_line(tmp_path, record):
    path, kind = tmp_path / "cells.jsonl", (Record, SCHEMA)
    assert store.recover(path, *kind) == []
    whole = store.dump(record(1))
    for torn in (b"", whole[:-2], whole[:40], b"\0" * 100):
        path.write_bytes(whole + torn)
        assert store.recover(path, *kind) == [record(1)]
        assert path.read_bytes() == whole
    path.write_bytes(whole[:-1])  # nothing but its end is lost
    assert store.recover(path, *kind) == [record(1)]
    assert path.read_bytes() == whole
    path.write_bytes(b"{}\n" + whole)
    with pytest.raises(InputError, match="line 1, is not a record"):
        store.recover(path, *kind)


def test_a_folder_without_records_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"cells\.jsonl can't be read"):
        store.load(tmp_path)
    (tmp_path / "cells.jsonl").touch()
    with pytest.raises(InputError, match="holds no record"):
        store.load(tmp_path)


def compress(path):
    """Leave the file behind compressed alone."""
    path.with_name(f"{path.name}.gz").write_bytes(gzip.compress(path.read_bytes()))
    path.unlink()


def test_compressed_records_are_read_before_those_that_lie_beside_them(tmp_path, record):
    path, kind = tmp_path / "cells.jsonl", (Record, SCHEMA)
    store.append(tmp_path, record(1, failed="crashed"))
    store.append(tmp_path, record(10))
    compress(path)
    assert store.load(tmp_path) == ([record(1, failed="crashed"), record(10)], [])
    assert store.recover(path, *kind) == store.load(tmp_path)[0]
    store.append(tmp_path, record(1))
    assert store.load(tmp_path) == ([record(1), record(10)], [])
    assert store.recover(path, *kind) == [record(1, failed="crashed"), record(10), record(1)]


@pytest.mark.parametrize("why", ["torn", "changed", "plain"])
def test_a_broken_compressed_file_is_told_in_a_line(call, tmp_path, record, why):
    whole = gzip.compress(store.dump(record()))
    content = {"torn": whole[:-40], "changed": whole[:50] + bytes(20) + whole[70:], "plain": store.dump(record())}[why]
    (tmp_path / "cells.jsonl.gz").write_bytes(content)
    for command in ("report", "predict"):
        status, printed, err = call(command, tmp_path)
        assert (status, printed) == (2, "")
        assert err.startswith(f"backprop-bench: {tmp_path / 'cells.jsonl.gz'} can't be read: it is broken: ")
        assert err.count("\n") == 1


def test_compressed_records_are_set_aside_with_the_others(tmp_path, record):
    folder = tmp_path / "latest"
    folder.mkdir()
    store.append(folder, record(1))
    compress(folder / "cells.jsonl")
    (folder / "report.md").touch()
    aside = store.set_aside(folder)
    assert {path.name for path in aside.iterdir()} == {"cells.jsonl.gz", "report.md"}
    assert list(folder.iterdir()) == []
    shutil.copy2(aside / "cells.jsonl.gz", folder)
    store.append(folder, record(10))
    assert store.load(store.set_aside(folder))[0] == [record(1), record(10)]
    assert store.load(aside)[0] == [record(1)]


def test_a_new_run_sets_the_records_of_the_last_aside(tmp_path, record):
    folder = tmp_path / "latest"
    folder.mkdir()
    assert store.set_aside(folder) is None
    (folder / "cells.jsonl").touch()
    assert store.set_aside(folder) is None  # nothing recorded yet: nothing to keep
    store.append(folder, record(1))
    for name in ("report.md", "notes.txt", ".hidden", "sub/own.txt"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(name)
    aside = store.set_aside(folder)
    assert store.load(aside)[0] == [record(1)]
    assert {path.name for path in aside.iterdir()} == {"cells.jsonl", "report.md", "notes.txt"}
    assert {path.name for path in folder.iterdir()} == {".hidden", "sub"}
    store.append(folder, record(2))
    assert store.set_aside(folder) != aside
    assert store.load(aside)[0] == [record(1)]


def test_records_are_set_aside_beside_what_a_link_leads_to_and_never_onto_others(tmp_path, record):
    folder, link = tmp_path / "disk" / "real", tmp_path / "latest"
    folder.mkdir(parents=True)
    link.symlink_to(folder)
    store.append(link, record(1))
    aside = store.set_aside(link)
    assert aside.parent == folder.parent
    assert link.is_symlink()
    shutil.copy2(aside / "cells.jsonl", folder)  # put back, and with the same time
    assert store.set_aside(link) != aside
    assert store.load(aside)[0] == [record(1)]


def test_a_move_that_was_cut_short_goes_on(tmp_path, record, monkeypatch):
    folder = tmp_path / "latest"
    folder.mkdir()
    store.append(folder, record(1))
    (folder / "report.md").touch()
    move = shutil.move

    def stop_at_the_records(source, target):
        if source.name == "cells.jsonl":
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return move(source, target)

    monkeypatch.setattr(store.shutil, "move", stop_at_the_records)
    with pytest.raises(InputError, match="can't be set aside: No space left on device"):
        store.set_aside(folder)
    assert store.load(folder)[0] == [record(1)]
    monkeypatch.undo()
    assert {path.name for path in store.set_aside(folder).iterdir()} == {"cells.jsonl", "report.md"}


def test_of_a_cell_raced_again_the_last_record_counts(record):
    found = [record(1, failed="crashed"), record(10), record(1)]
    assert store.that_count(found) == [record(1), record(10)]


def test_a_cell_has_failed_where_it_went_well_on_no_machine(record):
    elsewhere = msgspec.structs.replace(record().environment, host="abcdef")
    crashed = record(1, failed="crashed")
    mended = msgspec.structs.replace(record(1), environment=elsewhere)
    assert store.failed([crashed, record(10)]) == [crashed]
    assert store.failed([crashed, record(1)]) == store.failed([crashed, mended]) == []
    assert store.failed([record(1), crashed]) == [crashed]


def test_the_folder_of_a_new_file_is_synced(tmp_path, record, monkeypatch):
    synced = []
    monkeypatch.setattr(outputs, "sync_folder", synced.append)
    store.append(tmp_path, record(1))
    store.append(tmp_path, record(10))
    assert synced == [tmp_path]
