"""Records of older schemas: all that is published is read, and they lie beside those of today."""

import msgspec
from examples import PEAK, under
from repository import ROOT

from backprop.functions import HEAD, HIDDEN
from bench.records import record as cells
from bench.records import store, training_record
from bench.records.record import Record
from bench.records.training_record import Training

PUBLISHED = sorted(
    {path.with_name(path.name.removesuffix(".gz")) for path in (ROOT / "results" / "published").rglob("*.jsonl*")}
)
KINDS = {"cells.jsonl": (Record, cells.SCHEMA), "training.jsonl": (Training, training_record.SCHEMA)}


def test_every_record_that_is_published_is_read():
    read = [record for path in PUBLISHED if path.name in KINDS for record in store.read(path, *KINDS[path.name])[0]]
    assert {type(record) for record in read} == {Record, Training}
    assert {record.schema for record in read} >= {1}
    assert {(each.cell.hidden, each.cell.head) for each in read if each.schema == 1} == {(HIDDEN, HEAD)}


def test_a_record_without_a_peak_is_read_and_one_with_it_comes_back(tmp_path, record):
    (now,) = under(PEAK, record(3))
    old = msgspec.to_builtins(record(1))
    del old["peak"]
    (tmp_path / "cells.jsonl").write_bytes(msgspec.json.encode(old) + b"\n")
    store.append(tmp_path, now)
    assert store.load(tmp_path)[0] == [record(1), now]


def test_lines_of_an_older_schema_lie_beside_those_of_this_one(tmp_path, record):
    now = record(3, hidden="relu", head="softmax-cross-entropy")
    old = msgspec.to_builtins(record(1, hidden="sigmoid"))
    assert old["cell"].pop("hidden"), old["cell"].pop("head")
    (tmp_path / "cells.jsonl").write_bytes(msgspec.json.encode({**old, "schema": 1, "hidden": ["biases[0]"]}) + b"\n")
    store.append(tmp_path, now)
    before, after = store.load(tmp_path)[0]
    assert after == now
    assert (before.cell, before.lost_in_rounding) == (record(1).cell, ["biases[0]"])
