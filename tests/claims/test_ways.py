"""Four ways to make a product, raced: each is the product, or is not timed."""

import numpy as np
import pytest

from bench.cells.cell import Cell
from bench.cells.entry import Entry
from bench.claims import ways
from bench.claims.ways import WAYS
from bench.timing.one_pass import PassJob, RaceJob

CELL = Cell((70, 70), 70, "float32", head="identity-quadratic")


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_each_way_makes_the_product(way):
    rng = np.random.default_rng(0)
    b, c = rng.normal(size=(2, 70, 70))
    made = np.full((70, 70), np.nan)
    way(b, c, made)
    assert np.allclose(made, b @ c, rtol=1e-12, atol=1e-12)


def test_they_are_raced_by_slices_in_rounds_and_a_wrong_one_is_left_out(monkeypatch):
    monkeypatch.setitem(WAYS, "blocks", lambda b, c, a: ways.whole(b, c + 1e-3, a))
    job = RaceJob(CELL, [Entry(name, name) for name in WAYS], 1.0, floor=False, pin=False)
    found = ways.run_pass(PassJob(job, 0.05, seed=0)).found
    by_name = dict(zip(WAYS, found, strict=False))
    assert by_name["blocks"].failed
    assert "the product is off by" in by_name["blocks"].left_out
    for name in ("elements", "columns", "whole"):
        assert any(by_name[name].seconds), name
        assert by_name[name].gradient_error < 1e-5
    assert found[-1].role == "twin"
