"""The folder of a sweep: what it begins with, whose records it holds, and what differs from the sweep begun."""

import json

import pytest
from examples import make_record
from filelock import FileLock
from stand_ins import full
from sweeps import batches, engine_that, refused

from bench.records import outputs, store


def test_what_a_sweep_begins_with_is_on_the_disk_before_its_first_cell(sweep_of, tmp_path, monkeypatch):
    synced, sync = [], outputs.sync_folder

    def note(folder):
        synced.append((folder.name, sorted(path.name for path in folder.iterdir() if path.name[0] != ".")))
        sync(folder)

    monkeypatch.setattr(outputs, "sync_folder", note)
    sweep_of()
    assert synced == [
        (tmp_path.name, ["grid.toml", "out"]),
        ("out", ["sweep.json"]),
        ("out", ["cells.jsonl", "sweep.json"]),
    ]


def test_a_folder_that_fills_up_at_once_is_told_and_not_left_behind(sweep_of, tmp_path, monkeypatch):
    monkeypatch.setattr(outputs.os, "fsync", full)
    monkeypatch.setattr(outputs, "sync_folder", lambda folder: None)
    refused(sweep_of(), "sweep.json can't be written: No space left on device")
    assert not (tmp_path / "out").exists()


def test_a_folder_with_something_else_in_it_is_refused(sweep_of, tmp_path):
    out = tmp_path / "out"
    refused(sweep_of("--resume"), "out holds no sweep to go on with: leave out --resume")
    assert not out.exists()
    out.mkdir()
    store.append(out, make_record())
    refused(sweep_of(), "out holds the records of another run: name another folder")
    (out / "cells.jsonl").rename(out / "cells.jsonl.gz")
    refused(sweep_of(), "out holds the records of another run: name another folder")
    refused(sweep_of(out=tmp_path / "grid.toml"), "grid.toml can't be written")
    sweep_of(out=tmp_path / "begun")
    before = (tmp_path / "begun" / "cells.jsonl").read_bytes()
    refused(sweep_of(out=tmp_path / "begun"), "begun holds a sweep: go on with it by --resume, or name another")
    assert (tmp_path / "begun" / "cells.jsonl").read_bytes() == before


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"{", "is not what a sweep has written"), (b'{"schema": 3}', "has schema 3"), (b'{"schema": 1}', "not what")],
)
def test_a_manifest_that_cannot_be_read_is_refused(sweep_of, tmp_path, content, message):
    sweep_of()
    (tmp_path / "out" / "sweep.json").write_bytes(content)
    refused(sweep_of("--resume"), "sweep.json", message)


def test_a_broken_line_among_the_records_is_refused_by_its_number(sweep_of, tmp_path):
    sweep_of()
    path = tmp_path / "out" / "cells.jsonl"
    path.write_bytes(b"{}\n" + path.read_bytes())
    refused(sweep_of("--resume"), "cells.jsonl, line 1, is not a record")


@pytest.mark.parametrize(
    ("options", "engines", "difference"),
    [
        ((), "per_sample", "with engines per_sample,full_matrix, now per_sample: go on with what it was begun with"),
        (("--seconds", 2), "per_sample,full_matrix", "with seconds 3.5, now 2:"),
        (("--no-floor",), "per_sample,full_matrix", "with floor raced, now not raced:"),
        (("--allocator", "default"), "per_sample,full_matrix", "with allocator pinned, now default:"),
        (("--grid", "smoke"), "per_sample,full_matrix", "cells 4, now 4 more, such as 784-10-10-b1-float64-t1; with "),
        (("--grid", "smoke"), "per_sample,full_matrix", "cells 4, now 4 fewer, such as 4-3-2-b1-float64-t1"),
    ],
)
def test_what_differs_from_the_sweep_that_was_begun_is_named(sweep_of, tmp_path, options, engines, difference):
    sweep_of()
    refused(sweep_of("--resume", *options, engines=engines), "out was begun with ", difference)
    assert batches(tmp_path / "out") == [1, 2, 3, 4]


def test_other_code_or_another_machine_is_named(sweep_of, tmp_path, monkeypatch):
    mine = engine_that(tmp_path / "mine.py", "pass")
    sweep_of(engines=str(mine))
    engine_that(mine, "pass  # changed")
    refused(sweep_of("--resume", engines=str(mine)), f"with engines {mine} (", f"now {mine} (")
    engine_that(mine, "pass")
    begun = json.loads((tmp_path / "out" / "sweep.json").read_text())
    for change, difference in [
        ({"software": {**begun["software"], "code": "0" * 16}}, "code of the package backprop of digest 0000"),
        ({"software": {**begun["software"], "python": "CPython 3.1"}}, "Python CPython 3.1, now CPython 3."),
        ({"software": {**begun["software"], "packages": {"jax": "1"}}}, "jax 1, now "),
        ({"machine": {**begun["machine"], "cores": 999}}, "999 cores (host "),
        ({"machine": {**begun["machine"], "cores": 9, "quota": 0.5}}, "9 cores, the time of 0.5 CPU (host "),
        ({"machine": {**begun["machine"], "host": "fedcba"}}, "(host fedcba), now "),
        ({"machine": None}, "machine those of a cluster, now "),
    ]:
        (tmp_path / "out" / "sweep.json").write_text(json.dumps(begun | change))
        refused(sweep_of("--resume", engines=str(mine)), difference)
    (tmp_path / "out" / "sweep.json").write_text(json.dumps(begun))
    assert sweep_of("--resume", engines=str(mine))[0] == 0


def test_a_folder_in_use_is_refused(sweep_of, tmp_path):
    sweep_of()
    with FileLock(tmp_path / "out" / outputs.LOCK):
        refused(sweep_of("--resume"), "out is in use by another sweep")
    assert sweep_of("--resume")[0] == 0
