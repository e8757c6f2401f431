"""At which raced batch sizes the one engine is surely ahead of the other, and what the two take in memory."""

import msgspec
import pytest
from examples import ENVIRONMENT, make_ladder_record, make_timed_record

from bench.analysis import speedup_frame
from bench.cells.cell import Cell
from bench.report import answer, crossing

BATCHES = (1, 3, 10, 30, 100, 300)
SURELY = "(1, 3, 10, 30, 100, 300) full_matrix is surely ahead of per_sample "
WHERE = f"Of the batch sizes raced at 784-30-10 {SURELY}"


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
    others = races([9.0] * 6, data="mnist5k")
    assert crossing.raced(answer.headline(found), [*reversed(found), *others]) == WHERE + told


def test_where_there_are_several_settings_it_says_of_which_it_tells():
    found = [*races((0.9, 1.5, 4, 8, 9, 10)), *races([9.0] * 6, dtype="float32")]
    where = "Of the batch sizes raced at 784-30-10, float64-t1 "
    assert crossing.raced(answer.headline(found), found) == f"{where}{SURELY}from 3 on."


def test_of_one_batch_size_nothing_is_said():
    found = [make_ladder_record()]
    assert crossing.raced(answer.headline(found), found) == ""


def test_it_stays_ahead_from_where_it_is_not_behind_again():
    assert crossing.ahead_from({10: True, 3: False, 1: True}) == [10]
    assert crossing.ahead_from({1: True, 3: False}) == []


def test_memory_says_whose_it_is():
    found = [make_ladder_record(batch) for batch in (10, 100)]
    heavy = [msgspec.structs.replace(one, peak_bytes=5000) for one in found[1].contestants if one.name == "full_matrix"]
    rest = [one for one in found[1].contestants if one.name != "full_matrix"]
    found[1] = msgspec.structs.replace(found[1], contestants=[*rest, *heavy])
    rows = speedup_frame.frame(found)
    pair = answer.headline(found)
    assert answer.memory(pair, rows) == (
        "At batch 10 a step of full_matrix takes 10.0 kB, and one of per_sample 10.0 kB; "
        "at batch 100: 5.00 kB and 100 kB."
    )
    assert answer.memory(pair, rows.assign(peak_bytes=None)) == ""


def test_a_sentence_says_of_which_machine_and_setting_it_is_where_there_are_several():
    here = make_ladder_record()
    there = msgspec.structs.replace(here, environment=msgspec.structs.replace(ENVIRONMENT, host="abcdef"))
    narrow = make_ladder_record(dtype="float32")

    def told(*others):
        return answer.located("It is so.", answer.headline([here]), [here, *others])

    assert told() == told(make_ladder_record(100)) == "It is so."
    assert told(there) == "At 784-30-10, machine A: it is so."
    assert told(narrow) == "At 784-30-10, float64-t1: it is so."
    assert told(narrow, there) == "At 784-30-10, float64-t1, machine A: it is so."
