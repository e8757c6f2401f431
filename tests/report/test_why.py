"""Why the factor is what it is: what each change removed, in seconds that add up, marked measured or fitted."""

import re

import pytest
from examples import GRID, LOOP, MATRIX, exact, make_ladder_record, make_timed_record

from bench.analysis import cost_model, speedup_frame
from bench.cells.cell import Cell
from bench.report import parts, pictures, why
from bench.report.document import Listing, Table, Text
from bench.report.figures import removed

SHARES = {  # of calls, passes and products
    "per_sample": (0.6, 0.1, 0.3),
    "full_matrix": (0.2, 0.3, 0.5),
    "in_place": (0.2, 0.2, 0.6),
    "fused": (0.6, 0.0, 0.4),
}


def split(found, known="measured"):
    """The rows of these records, with shares of the engines on the ladder."""
    rows = speedup_frame.frame(found)
    for number, column in enumerate(parts.COLUMNS.values()):
        rows[column] = rows["engine"].map({engine: shares[number] for engine, shares in SHARES.items()})
    return rows.assign(shares_are=known)


@pytest.fixture
def found():
    return [make_ladder_record(batch, noise=0.0) for batch in (1, 10, 100)]


def words(blocks):
    return [block.words for block in blocks if isinstance(block, Text)]


def test_each_change_says_what_it_removed_and_what_it_added(found):
    blocks = list(why.blocks(found, split(found)))
    (listing,) = [block for block in blocks if isinstance(block, Listing)]
    told = dict(listing.items)
    assert list(told) == ["per_sample to full_matrix", "full_matrix to in_place", "in_place to fused"]
    assert told["per_sample to full_matrix"] == (
        ": 220 us of calls and 70.0 us of products go (measured); 400 us become 100 us, 4.00x as fast. The loop over "
        "samples becomes the columns of one matrix."
    )
    assert ": 16.0 us of passes and 32.0 us of products go, 8.00 us of calls come" in told["in_place to fused"]
    assert "What is left of fused, 40.0 us: 24.0 us of calls, 0 ns of passes and 16.0 us of products." in words(blocks)
    assert parts.HOW["measured"] in words(blocks)
    assert parts.HOW["fitted"] not in words(blocks)


def test_each_batch_size_has_a_line_with_what_goes_and_how_that_is_known(found):
    *_, table = why.blocks(found, split(found, "fitted"))
    assert isinstance(table, Table)
    assert table.headings[3:] == ["factor (95 % interval)", "calls gone", "passes gone", "products gone", "parts are"]
    assert [line[0] for line in table.lines] == ["1", "10", "100"]
    assert table.lines[1][4:] == ["220 us", "10.0 us", "70.0 us", "fitted"]


def test_of_the_loop_it_says_why_the_parts_go_and_of_no_other_pair(found):
    told = " ".join(words(why.blocks(found, split(found))))
    assert "Calls are made once a step and not once for each sample" in told
    assert "Parameters and gradients" not in told, "of passes too little goes"
    others = [make_timed_record(cell, {"a": exact(LOOP, cell), "b": exact(MATRIX, cell)}) for cell in GRID]
    told = " ".join(words(why.blocks(others, speedup_frame.frame(others, cost_model.models(others)))))
    assert re.search(r"From a to b [\d.]+ [mu]s of calls", told)
    assert "each sample" not in told


def test_where_nothing_is_split_nothing_is_said_of_it(found):
    rows = speedup_frame.frame(found)
    assert list(why.blocks(found, rows)) == []
    assert removed.STEM not in pictures.of_the_story(found, rows)


def test_a_factor_of_which_nothing_was_resolved_has_no_reason():
    same = [make_timed_record(Cell((784, 30, 10), batch), {"per_sample": 1.0, "full_matrix": 1.0}) for batch in (1, 10)]
    told = words(why.blocks(same, split(same)))
    assert sum("No difference was resolved" in one for one in told) == 2


def test_a_terminal_has_it_in_a_sentence(found):
    (told,) = why.in_brief(found, split(found))
    assert told.startswith("Why (measured): From per_sample to full_matrix 220 us of calls and 70.0 us of products go.")
