"""At which raced batch sizes the one engine is surely ahead of the other, and what the two take in memory."""

import msgspec
import pytest
from examples import make_ladder_record, make_timed_record

from bench.analysis import speedup_frame
from bench.analysis.intervals import Estimate
from bench.cells.cell import Cell
from bench.report import answer, crossing

BATCHES = (1, 3, 10, 30, 100, 300)
WHERE = "Of the batch sizes raced at 784-30-10 (1, 3, 10, 30, 100, 300) full_matrix is surely ahead of per_sample "


def races(factors, **cell):
    return [
        make_timed_record(Cell((784, 30, 10), batch, **cell), {"per_sample": factor * 1e-4, "full_matrix": 1e-4})
        for batch, factor in zip(BATCHES, factors, strict=True)
    ]


@pytest.mark.parametrize(
    ("factors", "told"),
    [
        ((0.9, 1.5, 4, 8, 9, 10), "from 3 on."),
        ((2, 3, 4, 8, 9, 10), "from 1 on."),
        ((0.9, 1.5, 4, 8, 9, 0.9), "at 3, 10, 30 and 100."),
        ((1.5, 0.9, 4, 0.9, 9, 9), "at 1 and 10, and from 100 on."),
        ((0.5, 0.6, 0.7, 0.8, 0.9, 0.9), "at none."),
    ],
)
def test_it_says_where_one_is_ahead_and_from_where_on_it_stays_so(factors, told):
    found = races(factors)
    others = races([9.0] * 6, dtype="float32") + races([9.0] * 6, data="mnist5k")
    assert crossing.raced(answer.headline(found), [*reversed(found), *others]) == WHERE + told


def test_of_one_batch_size_nothing_is_said():
    found = [make_ladder_record()]
    assert crossing.raced(answer.headline(found), found) == ""


def test_an_interval_that_reaches_one_is_not_ahead():
    unsure, sure = Estimate(2.0, 1.0, 4.0), Estimate(2.0, 1.1, 4.0)
    assert crossing.ahead_from({10: sure, 3: unsure, 1: sure}) == [10]
    assert crossing.ahead_from({1: sure, 3: unsure}) == []


def test_memory_says_whose_it_is():
    found = [make_ladder_record(batch) for batch in (10, 100)]
    heavy = [msgspec.structs.replace(one, peak_bytes=5000) for one in found[1].contestants if one.name == "full_matrix"]
    rest = [one for one in found[1].contestants if one.name != "full_matrix"]
    found[1] = msgspec.structs.replace(found[1], contestants=[*rest, *heavy])
    rows = speedup_frame.frame(found)
    pair = answer.headline(found)
    assert answer.memory(pair, rows) == (
        "At batch 10 a step of full_matrix takes 10.0 kB, and one of per_sample 10.0 kB; "
        "at batch 100 5.00 kB and 100 kB."
    )
    assert answer.memory(pair, rows.assign(peak_bytes=None)) == ""
