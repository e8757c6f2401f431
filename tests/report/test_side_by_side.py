"""Folders side by side: what both have, in each its own speedup and efficiency."""

import gzip
import re

import msgspec
import pytest
from examples import ENVIRONMENT, make_ladder_record, make_record
from shown import text, with_pictures

from backprop import InputError
from bench.records import store
from bench.report import build
from bench.report.side_by_side import compare, side_by_side


@pytest.fixture
def folders(tmp_path):
    """One, and another on Python 3.13 where the loop is twice as slow."""
    newer = msgspec.structs.replace(ENVIRONMENT, python="CPython 3.13.0")
    for batch in (1, 10, 100):
        for name, speedup, environment in (("one", 4.0, ENVIRONMENT), ("other", 8.0, newer)):
            (tmp_path / name).mkdir(exist_ok=True)
            made = msgspec.structs.replace(make_record(batch, speedup=speedup), environment=environment)
            store.append(tmp_path / name, made)
    return [tmp_path / "one", tmp_path / "other"]


def test_each_cell_and_engine_has_a_column_for_each_folder(folders):
    printed = text(side_by_side(folders, None), 120)
    assert "CPython 3.13.0" in printed
    assert re.search(r"full_matrix +3 +(3\.9\d|4\.0\d)x +(7\.9\d|8\.0\d)x", printed)
    assert re.search(r"784-30-10-b100-float64-t1 +full_matrix +(3\.9\d|4\.0\d)x +(7\.9\d|8\.0\d)x", printed)
    assert len(re.findall(r"^784-30-10", printed, re.MULTILINE)) == 6


def test_what_only_one_has_is_left_out_and_efficiency_is_there(tmp_path):
    folders = [tmp_path / "one", tmp_path / "other"]
    for folder, batches, floor in zip(folders, ((1, 10), (10, 100)), (2.0, 1.0), strict=True):
        folder.mkdir()
        for batch in batches:
            store.append(folder, make_ladder_record(batch, floor=floor))
    rows = compare(folders).rows
    assert set(rows.index.get_level_values("cell")) == {"784-30-10-b10-float64-t1"}
    fused = rows.loc["784-30-10-b10-float64-t1", "fused"]["efficiency"]
    assert fused.tolist() == pytest.approx([0.5, 0.25], rel=0.01)


def test_out_gets_pages_and_a_picture(folders, tmp_path):
    printed = text(side_by_side(folders, tmp_path / "both"), 120)
    names = {path.name for path in (tmp_path / "both").iterdir()}
    assert names == {"report.html", "report.md", "side-by-side.png", "side-by-side.svg"}
    assert "report.html, report.md" in printed
    assert "speedup in B" in with_pictures((tmp_path / "both" / "report.html").read_text())


def test_compressed_records_are_reported_and_compared_as_they_were(folders, tmp_path):
    told = [text(side_by_side(folders, None), 120)]
    for folder in folders:
        path = folder / "cells.jsonl"
        (folder / "cells.jsonl.gz").write_bytes(gzip.compress(path.read_bytes()))
        path.unlink()
    told.append(text(side_by_side(folders, None), 120))
    assert told[0] == told[1]
    assert "speedup.csv, cells.jsonl.gz" in text(build.build(folders[0]), 200)
    with pytest.raises(InputError, match="has records of its own"):
        list(side_by_side([tmp_path / "x", tmp_path / "y"], folders[0]))


def test_two_machines_in_one_folder_have_a_letter_each(folders, tmp_path):
    both = tmp_path / "merged"
    both.mkdir()
    for folder in folders:
        for record in store.load(folder)[0]:
            store.append(both, record)
    assert list(compare([both, folders[0]]).told) == ["A", "B", "C"]


def test_what_cannot_be_compared_is_refused(folders, tmp_path):
    with pytest.raises(InputError, match="named twice"):
        compare([folders[0], folders[0]])
    apart = tmp_path / "apart"
    apart.mkdir()
    store.append(apart, make_record(7))
    with pytest.raises(InputError, match="no engine was timed in the same cell in two of"):
        compare([folders[0], apart])
    with pytest.raises(InputError, match="can't be read"):
        compare([folders[0], tmp_path / "nowhere"])
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="can't be written: Not a directory"):
        list(side_by_side(folders, tmp_path / "file" / "out"))


@pytest.mark.parametrize("how", ["the same", "dots", "link", "records", "training"])
def test_out_never_overwrites_the_pages_of_a_run(folders, tmp_path, how):
    one = folders[0]
    (one / "report.md").write_text("own")
    (tmp_path / "link").symlink_to(one)
    (tmp_path / "third").mkdir()
    out = {"the same": one, "dots": one / ".." / one.name, "link": tmp_path / "link"}.get(how, tmp_path / "third")
    if how in ("records", "training"):
        (out / ("cells.jsonl" if how == "records" else "training.jsonl")).touch()
    with pytest.raises(InputError, match="name another"):
        list(side_by_side(folders, out))
    assert (one / "report.md").read_text() == "own"
    assert not (out / "report.html").exists()
